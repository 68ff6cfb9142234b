"""Files that bring many rows at once: PostgreSQL counts them, and does not go through the whole file for each."""

import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from core.ingest.staging import count_written
from core.management.owner import as_owner
from core.models import Client
from tests.ingest.test_measuring import file, take

ROWS = 3_000  # more than 1,000 are new


def counted(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_what_a_first_file_brings_is_counted_although_there_was_nobody_when_autovacuum_looked() -> None:
    """As after a preview: what it left behind is no row."""
    take(file(ROWS), dry_run=True)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE clients; ANALYZE client_identifiers")
    assert counted("clients") == counted("client_identifiers") == 0
    created = take(file(ROWS)).outcomes["created"]
    assert counted("clients") == counted("client_identifiers") == created == Client.objects.count()


@pytest.mark.django_db
@pytest.mark.parametrize(("known", "brought", "counts"), [(0, 999, False), (0, 1_000, True), (20_000, 1_999, False)])
def test_what_is_few_is_not_counted(known: int, brought: int, counts: bool) -> None:
    with connection.cursor() as cursor, as_owner():
        cursor.execute("UPDATE pg_class SET reltuples = %s WHERE relname = 'discharges'", [known])
    with connection.cursor() as cursor:
        cursor.execute("SELECT ccd_count_anew('discharges', %s)", [brought])
        assert cursor.fetchone()[0] is counts


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["pg_class", "client_keys_pkey", "reporting_totals"])
def test_nothing_but_tables_of_ours_is_counted(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), ccd_count_anew(to_regclass(%s), 5000)", [table, table])
        assert cursor.fetchone()[1] in (False, None)


@pytest.mark.django_db
def test_a_table_that_is_not_there_is_said() -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="does not exist"):
        count_written(cursor, "nowhere", 5_000)
