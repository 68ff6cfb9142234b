"""What a report is: one file with a subclass of Report.

From slug, title, description, form, columns and rows() it gets its page, CSV and XLSX, its command, its entry in the
index and the registry tests. `page()` and `rule()` may say more; without them the page is one table.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from types import MappingProxyType
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from core import rules
from core.errors import CannotLeave
from core.models import Staff
from reporting.forms import ReportForm
from reporting.remembered import remembered

Cell = str | int | Decimal | date | None
Row = tuple[Cell, ...]
Params = Mapping[str, Any]
# What stands where a number was hidden.
HIDDEN = "*"
# Over rows of no department.
EVERYWHERE = "All departments"


@dataclass(frozen=True)
class Figure:
    """A number that is read first. `tone`: 'main', 'warn' or ''; `key`: the row whose people it opens, or ''."""

    value: str
    label: str
    note: str = ""
    tone: str = ""
    key: str = ""


@dataclass(frozen=True)
class Spark:
    """A row of numbers as a small line: where it went, not how high it is."""

    numbers: tuple[int, ...]
    label: str

    @property
    def points(self) -> str:
        """The line in a box of 100 by 20, as SVG wants it."""
        low, high = min(self.numbers), max(self.numbers)
        step = 100 / max(len(self.numbers) - 1, 1)
        spread = (high - low) or 1
        heights = [18 - 16 * (number - low) / spread if high > low else 10 for number in self.numbers]
        return " ".join(f"{place * step:.1f},{height:.1f}" for place, height in enumerate(heights))


@dataclass(frozen=True)
class Chart:
    """Series of numbers over the same labels, drawn by Unfold's Chart.js. `kind`: 'bar', 'rows' (bars that lie) or
    'line'; `series`: (name, tone, numbers), tone 'main' or 'quiet'. `summary` says the same to who cannot see it.
    """

    title: str
    kind: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, str, tuple[int, ...]], ...]
    summary: str
    note: str = ""

    _COLOURS: ClassVar[dict[str, str]] = {"main": "var(--color-primary-600)", "quiet": "var(--color-base-400)"}

    @property
    def data(self) -> str:
        """For the component's `data`."""
        sets = [
            {
                "label": name,
                "data": numbers,
                "backgroundColor": self._COLOURS[tone],
                "borderColor": self._COLOURS[tone],
                "borderDash": [5, 4] if tone == "quiet" and self.kind == "line" else [],
                "pointRadius": 0,
                "borderWidth": 2 if self.kind == "line" else 0,
                "borderRadius": 3,
                "maxBarThickness": 28,
            }
            for name, tone, numbers in self.series
        ]
        return json.dumps({"labels": self.labels, "datasets": sets})

    @property
    def options(self) -> str:
        """For the component's `options`: from nought, in whole numbers; `rows` are bars that lie beside long names."""
        ticks = {"color": "#8a938f"}
        names = {"grid": {"display": False}, "ticks": {**ticks, "autoSkip": len(self.labels) > 16}}
        values = {"beginAtZero": True, "ticks": {**ticks, "precision": 0}, "border": {"display": False}}
        lies = self.kind == "rows"
        return json.dumps(
            {
                "animation": False,
                "responsive": True,
                "maintainAspectRatio": False,
                "interaction": {"mode": "index", "intersect": False},
                "plugins": {
                    "legend": {
                        "display": len(self.series) > 1,
                        "align": "end",
                        "labels": {**ticks, "boxHeight": 8, "boxWidth": 8},
                    }
                },
                "indexAxis": "y" if lies else "x",
                "scales": {"x": values, "y": names} if lies else {"x": names, "y": values},
            }
        )


@dataclass(frozen=True)
class Line:
    """A line of a block: its label, its cells, and how much of its bar is filled (0 to 1; None: no bar).

    `kind`: 'group' for a heading with numbers, 'missing' for what was not recorded; `tone`: 'warn', 'full' or ''.
    `key`: the row whose people are behind cell number `opens`; '' where there is no list. `narrow`: the query that
    narrows the report to this line. `spark`: its numbers over time.
    """

    label: str
    cells: tuple[str, ...]
    share: float | None = None
    note: str = ""
    kind: str = ""
    tone: str = ""
    key: str = ""
    opens: int = 0
    spark: "Spark | None" = None
    narrow: str = ""

    @property
    def width(self) -> str:
        """The filled part of the bar in percent, as SVG wants it; '' where there is no bar."""
        return "" if self.share is None else f"{100 * self.share:.1f}"


@dataclass(frozen=True)
class Block:
    """A table of the page with its bars; `headers` stand over the label and the cells. A long one is laid out in
    several `columns` where there is room. `tracks`: a full bar means a full place, so the empty part is drawn, too.
    `words`: numbers of the cells that are words. `plain`: no more than a table, its columns as wide as what is in them.
    """

    title: str
    headers: tuple[str, ...]
    lines: list[Line]
    note: str = ""
    wide: bool = False
    totals: tuple[str, ...] = ()
    columns: int = 1
    tracks: bool = False
    words: tuple[int, ...] = ()
    plain: bool = False

    @property
    def cells(self) -> int:
        """How many columns of numbers stand beside the label."""
        return len(self.headers) - 1

    @property
    def words_from_end(self) -> tuple[int, ...]:
        """The same, counted from the last header, which is 1."""
        return tuple(self.cells - place for place in self.words)

    @property
    def has_sparks(self) -> bool:
        """At least one line shows its numbers over time."""
        return any(line.spark is not None for line in self.lines)

    @property
    def has_bars(self) -> bool:
        """At least one line has one."""
        return any(line.share is not None for line in self.lines)

    @property
    def parts(self) -> list[list[Line]]:
        """The lines, dealt into columns."""
        size = -(-len(self.lines) // self.columns) or 1
        return [self.lines[start : start + size] for start in range(0, len(self.lines), size)]


@dataclass(frozen=True)
class Page:
    """What a screen shows of a report."""

    figures: list[Figure] = field(default_factory=list)
    sentence: str = ""
    blocks: list[Block] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    empty: str = "There is nothing to show for this choice."


class Report(ABC):
    """A question with its answer as rows of one table."""

    slug: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str] = "table_chart"
    permission: ClassVar[str] = "core.view_report"
    form: ClassVar[type[ReportForm]]
    columns: ClassVar[tuple[str, ...]]
    # The answer hangs on nothing but the parameters and audited tables, and is the same for all who see every client.
    remembers: ClassVar[bool] = False
    counted: ClassVar[str] = ""  # the column that counts people, where one does

    def bind(self, data: Mapping[str, Any], *, actor: Staff | None) -> ReportForm:
        """The form with `data`; what `data` leaves out takes its first value."""
        form = self.form(actor=actor)
        first = {name: form.get_initial_for_field(item, name) for name, item in form.fields.items()}
        given = {name: data[name] for name in form.fields if name in data}
        return self.form({name: value for name, value in {**first, **given}.items() if value is not None}, actor=actor)

    def rows(self, actor: Staff | None, params: Params) -> list[Row]:
        """The answer for `actor` (None: the system itself). Raises NotAllowed."""
        rules.require(actor, self.permission)
        if actor is not None and not rules.sees_every_client(actor):
            return self.shared(actor, params, settings.CCD_SMALL_CELLS_INSIDE)
        if not self.remembers:
            return list(self.answer(actor, params))
        return list(remembered(actor, self.slug, params, lambda: list(self.answer(actor, params))))

    def shared(self, actor: Staff | None, params: Params, threshold: int, base: int = 1) -> list[Row]:
        """The rows with numbers of fewer than `threshold` people HIDDEN and others rounded to `base`, so that they may
        leave the agency. Raises NotAllowed, CannotLeave.
        """
        raise CannotLeave(f"{self.title} cannot leave the agency: it tells too much of single people.")

    @abstractmethod
    def answer(self, actor: Staff | None, params: Params) -> Iterable[Row]:
        """The rows, each as long as `columns`; `params` are the form's cleaned values."""

    def rule(self, params: Params) -> list[str]:
        """How it is counted, in sentences."""
        return []

    def key(self, row: Row) -> str:
        """What names a row, and no other, in the address of the list behind it: key_of() its first cells."""
        return ""

    def people(self, actor: Staff | None, params: Params, row: Row) -> models.QuerySet | None:
        """The clients that `row` counts, as far as `actor` may see them; None where a row is not a list of people."""
        return None

    def span(self, params: Params) -> Params | None:
        """The period and places whose people it counts, as reporting.served takes them, so that a run can be kept; None
        for a report that counts none.
        """
        return None

    @property
    def leaves(self) -> bool:
        """Whether it has rows that may leave the agency."""
        return type(self).shared is not Report.shared

    def number(self, row: Row) -> int:
        """How many people `row` counts: as long is the list that people() gives for it."""
        return row[self.columns.index(self.counted)]

    def beside(self, actor: Staff | None, params: Params) -> Params:
        """What the page says beyond the rows: comparisons, trends. Files and commands do without."""
        return {}

    def page(self, rows: list[Row], params: Params, beside: Params = MappingProxyType({})) -> Page:
        """One table of all rows, those of a department under its name, unless the report knows better. `beside` is what
        beside() found.
        """
        if not rows:
            return Page()
        grouped = self.columns[:2] == ("department", "program")
        names = self.columns[1:] if grouped else self.columns
        lines: list[Line] = []
        for department, of_one in groupby(rows, key=lambda row: row[0] if grouped else None):
            if grouped:
                lines.append(Line(shown(department) or EVERYWHERE, ("",) * (len(names) - 1), kind="group"))
            lines += [self._line(row, row[-len(names) :], names) for row in of_one]
        words = tuple(place for place in range(len(names) - 1) if isinstance(rows[0][place - len(names) + 1], str))
        headers = tuple(name.replace("_", " ").capitalize() for name in names)
        return Page(blocks=[Block(self.title, headers, lines, wide=True, words=words, plain=True)])

    def _line(self, row: Row, told: Row, names: tuple[str, ...]) -> Line:
        """`told` is what the line shows of the row; the number of people opens their list."""
        opens = names.index(self.counted) - 1 if self.counted in names else 0
        key = self.key(row) if self.counted else ""
        return Line(shown(told[0]), tuple(shown(cell) for cell in told[1:]), key=key, opens=opens)


def percent(part: int, whole: int) -> Decimal:
    """100 × part ÷ whole with one decimal, halves up; 0.0 of nothing."""
    if not whole:
        return Decimal("0.0")
    return (Decimal(100 * part) / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def change(now: int, before: int) -> str:
    """'+1,200', '−3', '±0'."""
    if now == before:
        return "±0"
    return f"+{now - before:,}" if now > before else f"−{before - now:,}"


def shown(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def plural(number: int, one: str, many: str = "") -> str:
    """'1 program', '1,200 programs'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def key_of(parts: Iterable[Cell]) -> str:
    """The parts of a row that name it, as one text: no two rows have the same. A slash within a name is doubled, so
    that 'A / B' with 'C' is not 'A' with 'B / C'.
    """
    return " / ".join(str(part).replace("/", "//") for part in parts)


def told_key(key: str) -> str:
    """A key as people read it."""
    return key.replace("//", "/")
