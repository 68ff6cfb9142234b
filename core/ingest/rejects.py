"""The two CSV files about a batch: every row's outcome, and the held and rejected rows to correct and feed back in."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path
from time import time
from typing import Any, Final

from core.errors import FileRefused
from core.ingest.headers import OUTCOME_COLUMNS
from core.models import ImportBatch
from core.normalise import escape_formula, header_key

_CHUNK: Final = 2000
_UNFINISHED: Final = ".part"
_LEFT_BEHIND: Final = 24 * 3600  # seconds; a file of another run that only waits for its name is younger


def write_rows(path: Path, batch: ImportBatch, *, only: Sequence[str] | None = None) -> Path:
    """Write rows of the batch (all, or those with one of the outcomes `only`) to `path`, by a temporary name so that a
    half-written file is never taken for a whole one. Returns the temporary path: publish() gives it its name. Rows say
    much about people: nobody but the owner of the process reads the file, or a folder made for it.

    Raises FileRefused where the path cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    if path.is_dir():
        raise FileRefused(f"Cannot write {path}: it is a folder. Nothing was taken in.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _clear(path)
        with open(temporary, "w", encoding="utf-8-sig", newline="", opener=_for_its_owner) as file:
            writer = csv.writer(file)
            writer.writerow([escape_formula(text) for text in (*OUTCOME_COLUMNS, *batch.headers)])
            for row in _rows(batch, only):
                writer.writerow(row)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise FileRefused(f"Cannot write {path}: {error.strerror or error}. Nothing was taken in.") from error
    return temporary


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _clear(path: Path) -> None:
    """Remove what killed runs left half written of a file of this name, and of any rejects file beside one. What is not
    ours to remove stays.
    """
    names = ["*.rejects.csv", escape(path.name)] if path.name.endswith(".rejects.csv") else [escape(path.name)]
    for name in names:
        for left in path.parent.glob(f".{name}.*{_UNFINISHED}"):
            with suppress(OSError):
                if time() - left.stat().st_mtime > _LEFT_BEHIND:
                    left.unlink()


class _Echo:
    """What csv.writer writes to, handing the line back."""

    def write(self, text: str) -> str:
        return text


def csv_of_batch(batch: ImportBatch, *, only: Sequence[str] | None = None) -> Iterator[str]:
    """The same file from the rows kept of a batch, line by line."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([escape_formula(text) for text in (*OUTCOME_COLUMNS, *(batch.headers or ()))])
    yield from map(writer.writerow, _rows(batch, only))


def csv_in_own_layout(batch: ImportBatch) -> Iterator[str]:
    """The held and rejected rows as the source wrote them, its own columns in their order, and the reason behind them.
    Corrected, it may be fed back in as it is: the reader passes over a column of ours.
    """
    headers = tuple(batch.headers or ())
    taken = set(map(header_key, headers))
    name = next(name for name in ("reason", "reason_code", "outcome", "score") if header_key(name) not in taken)
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([escape_formula(text) for text in (*headers, name)])
    rows = batch.rows.filter(outcome__in=("held", "rejected")).order_by("row_number")
    for reason, cells in rows.values_list("reason", "cells").iterator(_CHUNK):
        yield writer.writerow([escape_formula(text) for text in (*cells, reason or "")])


def publish(temporary: Path, path: Path) -> None:
    """Give a finished file its name."""
    temporary.replace(path)


def _rows(batch: ImportBatch, only: Sequence[str] | None) -> Iterator[list[str]]:
    """The kept rows in order, a chunk at a time, so that memory stays flat in the length of the file."""
    rows = batch.rows.order_by("row_number")
    if only is not None:
        rows = rows.filter(outcome__in=only)
    fields = ("row_number", "outcome", "reason_code", "reason", "note", "client_id", "candidate_ids", "score", "cells")
    for number, outcome, code, reason, note, *rest in rows.values_list(*fields).iterator(_CHUNK):
        yield _line((number, outcome, code, reason or note, *rest))


def _line(row: tuple[Any, ...]) -> list[str]:
    number, outcome, code, reason, client, candidates, score, cells = row
    joined = ";".join(str(key) for key in candidates or ())
    about = [number, outcome, code, reason, client, joined, score]
    return [escape_formula("" if value is None else str(value)) for value in (*about, *cells)]
