"""The copy in S3-compatible storage, against moto's server on the loopback, and against storage that fails."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from moto.server import ThreadedMotoServer

from core.backup import s3, shelf

BUCKET = "agency-backups"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:moto.*"),
]


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """The address of an S3-compatible server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def configure(monkeypatch: pytest.MonkeyPatch, endpoint: str, **others: str) -> None:
    values = {"BUCKET": BUCKET, "PREFIX": "ccd", "ENDPOINT": endpoint, "ACCESS_KEY": "key", "SECRET_KEY": "secret"}
    for name, value in (values | others).items():
        monkeypatch.setenv(f"BACKUP_S3_{name}", value)


@pytest.fixture
def bucket(storage: str, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Iterator[Any]:
    """The empty bucket, as boto3 sees it, and the backup configured for it."""
    configure(monkeypatch, storage)
    found = boto3.resource(
        "s3", endpoint_url=storage, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    ).Bucket(BUCKET)
    found.create()
    yield found
    found.objects.delete()
    found.delete()


def test_all_files_are_in_the_bucket_with_their_hashes(bucket: Any, data_dir: Path) -> None:
    call_command("backup")
    folder = shelf.folders(data_dir / "backups")[0]
    keys = {item.key: item for item in bucket.objects.all()}
    assert set(keys) == {f"ccd/{folder.name}/{name}" for name in ("ccd.dump", "manifest.json", "roles.sql")}
    for key, item in keys.items():
        held = item.get()
        assert held["Body"].read() == (folder / Path(key).name).read_bytes()
        assert held["Metadata"]["sha256"] == shelf.sha256(folder / Path(key).name)


def test_what_is_in_the_bucket_is_not_sent_again(bucket: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("backup")
    capsys.readouterr()
    call_command("backup")
    assert capsys.readouterr().out.count("Z") == 2  # the new folder, and its name as the one uploaded
    assert len(list(bucket.objects.all())) == 6


def test_a_night_that_failed_is_caught_up(bucket: Any, storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, storage, BUCKET="no-such-bucket")
    with pytest.raises(CommandError, match="not in s3://no-such-bucket/ccd/: .*NoSuchBucket"):
        call_command("backup")
    configure(monkeypatch, storage)
    call_command("backup")
    assert len(list(bucket.objects.all())) == 6


def test_only_what_is_older_than_ten_years_is_removed(bucket: Any) -> None:
    now = datetime.now(UTC)
    old, young = ((now - timedelta(days=days)).strftime("%Y-%m-%dT%H%M%SZ") for days in (3654, 3652))
    for name in (old, young, "someone-elses"):
        bucket.put_object(Key=f"ccd/{name}/ccd.dump", Body=b"x")
    bucket.put_object(Key=f"other/{old}/ccd.dump", Body=b"x")
    call_command("backup")
    keys = {item.key for item in bucket.objects.all()}
    assert f"ccd/{old}/ccd.dump" not in keys
    assert {f"ccd/{young}/ccd.dump", "ccd/someone-elses/ccd.dump", f"other/{old}/ccd.dump"} <= keys


class _Failing(BaseHTTPRequestHandler):
    """Takes nothing: 503 to everything."""

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_HEAD = do_GET = do_POST = _refuse

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Tearing(_Failing):
    """Says yes and keeps half."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "17")
        self.end_headers()


@pytest.fixture
def stub(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that answers as the parametrized handler does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("stub", "reason"),
    [(_Failing, "503"), (_Tearing, r"ccd\.dump arrived damaged")],
    indirect=["stub"],
)
def test_storage_that_fails_fails_the_command_and_keeps_the_backup(
    stub: str, reason: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, stub)
    with pytest.raises(CommandError, match=reason) as refusal:
        call_command("backup")
    [folder] = shelf.folders(data_dir / "backups")
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (folder / s3.MARK).exists()


def test_nobody_at_the_address_is_one_line(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="Could not connect to the endpoint URL"):
        call_command("backup")


def test_half_a_key_is_refused_before_anything_is_done(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, "http://127.0.0.1:9", SECRET_KEY="")
    with pytest.raises(CommandError, match="Give both BACKUP_S3_ACCESS_KEY and BACKUP_S3_SECRET_KEY"):
        call_command("backup")
    assert not (data_dir / "backups").exists()
