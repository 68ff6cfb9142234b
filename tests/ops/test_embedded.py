"""The embedded PostgreSQL of demo and tests, as ccd/postgres.py starts it."""

import re
from pathlib import Path

import psycopg
import pytest

from ccd import postgres
from tests.ops.conftest import Run


def settings_of(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT name, setting FROM pg_settings WHERE source = 'configuration file'")
        return dict(rows.fetchall())


@pytest.mark.slow
def test_it_starts_with_settings_for_long_files_and_keeps_its_data(run: Run, tmp_path: Path) -> None:
    """Once made and once found again; what somebody set there themselves stands."""
    variables = {"CCD_DATA_DIR": str(tmp_path), "DATABASE_URL": None, "DEBUG": "1"}
    try:
        for _ in range(2):
            assert run("manage.py", "check", **variables).returncode == 0
            url = (tmp_path / "database_url").read_text().strip()
            found = settings_of(url)
            assert 128 <= int(found["shared_buffers"]) * 8 // 1024 <= 512
            assert found["max_wal_size"] == "2048"  # MB
            assert run("-m", "ccd.postgres", **variables).stdout == "PostgreSQL stopped.\n"
        text = (tmp_path / "postgres" / "postgresql.conf").read_text()
        assert text.count("shared_buffers = ") == 2, "PostgreSQL's own line, as a comment or not, and ours"
        own = re.sub(r"(?m)^max_wal_size = 2GB$", "max_wal_size = 3GB", text)
        (tmp_path / "postgres" / "postgresql.conf").write_text(own)
        run("manage.py", "check", **variables)
        assert settings_of(url)["max_wal_size"] == "3072"
    finally:
        run("-m", "ccd.postgres", **variables)


def test_the_settings_are_added_once(tmp_path: Path) -> None:
    path = tmp_path / "postgresql.conf"
    path.write_text("shared_buffers = 128MB\n")
    postgres._tune(tmp_path)
    once = path.read_text()
    postgres._tune(tmp_path)
    assert path.read_text() == once
    assert once.startswith("shared_buffers = 128MB\n")
    assert once.count("max_wal_size") == 1
