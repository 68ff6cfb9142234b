"""A city's clients in a database of their own, and the daily file about them on disk: made once, and used by every
measurement, each in a process of its own, so that none pays for the memory of the city.
"""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from benchmarks._city import City, Row
from benchmarks._population import bare, client_key
from core.linking import model
from core.management.owner import as_owner

COLUMNS = ("client_id", "first_name", "last_name", "dob", "gender", "phone_number", "email", "address")
HEADERS = (
    "uid_external", "first_name", "last_name", "dob", "gender", "phone_number", "email", "street", "city", "postal_code"
)  # fmt: skip
ROWS = 50_000


@dataclass(frozen=True, slots=True)
class CityData:
    """`clients` people in the database bench_linking_<clients>, and the file about them in a folder."""

    clients: int

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"bench_linking_{self.clients}"

    @property
    def folder(self) -> Path:
        """Where file.csv and meant.csv are."""
        return Path(settings.DATA_DIR) / "bench" / str(self.clients)

    def exists(self) -> bool:
        """It was made and kept."""
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [self.database])
            return cursor.fetchone()[0] and (self.folder / "meant.csv").exists()

    def make(self, rows: int = ROWS) -> None:
        """People, then the rows about them; the client_id of a person follows from the place in the city."""
        started = perf_counter()
        city = City(self.clients)
        with as_owner():
            connection.settings_dict["TEST"]["NAME"] = self.database
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            self._load(city)
        connect(self)
        settle(self)
        model.current()  # weights are measured by the first file or by find_duplicates, and kept
        self._write(list(city.rows(min(rows, self.clients))))
        print(f"  made {self.clients:,} clients and the file in {perf_counter() - started:.0f} s", flush=True)

    def _load(self, city: City) -> None:
        with connection.cursor() as cursor, bare(cursor, "clients", "client_keys"):
            with cursor.copy(f"COPY clients ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                for place, p in enumerate(city.people):
                    address = Jsonb({"street": p.street, "city": "Toronto", "postal_code": p.postal})
                    gender = "Woman" if p.woman else "Man"
                    key = client_key(place)
                    copy.write_row((key, p.first, p.last, p.dob, gender, p.phone or None, p.email or None, address))
            cursor.execute("SET work_mem = '256MB'")
            cursor.execute(
                "INSERT INTO client_keys (key, client_id) SELECT DISTINCT k, client_id FROM clients CROSS JOIN LATERAL "
                "unnest(ccd_match_keys(first_folded, last_folded, dob, phone_digits, email, postal_key, "
                "ccd_street(address))) AS k WHERE k IS NOT NULL ORDER BY k, client_id"
            )

    def _write(self, rows: list[Row]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "file.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADERS)
            for row in rows:
                p, gender = row.person, "Woman" if row.person.woman else "Man"
                city = "Toronto" if p.street else ""
                writer.writerow(
                    (row.uid, p.first, p.last, row.dob or "", gender, p.phone, p.email, p.street, city, p.postal)
                )
        with (self.folder / "meant.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for row in rows:
                writer.writerow((client_key(row.meant) if row.meant >= 0 else "", row.how or "as we have it"))

    def drop(self) -> None:
        """Database and folder are gone."""
        connection.close()
        with as_owner(), connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {connection.ops.quote_name(self.database)}")
        shutil.rmtree(self.folder)

    def content(self, rows: int) -> bytes:
        """The first `rows` rows as a file."""
        with (self.folder / "file.csv").open("rb") as file:
            return b"".join(line for _, line in zip(range(rows + 1), file, strict=False))

    def rows(self, number: int) -> Iterator[dict[str, str]]:
        """The same rows as cells."""
        with (self.folder / "file.csv").open(newline="", encoding="utf-8") as file:
            for _, row in zip(range(number), csv.DictReader(file), strict=False):
                yield row

    def meant(self, number: int) -> list[tuple[str, str]]:
        """Of each row the client_id it is about ('' for nobody we know) and how it is spelt."""
        with (self.folder / "meant.csv").open(newline="", encoding="utf-8") as file:
            return [(row[0], row[1]) for _, row in zip(range(number), csv.reader(file), strict=False)]


def settle(data: CityData) -> None:
    """Sweep and count the database, as autovacuum does of itself soon after a load, and between the files of two days.
    A file that is taken in here is rolled back, and leaves as much behind as one that was only looked at.
    """
    connection.close()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connect(data)


def connect(data: CityData) -> None:
    """From now on the connection is to its database."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = data.database
