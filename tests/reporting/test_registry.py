"""What holds for every report, also for those not yet written."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import rules
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import reporting
from core.errors import NotAllowed, UnknownReport
from core.models import Staff
from reporting import render
from reporting.report import Report
from tests.reporting import world

REPORTS = list(reporting.every().values())

VISITS = """
from reporting.report import Report
from reporting.forms import ReportForm, DayField

class VisitForm(ReportForm):
    as_of = DayField(label="Day", help_text="Any day.")

class Visits(Report):
    slug = "visits"
    title = "Visits"
    description = "One row."
    form = VisitForm
    columns = ("name", "visits")

    def answer(self, actor, params):
        yield "=1+1", -3
"""


@pytest.fixture
def visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A report that someone has just dropped in."""
    (tmp_path / "visits.py").write_text(VISITS)
    monkeypatch.setattr(reporting, "__path__", [*reporting.__path__, str(tmp_path)])
    reporting.every.cache_clear()
    yield reporting.get("visits")
    reporting.every.cache_clear()


def first_choice(report: Report) -> dict[str, Any]:
    """The parameters its page opens with."""
    form = report.bind({}, actor=None)
    assert form.is_valid(), form.errors
    return form.cleaned_data


def test_an_unknown_report_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownReport, match="org_summary, .*vacancy"):
        reporting.get("nothing")


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.slug)
@pytest.mark.django_db
class TestEveryReport:
    def test_it_says_what_it_is(self, report: Report):
        assert report.title
        assert report.description.endswith(".")
        assert rules.perm_exists(report.permission)
        assert all(field.help_text for field in report.form.base_fields.values())

    def test_its_rows_are_as_wide_as_its_columns(self, report: Report):
        world.store(world.make(1))
        rows = report.rows(None, first_choice(report))
        assert {len(row) for row in rows} <= {len(report.columns)}
        assert rows or report.slug in ("import_quality", "proposals", "restrictions")  # nothing of theirs in the world

    def test_it_renders_every_way(self, report: Report):
        world.store(world.make(1))
        params = first_choice(report)
        rows = report.rows(None, params)
        assert render.csv_text(report, rows).count("\n") == len(rows) + 1
        with render.xlsx_file(report.title, report.columns, rows) as file:
            assert file.read(2) == b"PK"
        assert render.table_text(report, rows)
        assert render.json_text(report, rows, params)
        assert report.page(rows, params).blocks or not rows
        assert report.rule(params)

    def test_it_refuses_someone_without_the_right(self, report: Report, worker: Staff):
        with pytest.raises(NotAllowed):
            report.rows(worker, first_choice(report))

    def test_its_number_of_queries_does_not_grow(self, report: Report, administrator: Staff):
        administrator.role_names  # noqa: B018 - read once per request anyway
        params = first_choice(report)

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                report.rows(administrator, params)
            return len(captured)

        queries()  # so that there is an answer in memory, which does not hold, both times
        world.store(world.make(1, clients=20, programs=3))
        before = queries()
        world.store(world.make(2, clients=200, programs=30, departments=("W", "X", "Y", "Z")))
        assert queries() == before <= 6  # the answer, whether one in memory holds, and the mark of the new one

    def test_it_stands_an_empty_database(self, report: Report):
        params = first_choice(report)
        rows = report.rows(None, params)
        assert report.page(rows, params).empty
        render.table_text(report, rows)


def test_a_file_dropped_in_is_a_report(visits: Report):
    assert "visits" in reporting.every()
    assert visits.page([("x", 1)], {}).blocks[0].headers == ("Name", "Visits")
    assert visits.bind({"as_of": "2025-01-01"}, actor=None).is_valid()


def test_its_first_choice_ends_on_the_local_day(monkeypatch: pytest.MonkeyPatch):
    """At 23:30 in Toronto it is tomorrow in UTC, also on the nights when clocks change."""
    for utc, local in [
        ("2026-03-08T04:30:00+00:00", "2026-03-07"),
        ("2026-03-09T03:30:00+00:00", "2026-03-08"),
        ("2026-11-02T04:30:00+00:00", "2026-11-01"),
    ]:
        moment = timezone.datetime.fromisoformat(utc)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        assert (
            str(
                reporting.get("vacancy")
                .form()
                .get_initial_for_field(reporting.get("vacancy").form.base_fields["as_of"], "as_of")
            )
            == local
        )


@pytest.mark.django_db
@pytest.mark.parametrize("days", [(date.min, date.min), (date.min, date.max), (date.max, date.max)])
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.slug)
def test_every_report_answers_at_the_ends_of_the_calendar(report: Report, days: tuple[date, date]):
    world.store(world.make(3))
    form = report.bind({"date_from": days[0], "date_to": days[1], "as_of": days[1]}, actor=None)
    assert form.is_valid()
    params = form.cleaned_data
    rows = report.rows(None, params)
    assert report.page(rows, params, report.beside(None, params))
    assert report.rule(params)
