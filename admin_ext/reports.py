"""The pages of reports: an index, and one page per report with its filters, tables, CSV and XLSX.

Knows no report by name: everything comes from `reporting`. Same address, same parameters, `&format=csv` or `xlsx` for
the file; the access log tells who read or took which.
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import reporting
from admin_ext import files
from admin_ext.mounting import mount
from admin_ext.watching import exported, look
from core import rules, runs
from core.errors import CannotLeave, Conflict, UnknownReport
from core.models import ReportRun
from reporting import kept, render
from reporting.forms import ReportForm
from reporting.reading import file_ages, room, streamed
from reporting.remembered import remembered
from reporting.report import Params, Report, Row, plural, told_key

PEOPLE_PER_PAGE = 100
BY_NAME = ("last_name", "first_name", "client_id")
# What one needs to look at the people of a number in a spreadsheet: who they are, and what reports count by.
PEOPLE_COLUMNS = (
    "client_id", "uid_external", "first_name", "last_name", "preferred_name", "dob", "gender", "sexual_orientation",
    "race", "immigration_status", "languages_spoken",
)  # fmt: skip
OLD_AFTER = 1  # days


def urls() -> list[URLPattern]:
    """Routes below the admin site, in its namespace."""
    return [
        path("reports/", admin.site.admin_view(index), name="report_index"),
        path("reports/<slug:slug>/", admin.site.admin_view(report_page), name="report"),
        path("reports/<slug:slug>/keep/", admin.site.admin_view(keep), name="report_keep"),
        path("reports/<slug:slug>/kept/", admin.site.admin_view(kept_page), name="report_kept"),
        path("reports/<slug:slug>/people/", admin.site.admin_view(people_page), name="report_people"),
        path("reports/<slug:slug>/people.<str:kind>", admin.site.admin_view(people_file), name="report_people_file"),
    ]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The reports this person may read."""
    reports = [report for report in reporting.every().values() if rules.allows(request.user, report.permission)]
    if not reports:
        raise PermissionDenied
    return _respond(request, "admin/reports/index.html", title="Reports", reports=reports)


@require_safe
def report_page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The page of one report, or its rows as a file. Parameters that do not hold are said beside their fields."""
    report = _readable(request, slug)
    form = report.bind(request.GET, actor=request.user)
    if not form.is_valid():
        return _respond(request, "admin/reports/report.html", title=report.title, **_frame(report, form))
    if request.GET.get("format") == "shared":
        return _shared(request, report, form)
    rows = report.rows(request.user, form.cleaned_data)
    if request.GET.get("format") in files.KINDS:
        return _download(request, report, form.cleaned_data, rows, request.GET["format"])
    return _respond(
        request,
        "admin/reports/report.html",
        title=report.title,
        page=report.page(rows, form.cleaned_data, _beside(request, report, form.cleaned_data)),
        files=[_age(source, days) for source, days in file_ages()],
        rule=report.rule(form.cleaned_data),
        chosen=_chosen(form),
        behind=_query(form),
        downloads=[(name, f"?{_query(form, format=kind)}") for kind, name in _downloads(report).items()],
        printed=timezone.localtime(),
        values=_values(form),
        may_keep=report.span(form.cleaned_data) is not None and rules.allows(request.user, "core.keep_report"),
        **_frame(report, form),
    )


@require_safe
def people_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The clients behind one number of a report, as far as this person may see them."""
    report = _readable(request, slug)
    form, row, people = _behind(request, report)
    found = people.order_by(*BY_NAME).only("first_name", "last_name", "dob")
    page = _People(found, PEOPLE_PER_PAGE, report.number(row)).get_page(request.GET.get("p"))
    key = report.key(row)
    look(request, number=page.paginator.count, detail=f"{_words(form.cleaned_data)}, row: {key}")
    return _respond(
        request,
        "admin/reports/people.html",
        title=report.title,
        report=report,
        heading=told_key(key).replace("_", " "),
        people=page,
        clients_shown=page.object_list,
        chosen=_chosen(form),
        back=f"?{_query(form)}",
        here=f"?{_query(form, row=key)}",
        kinds=files.KINDS if rules.allows(request.user, "core.export_rows") else (),
    )


@require_safe
def people_file(request: HttpRequest, slug: str, kind: str) -> HttpResponseBase:
    """The same clients as a file, for those who may export; read while it is sent."""
    rules.require(request.user, "core.export_rows")  # first: who may not take files learns of no report
    report = _readable(request, slug)
    if kind not in files.KINDS:
        raise Http404
    form, row, people = _behind(request, report)
    number, key = report.number(row), report.key(row)
    if sentence := files.too_long(kind, number):
        messages.error(request, sentence)
        return HttpResponseRedirect(f"{reverse('admin:report_people', args=[slug])}?{_query(form, row=key)}")
    with room():
        exported(request, people, number)
    look(request, detail=f"{_words(form.cleaned_data)}, row: {key}")
    name = render.file_name(report, {**form.cleaned_data, "row": key.replace(" / ", " ")})
    rows = streamed(people.order_by(*BY_NAME), PEOPLE_COLUMNS)
    return files.download(kind, name, report.title, PEOPLE_COLUMNS, rows, marked=True)


def _behind(request: HttpRequest, report: Report) -> tuple[ReportForm, Row, QuerySet]:
    """Form, row and clients that the address names."""
    form = report.bind(request.GET, actor=request.user)
    if not form.is_valid():
        raise Http404("These parameters do not hold.")
    params, asked = form.cleaned_data, request.GET.get("row")
    row = _row(report, report.rows(request.user, params), asked) if asked else None
    people = report.people(request.user, params, row) if row else None
    if people is None:
        raise Http404("There is no list behind this.")
    return form, row, people


def _row(report: Report, rows: list[Row], asked: str) -> Row | None:
    """The row with this key; or the only one whose key reads so, for addresses from before slashes were told apart."""
    exact = [row for row in rows if report.key(row) == asked]
    found = exact or [row for row in rows if told_key(report.key(row)) == asked]
    return found[0] if len(found) == 1 else None


@require_POST
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the answer as it stands now; leads to its page."""
    report = _readable(request, slug)
    rules.require(request.user, "core.keep_report")
    form = report.bind(request.POST, actor=request.user)
    if not form.is_valid() or report.span(form.cleaned_data) is None:
        raise Http404("There is nothing to keep.")
    params = form.cleaned_data
    try:
        found = kept.answer(report, actor=request.user, params=params)
    except Conflict as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"{reverse('admin:report', args=[slug])}?{_query(form)}")
    run = runs.keep(
        report.slug,
        actor=request.user,
        parameters=_values(form),
        rows=kept.plain(found.rows),
        people=len(found.people),
        people_sha256=kept.seal(found.people),
        position=found.position,
    )
    return HttpResponseRedirect(f"{reverse('admin:report_kept', args=[slug])}?{urlencode({'run': run.pk})}")


@require_safe
def kept_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The kept runs of a report; with `?run=` one of them, against the same question asked now."""
    report = _readable(request, slug)
    found = rules.visible_to(request.user, ReportRun).filter(report=report.slug)
    context: dict[str, Any] = {"title": report.title, "report": report, "runs": found.select_related("kept_by")[:50]}
    if request.GET.get("run"):
        run = _run(found, request.GET["run"])
        form = report.bind(run.parameters, actor=request.user)
        if not form.is_valid():
            raise Http404("What it asked for is no longer there.")
        moved = kept.moved(run, report, actor=request.user, params=form.cleaned_data)
        context |= {"run": run, "moved": moved, "chosen": _chosen(form), "again": _query(form)}
    return _respond(request, "admin/reports/kept.html", **context)


def _run(found: QuerySet, key: str) -> ReportRun:
    try:
        return found.get(pk=UUID(key))
    except (ValueError, ReportRun.DoesNotExist):
        raise Http404("There is no such run.") from None


class _People(Paginator):
    """Pages of a list whose length the report has counted already."""

    def __init__(self, people: QuerySet, per_page: int, number: int) -> None:
        super().__init__(people, per_page)
        self.number = number

    @property
    def count(self) -> int:
        """As counted."""
        return self.number

    def page(self, number: int | str) -> Page:
        """Its clients, read with room to sort in."""
        with room():
            page = super().page(number)
            page.object_list = list(page.object_list)
        return page


DOWNLOADS = {"csv": "CSV", "xlsx": "XLSX", "shared": "CSV to share"}


def _downloads(report: Report) -> dict[str, str]:
    return {kind: name for kind, name in DOWNLOADS.items() if report.leaves or kind != "shared"}


def _readable(request: HttpRequest, slug: str) -> Report:
    if not rules.allows(request.user, "core.view_report"):
        raise PermissionDenied  # whether or not there is such a report
    try:
        report = reporting.get(slug)
    except UnknownReport as error:
        raise Http404(str(error)) from None
    if not rules.allows(request.user, report.permission):
        raise PermissionDenied
    return report


def _download(
    request: HttpRequest, report: Report, params: Params, rows: list[Row], kind: str, prefix: str = ""
) -> HttpResponseBase:
    look(request, action="download", number=len(rows), detail=f"{prefix and 'to share, '}{_words(params)}")
    name = prefix + render.file_name(report, params)
    return files.download(kind, name, report.title, report.columns, rows)


def _beside(request: HttpRequest, report: Report, params: Params) -> Params:
    if not report.remembers:
        return report.beside(request.user, params)
    return remembered(request.user, f"{report.slug}-beside", params, lambda: report.beside(request.user, params))


def _age(source: str, days: int) -> tuple[str, bool]:
    """'EMHWare: 3 days old', and whether that is too old for a daily file."""
    return f"{source}: {'today' if days <= 0 else plural(days, 'day') + ' old'}", days > OLD_AFTER


def _shared(request: HttpRequest, report: Report, form: ReportForm) -> HttpResponseBase:
    """The file that may leave the agency, or why there is none."""
    params = form.cleaned_data
    try:
        rows = report.shared(request.user, params, settings.CCD_SMALL_CELLS_LEAVING, settings.CCD_ROUND_LEAVING)
    except CannotLeave as error:
        form.add_error(None, str(error))
        return _respond(request, "admin/reports/report.html", title=report.title, **_frame(report, form))
    return _download(request, report, params, rows, "csv", render.SHARED)


def _words(params: Params) -> str:
    return ", ".join(f"{name}: {value}" for name, value in params.items() if value is not None)


def _frame(report: Report, form: ReportForm) -> dict[str, Any]:
    """What the page has with and without an answer."""
    now = {name: str(form[name].value() or "") for name in form.fields}
    presets = [
        (name, f"?{_query(form, **values)}", all(now[key] == str(value) for key, value in values.items()))
        for name, values in form.presets()
    ]
    return {"report": report, "form": form, "presets": presets}


def _values(form: ReportForm, **values: object) -> dict[str, str]:
    """The form's parameters as an address has them, some of them replaced."""
    now = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in {**now, **values}.items() if value not in (None, "")}


def _query(form: ReportForm, **values: object) -> str:
    return urlencode(_values(form, **values))


def _chosen(form: ReportForm) -> list[tuple[str, str]]:
    """Label and value of each parameter given, for the printed page."""
    return [(form[name].label, str(value)) for name, value in form.cleaned_data.items() if value is not None]


def _respond(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    request.current_app = admin.site.name
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})


mount(urls)
