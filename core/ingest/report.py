"""What a run of a file is told, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.choices import OUTCOMES

Progress = Callable[[str, int], None]


@dataclass
class Report:
    """What became of a file: counts that add up to its rows, and where the files about it are."""

    rows: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    rejects_file: str | None = None
    fed_back: int | None = None  # rows that waited and came back in this file; None: it is no rejects file of ours
    batch_id: str | None = None
    preview: dict[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        """The JSON summary of CONTRACT §4."""
        return {
            "rows": self.rows,
            **{name: self.outcomes.get(name, 0) for name in OUTCOMES},
            **{name: self.written.get(name, 0) for name in ("intakes", "enrollments", "discharges")},
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows / self.seconds) if self.seconds else 0,
            "rejects_file": self.rejects_file,
            "batch_id": self.batch_id,
            **({} if self.fed_back is None else {"fed_back": self.fed_back}),
        }


def unheard(stage: str, number: int) -> None:
    """Nobody waits for news of the stage and how many rows of it are done."""


@dataclass
class Options:
    """How to run: a dry run does all but the write; `repeat` takes the same bytes again; a preview `writes_files` to no
    folder, since its page shows what would be in them. A person who has seen it `releases` a file outside its limits.
    """

    dry_run: bool = False
    repeat: bool = False
    releases: bool = False
    writes_files: bool = True
    rejects: Path | None = None
    outcomes: Path | None = None
    progress: Progress = unheard
