"""What is wrong with a row: data, not an exception (except on its way out of a widget)."""

from typing import Final, NamedTuple

LONGEST_QUOTE: Final = 60


class Fault(NamedTuple):
    """One fault of one row. `column` is the file's own header; `sentence` says what, where and what to do."""

    column: str
    value: str
    code: str
    sentence: str


class CellFault(ValueError):
    """A value that cannot be true. The sentence goes on after the value: 'is not a date; …'."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


def about(column: str, value: str, sentence: str) -> str:
    """A whole sentence about one cell: its column, its value, what is to be said."""
    return f"{column}: {quote(value)} {sentence}" if value else f"{column}: {sentence}"


def fault(column: str, value: str, code: str, sentence: str) -> Fault:
    return Fault(column, value, code, about(column, value, sentence))


def quote(value: str) -> str:
    """The value in quotation marks on one line, cut where it is long."""
    line = " ".join(value.split())
    return f"“{line}”" if len(line) <= LONGEST_QUOTE else f"“{line[:LONGEST_QUOTE]}…”"
