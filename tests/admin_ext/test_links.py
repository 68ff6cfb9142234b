"""Every link that a page shows to someone leads to a page of theirs."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client as Browser

from core import audit
from core.models import Program, ProgramStaff, Staff
from tests.admin_ext.conftest import url

_LINK = re.compile(r'<a [^>]*href="([^"#][^"]*)"')
# Downloads read at one moment in a transaction of their own, which these tests have open already: test_streaming.py.
_NOT_OPENED = re.compile(r"logout|/export/|\.(csv|xlsx)\b|\bformat=")
_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|/\d+/")


def _links(browser: Browser, address: str) -> list[str]:
    response = browser.get(address)
    if response.status_code in (301, 302):
        return [urljoin(address, response.headers["Location"])]
    assert response.status_code == 200, address
    found = (urljoin(address, unescape(link)).split("#")[0] for link in _LINK.findall(response.content.decode()))
    return [link for link in found if link.startswith("/") and not _NOT_OPENED.search(link)]


def _kind(address: str) -> tuple[str, ...]:
    """One page of each kind is opened, and of lists one for each set of filters."""
    parts = urlsplit(address)
    return (_KEY.sub("/KEY/", parts.path), *sorted({pair.partition("=")[0] for pair in parts.query.split("&")} - {"o"}))


def _works_in(program: Program, staff: Staff) -> None:
    with audit.acting(None, channel="command"):
        ProgramStaff.objects.create(program=program, staff=staff)


@pytest.mark.parametrize("role", ["worker", "analyst", "manager"])
def test_every_link_leads_to_a_page(request, browse, role, amina, shelter, coordinator):
    _works_in(shelter, coordinator)
    browser = browse(request.getfixturevalue(role))
    waiting, opened = ["/admin/"], {}
    while waiting:
        address = waiting.pop()
        if _kind(address) in opened:
            continue
        opened[_kind(address)] = address
        try:
            waiting += _links(browser, address)
        except AssertionError as error:
            pytest.fail(f"{error}: linked from one of {list(opened.values())[-5:-1]}")
    assert url("client_change", amina.pk) in opened.values()
    assert url("program_change", shelter.pk) in opened.values()


def test_who_may_not_open_a_record_reads_its_name(
    browse, worker: Staff, analyst: Staff, coordinator: Staff, shelter: Program, amina
):
    _works_in(shelter, coordinator)
    page = url("program_change", shelter.pk)
    theirs, everything = (browse(one).get(page).content.decode() for one in (worker, analyst))
    department = url("department_change", shelter.department_id)
    assert department in everything
    assert department not in theirs
    assert "/admin/core/staff/" not in theirs
    assert str(shelter.department) in theirs
    assert str(coordinator) in theirs


def test_clearing_the_filters_of_a_day_keeps_the_day(browse, coordinator):
    day = "created_at__day=27&created_at__month=11&created_at__year=2026"
    response = browse(coordinator).get(f"{url('importbatch_changelist')}?{day}&source_system=SMIS")
    assert response.context["cl"].clear_all_filters_qs == f"?{day}"
    assert browse(coordinator).get(f"{url('importbatch_changelist')}?{day}").status_code == 200


@pytest.mark.parametrize(("role", "helped"), [("worker", False), ("analyst", False), ("coordinator", True)])
def test_help_for_filling_in_is_for_those_who_may_fill_in(request, browse, shelter, role, helped):
    page = browse(request.getfixturevalue(role)).get(url("program_change", shelter.pk)).content.decode()
    assert ("Leave empty where the program has no fixed number." in page) == helped
    assert ("ccd-only-read" in page) == (not helped)


def test_help_is_there_where_a_new_record_is_proposed(browse, manager):
    page = browse(manager).get(url("program_add")).content.decode()
    assert "Leave empty where the program has no fixed number." in page
