"""Checking one row: all that is wrong with it, all that is odd about it, and its values in our words."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from core.ingest.faults import CellFault, Fault, about, fault
from core.ingest.headers import recognise
from core.ingest.profile import SourceProfile
from core.ingest.programs import ProgramIndex
from core.ingest.reader import UNREAD_ROWS, RawRow
from core.ingest.resource import DailyFileResource, Reading
from core.normalise import tidy

DATE_COLUMNS: Final = ("intake_date", "start_date", "end_date", "discharge_date")
REMEMBERED: Final = 10_000  # texts per column
SHORT: Final = 200  # longer texts hardly repeat

Values = dict[str, Any]


class CheckedRow(NamedTuple):
    """A row after checking. `values` has no blanks; with faults the row is rejected."""

    number: int
    values: Values
    faults: list[Fault]
    notes: list[str]
    cells: tuple[str, ...]

    @property
    def reason_code(self) -> str:
        """The code of the first fault, '' where there is none."""
        return self.faults[0].code if self.faults else ""

    @property
    def reason(self) -> str:
        """Every fault in a sentence."""
        return " ".join(each.sentence for each in self.faults)


class _Cell(NamedTuple):
    """What became of one text in one column."""

    value: Any = None
    notes: Sequence[str] = ()
    fault: Fault | None = None


class _Column:
    """One column of the file, and what its texts were read as: most cells of a file repeat."""

    __slots__ = ("clean", "header", "name", "position", "reading", "remembered")

    def __init__(self, position: int, header: str, reading: Reading) -> None:
        self.position = position
        self.header = header
        self.name = reading.column
        self.reading = reading
        self.clean = DailyFileResource.fields[reading.column].widget.clean
        self.remembered: dict[str, _Cell] = {}

    def read(self, text: str) -> _Cell:
        cell = self._read(text)
        if len(self.remembered) >= REMEMBERED:
            self.remembered.clear()
        if len(text) <= SHORT:
            self.remembered[text] = cell
        return cell

    def _read(self, text: str) -> _Cell:
        try:
            value = self.clean(text, reading=self.reading)
        except CellFault as error:
            self.reading.notes = []
            return _Cell(fault=fault(self.header, text, error.code, str(error)))
        if not self.reading.notes:
            return _Cell(value)
        notes, self.reading.notes = self.reading.notes, []
        return _Cell(value, [about(self.header, text, sentence) for sentence in notes])


class Checker:
    """Checks the rows of one file."""

    def __init__(self, profile: SourceProfile, headers: Sequence[str], programs: ProgramIndex, today: date) -> None:
        self._profile = profile
        self._programs = programs
        self._today = today
        self._plan = [
            _Column(position, tidy(header), Reading(column, profile, today))
            for position, (column, header) in enumerate(zip(recognise(headers, profile), headers, strict=True))
            if column
        ]
        self._headers = {column.name: column.header for column in self._plan}
        self._positions = {column.name: column.position for column in self._plan}
        self._found_programs: dict[tuple[str, str | None], UUID | CellFault] = {}

    def check(self, raw: RawRow) -> CheckedRow:
        """The row's values, and every fault and note; a row of the wrong width, or of headers, is not read further."""
        row = CheckedRow(raw.number, {}, list(raw.faults), list(raw.notes), raw.cells)
        if any(each.code in UNREAD_ROWS for each in raw.faults):
            return row
        self._read_cells(row)
        self._check_names(row)
        self._check_program(row)
        self._check_dates(row)
        return row

    def _read_cells(self, row: CheckedRow) -> None:
        values, cells = row.values, row.cells
        faulty = {each.column for each in row.faults}
        for column in self._plan:
            text = cells[column.position]
            if not text:
                continue
            value, notes, wrong = column.remembered.get(text) or column.read(text)
            if value is not None:
                values[column.name] = value
            if notes:
                row.notes.extend(notes)
            if wrong and wrong.column not in faulty:
                row.faults.append(wrong)

    def _check_names(self, row: CheckedRow) -> None:
        missing = [column for column in ("first_name", "last_name") if column not in row.values]
        if not missing or any(each.column in map(self._headers.get, missing) for each in row.faults):
            return
        if len(missing) == 2:
            both = " and ".join(self._headers[column] for column in missing)
            sentence = "both names are empty; a row needs at least one of them."
            row.faults.append(fault(both, "", "missing_name", sentence))
        else:
            row.notes.append(about(self._headers[missing[0]], "", "is empty; the person has a single name."))

    def _check_program(self, row: CheckedRow) -> None:
        name, department = row.values.get("program"), row.values.get("department")
        if name is None:
            self._check_no_program(row)
            return
        found = self._program(name, department)
        if isinstance(found, UUID):
            row.values["program_id"] = found
        else:
            row.faults.append(fault(self._headers["program"], name, found.code, str(found)))
        if not any(column in row.values for column in DATE_COLUMNS) and not row.faults:
            row.notes.append(
                about(self._headers["program"], name, "stands without any date; nothing is recorded for it.")
            )

    def _program(self, name: str, department: str | None) -> UUID | CellFault:
        key = name, department
        if key not in self._found_programs:
            if len(self._found_programs) >= REMEMBERED:
                self._found_programs.clear()
            try:
                self._found_programs[key] = self._programs.find(name, department)
            except CellFault as error:
                self._found_programs[key] = error
        return self._found_programs[key]

    def _check_no_program(self, row: CheckedRow) -> None:
        dated = [column for column in DATE_COLUMNS if column in row.values]
        if not dated:
            return
        header = self._headers.get("program", self._profile.called("program"))
        dates = ", ".join(self._written(row, column) for column in dated)
        sentence = f"is empty, but the row has {dates}; give the program, or leave the dates blank."
        row.faults.append(fault(header, "", "missing_program", sentence))

    def _check_dates(self, row: CheckedRow) -> None:
        start = "start_date" if "start_date" in row.values else "intake_date"
        self._check_order(row, "end_before_start", "end_date", start)
        self._check_order(row, "discharge_before_start", "discharge_date", start)
        dated = [column for column in DATE_COLUMNS if column in row.values]
        for column in dated:
            self._note_future(row, column)
        self._note_order(row, dated, "dob")
        self._note_order(row, ["start_date"], "intake_date")
        self._note_reason(row)

    def _note_reason(self, row: CheckedRow) -> None:
        """A reason hangs on a discharge; an end alone makes none, since the file does not say that there was one."""
        if "discharge_reason" not in row.values or "discharge_date" in row.values:
            return
        said = "is not recorded, since the row has no discharge date"
        if "end_date" in row.values:
            said += f"; {self._written(row, 'end_date')} ends the enrollment without one"
        row.notes.append(self._about(row, "discharge_reason", f"{said}."))

    def _check_order(self, row: CheckedRow, code: str, later: str, earlier: str) -> None:
        if later in row.values and earlier in row.values and row.values[later] < row.values[earlier]:
            sentence = f"is before {self._written(row, earlier)}; correct one of the two dates."
            row.faults.append(fault(self._headers[later], row.cells[self._positions[later]], code, sentence))

    def _note_order(self, row: CheckedRow, later: Sequence[str], earlier: str) -> None:
        """Odd, not impossible: notes the first of the later dates that is before the earlier one."""
        values = row.values
        for column in later:
            if column in values and earlier in values and values[column] < values[earlier]:
                row.notes.append(self._about(row, column, f"is before {self._written(row, earlier)}; both were kept."))
                return

    def _note_future(self, row: CheckedRow, column: str) -> None:
        grace = timedelta(0) if column in ("intake_date", "discharge_date") else timedelta(days=365)
        if row.values[column] - self._today > grace:
            row.notes.append(self._about(row, column, "lies in the future and was kept."))

    def _about(self, row: CheckedRow, column: str, sentence: str) -> str:
        return about(self._headers[column], row.cells[self._positions[column]], sentence)

    def _written(self, row: CheckedRow, column: str) -> str:
        """Header and cell, as the file has them: 'Start 2024-01-05'."""
        return f"{self._headers[column]} {tidy(row.cells[self._positions[column]])}"
