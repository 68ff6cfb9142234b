"""The road to a replica: a second connection, which may only read. `python -m tests.replica` tries real streaming."""

import copy
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext

import reporting
from reporting import reading, served
from tests.reporting import oracle, world
from tests.reporting.test_oracle import periods

pytestmark = pytest.mark.django_db(transaction=True)  # what the other connection sees must be committed


@pytest.fixture
def replica(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The alias of a read-only connection to the same database, as settings make it of DATABASE_REPLICA_URL."""
    caches["reports"].clear()
    there = connection.copy(alias=reading.REPLICA)
    there.settings_dict = copy.deepcopy(connection.settings_dict)
    there.settings_dict["OPTIONS"]["options"] = "-c default_transaction_read_only=on"
    connections[reading.REPLICA] = there
    there.ensure_connection()  # before settings name it: tests may open no other alias that settings do
    monkeypatch.setitem(connections.settings, reading.REPLICA, there.settings_dict)
    yield reading.alias()
    there.close()
    del connections[reading.REPLICA]


@pytest.mark.parametrize("seed", [0, 1])
def test_every_cell_is_what_counting_by_hand_gives(replica: str, seed: int):
    agency = world.make(seed)
    world.store(agency)
    summary, vacancy = reporting.get("org_summary"), reporting.get("vacancy")
    for first, last in periods(seed):
        params = {"date_from": first, "date_to": last}
        assert summary.rows(None, params) == oracle.org_summary(agency, first, last)
        assert served.newcomers(None, params) == oracle.newcomers(agency, first, last)
        assert vacancy.rows(None, {"as_of": first}) == oracle.vacancy(agency, first)


def test_no_report_asks_the_primary(replica: str):
    assert replica == "replica" in settings.DATABASES
    world.store(world.make(2))
    first, last = periods(2)[0]
    given = {"date_from": first, "date_to": last, "as_of": last}
    for report in reporting.every().values():
        form = report.bind(given, actor=None)
        assert form.is_valid()
        with CaptureQueriesContext(connection) as asked:
            rows = report.rows(None, form.cleaned_data)
            report.beside(None, form.cleaned_data)
            for people in (report.people(None, form.cleaned_data, row) for row in rows[:3]):
                list(people[:2] if people is not None else ())
        assert [query["sql"] for query in asked] == [], report.slug


def test_it_takes_no_write(replica: str):
    with pytest.raises(DatabaseError, match="read-only"), connections[replica].cursor() as cursor:
        cursor.execute("DELETE FROM departments")
