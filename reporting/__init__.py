"""Reports: read only, one file each. A module of this folder that declares a Report is found by being here."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from core.errors import UnknownReport

if TYPE_CHECKING:
    from reporting.report import Report


@cache
def every() -> dict[str, Report]:
    """Slug → report, by title. Reads the folder once, when first asked: models must be loaded by then."""
    base = import_module("reporting.report").Report
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__) if not found.ispkg]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    reports = [kind() for kind in kinds if issubclass(kind, base) and kind is not base]
    return {report.slug: report for report in sorted(reports, key=lambda report: report.title)}


def get(slug: str) -> Report:
    """The report of that slug. Raises UnknownReport."""
    try:
        return every()[slug]
    except KeyError:
        raise UnknownReport(f"There is no report {slug!r}; there are: {', '.join(every())}.") from None
