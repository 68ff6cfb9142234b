"""A file that looks too unlike the others of its source is held whole, for a coordinator to release or refuse."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.audit import sentences
from core.errors import FileBusy, FileHeld, FileRefused, NotAllowed
from core.ingest import batches, feeds, jobs, limits, pipeline, previews, rejects, sources
from core.ingest.inbox import alone
from core.ingest.report import Report
from core.models import AuditEntry, Client, ImportBatch, ImportFile, Staff

pytestmark = pytest.mark.django_db


def names(number: int) -> str:
    """Letters alone, different for each number, and not near each other."""
    return "".join("bcdfghjklm"[int(digit)] + "aeiouaeiou"[int(digit)] for digit in f"{number * 7919 % 100000:05}")


def file(rows: int, *, bad: int = 0, renamed: int = 0, start: int = 0) -> bytes:
    lines = ["uid_external,first_name,last_name,dob"]
    for n in range(start, start + rows):
        dob = "1985-02-31" if n - start < bad else f"{1930 + n % 70}-{1 + n % 12:02}-{1 + n % 28:02}"
        first = names(n)[:-1] + ("" if n - start < renamed else names(n)[-1])
        lines.append(f"S-{n},{first},{names(n + 40000)},{dob}")
    return "\n".join(lines).encode()


def take(content: bytes, name: str = "a.csv", **options: object) -> pipeline.Report:
    return pipeline.take(
        content, file_name=name, source="SMIS", actor=None, options=pipeline.Options(writes_files=False, **options)
    )


def sentence(entry: AuditEntry, viewer: Staff) -> str:
    return sentences.read([entry], viewer=viewer)[0].what


@pytest.fixture
def usual(db: None) -> None:
    """Five files of 400 rows in the last days."""
    for day in range(5):
        batch = ImportBatch.objects.create(
            source_system="SMIS", file_name="x", sha256=str(day), size=1, status="applied", summary={"rows": 400}
        )
        ImportBatch.objects.filter(pk=batch.pk).update(created_at=timezone.now() - timedelta(days=day + 1))


def test_too_many_rejects_hold_a_file_and_nothing_of_it_is_in(settings: object, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    path = tmp_path / "smis.csv"
    path.write_bytes(file(200, bad=101))
    log = AuditEntry.objects.count()
    out = StringIO()
    with pytest.raises(CommandError, match=r"101 of 200 rows \(50%\) are held or rejected") as caught:
        call_command("ingest_daily", src=path, source="SMIS", json=True, stdout=out)
    assert caught.value.returncode == 3
    assert out.getvalue() == ""
    batch = ImportBatch.objects.get()
    assert (batch.status, batch.summary["rejected"], batch.finished_at) == ("held", 101, None)
    assert "101 of 200" in batch.reason
    assert bytes(ImportFile.objects.get().content) == path.read_bytes()
    assert not Client.objects.exists()
    assert AuditEntry.objects.count() == log
    assert sorted(each.name for each in tmp_path.iterdir()) == ["smis.csv"]


@pytest.mark.parametrize(("rows", "bad", "is_held"), [(200, 100, False), (200, 101, True), (199, 199, False)])
def test_the_limit_itself_is_allowed_and_small_files_are_never_held(rows: int, bad: int, is_held: bool) -> None:
    if is_held:
        with pytest.raises(FileHeld):
            take(file(rows, bad=bad))
    else:
        assert take(file(rows, bad=bad)).outcomes["rejected"] == bad


def test_renaming_many_known_people_holds_a_file() -> None:
    take(file(220))
    with pytest.raises(FileHeld, match=r"12 of 220 known people \(5%\) would get another name"):
        take(file(220, renamed=12), name="b.csv")
    assert take(file(220, renamed=11), name="c.csv").outcomes["updated"] == 11


@pytest.mark.parametrize("rows", [210, 801])
def test_too_few_or_too_many_rows_hold_a_file(usual: None, rows: int) -> None:
    content = file(rows)
    if rows == 210:
        feeds.configure("SMIS", actor=None, values={"least_rows": 0.6})
    with pytest.raises(FileHeld, match=r"of the median of the last 28 days \(400\)"):
        take(content)


def test_without_five_files_there_is_no_median() -> None:
    assert limits.median_rows("SMIS") is None
    assert take(file(201)).rows == 201


def test_rejects_that_are_fed_back_are_no_days_files(usual: None) -> None:
    """Neither as the file that is judged nor among those it is judged by."""
    feeds.configure("SMIS", actor=None, values={"least_rows": 0.6})
    take(file(210, bad=105), name="bad.csv", releases=True)
    batch = ImportBatch.objects.get(file_name="bad.csv")
    text = "".join(rejects.csv_of_batch(batch))
    assert take(text.encode(), name="bad.rejects.csv").fed_back == 105
    assert limits.median_rows("SMIS") == 400


def test_a_source_whose_files_are_never_held(usual: None) -> None:
    feeds.configure("SMIS", actor=None, values={"holds_files": False})
    assert take(file(250, bad=250)).outcomes == {"rejected": 250}


def test_a_coordinator_releases_a_held_file(coordinator: Staff, manager: Staff) -> None:
    with pytest.raises(FileHeld):
        take(file(200, bad=110))
    batch = ImportBatch.objects.get()
    with pytest.raises(NotAllowed):
        previews.confirm(batch, actor=manager)
    report = previews.confirm(batch, actor=coordinator)
    assert report.outcomes == {"created": 90, "rejected": 110}
    batch.refresh_from_db()
    assert (batch.status, batch.reason) == ("applied", None)
    assert batch.notes[0].startswith("Outside its limits: 110 of 200 rows")
    assert AuditEntry.objects.get(action="import").changed_by == coordinator
    released = AuditEntry.objects.get(entity="import_batches", action="update")
    assert released.diff_json["before"]["status"] == "held"
    assert released.diff_json["before"]["reason"].startswith("110 of 200 rows")
    assert sentence(released, coordinator) == "Released a.csv from SMIS, which was held whole"
    assert not ImportFile.objects.exists()


def test_a_held_file_released_at_a_bad_moment_is_held_on(coordinator: Staff) -> None:
    with pytest.raises(FileHeld):
        take(file(200, bad=110))
    batch = ImportBatch.objects.get()
    with patch.object(batches, "take_lock", lambda: False), pytest.raises(FileBusy):  # another file is on its way in
        previews.confirm(batch, actor=coordinator)
    batch.refresh_from_db()
    assert batch.status == "held"
    assert not AuditEntry.objects.filter(entity="import_batches").exists()
    assert previews.confirm(batch, actor=coordinator).outcomes["created"] == 90


def test_the_release_of_a_long_file_is_in_the_log_before_its_turn_comes(coordinator: Staff, settings: object) -> None:
    settings.CCD_REQUEST_ROWS = 100
    with pytest.raises(FileHeld):
        take(file(200, bad=110))
    assert jobs.confirm(ImportBatch.objects.get(), actor=coordinator) is None
    released = AuditEntry.objects.get(entity="import_batches")
    assert (released.changed_by, released.diff_json["after"]) == (coordinator, {"status": "queued", "reason": None})
    assert sentence(released, coordinator) == "Released a.csv from SMIS, which was held whole"


def test_a_coordinator_refuses_a_held_file(coordinator: Staff) -> None:
    with pytest.raises(FileHeld):
        take(file(200, bad=110))
    batch = ImportBatch.objects.get()
    previews.cancel(batch, actor=coordinator)
    batch.refresh_from_db()
    assert batch.status == "refused"
    assert batch.reason.startswith(f"Held whole and then refused by {coordinator}. 110 of 200")
    assert not ImportFile.objects.exists()
    refused = AuditEntry.objects.get(entity="import_batches")
    assert (refused.changed_by, refused.action, refused.channel) == (coordinator, "update", "import")
    assert refused.diff_json["after"] == {"status": "refused", "reason": batch.reason}
    assert sentence(refused, coordinator) == "Refused a.csv from SMIS, which was held whole"
    with pytest.raises(FileRefused):
        previews.confirm(batch, actor=coordinator)


def test_a_preview_says_so_and_is_the_release(coordinator: Staff) -> None:
    batch = previews.preview(file(200, bad=110), file_name="a.csv", source="SMIS", actor=coordinator)
    assert (batch.status, batch.notes[0][:19]) == ("previewed", "Outside its limits:")
    assert previews.confirm(batch, actor=coordinator).outcomes["created"] == 90


def test_a_dry_run_says_so_and_leaves_nothing() -> None:
    with pytest.raises(FileHeld):
        take(file(200, bad=110), dry_run=True)
    assert not ImportBatch.objects.exists()


# The inbox


@pytest.fixture
def inbox(tmp_path: Path, settings: object) -> Callable[..., str]:
    settings.DATA_DIR = tmp_path

    def run(**options: object) -> str:
        out = StringIO()
        call_command("ingest_inbox", stdout=out, **{"settled": 0, **options})
        return out.getvalue()

    run()
    return run


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / "inbox" / name).write_bytes(content)


def names_in(folder: Path, kind: str) -> list[str]:
    return sorted(path.name.split(".", 1)[1] for path in (folder / "inbox" / kind).rglob("*") if path.is_file())


def test_files_go_to_done_or_failed_with_the_reason(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(3))
    put(tmp_path, "FFAI/b.csv", b"nothing,of,ours\n1,2,3\n")
    with pytest.raises(CommandError, match="1 of 2 files failed") as caught:
        inbox()
    assert caught.value.returncode == 1
    assert Client.objects.count() == 3
    assert names_in(tmp_path, "done") == ["a.csv"]
    assert names_in(tmp_path, "failed") == ["b.csv", "b.csv.why.txt"]
    why = next((tmp_path / "inbox" / "failed").rglob("*.why.txt")).read_text()
    assert "no column first_name" in why
    assert inbox() == ""


def test_a_file_with_the_longest_name_there_is_comes_in_like_any_other(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, f"EMHWare/{'é' * 125}.csv", file(3, bad=1))
    put(tmp_path, "SMIS/b.csv", file(3, start=50))
    inbox()
    assert Client.objects.count() == 5
    assert not list((tmp_path / "inbox" / "EMHWare").iterdir())
    rejects = next((tmp_path / "rejects").iterdir())
    assert (rejects.stat().st_mode & 0o777, rejects.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ZeroDivisionError("ours")])
def test_a_file_that_stops_the_program_does_not_stop_the_next(
    inbox: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    put(tmp_path, "EMHWare/a.csv", file(3))
    put(tmp_path, "SMIS/b.csv", file(3, start=50))
    take = pipeline.take

    def fails(content: bytes, **options: object) -> Report:
        if options["source"] == "EMHWare":
            raise error
        return take(content, **options)

    monkeypatch.setattr(pipeline, "take", fails)
    with pytest.raises(CommandError, match="1 of 2 files could not be taken; they stay in") as caught:
        inbox()
    assert caught.value.returncode == 1
    assert Client.objects.count() == 3
    assert (tmp_path / "inbox" / "EMHWare" / "a.csv").exists()


def test_a_held_file_is_exit_code_3(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(200, bad=110))
    with pytest.raises(CommandError, match="held whole") as caught:
        inbox()
    assert caught.value.returncode == 3
    assert ImportBatch.objects.get().status == "held"


@pytest.mark.parametrize("name", [".hidden.csv", "a.csv.part", "a.csv.tmp", "~a.csv", "A.CSV.FILEPART"])
def test_a_file_whose_name_says_it_is_being_written_waits(inbox: Callable, tmp_path: Path, name: str) -> None:
    put(tmp_path, f"SMIS/{name}", file(3))
    assert inbox() == ""
    (tmp_path / "inbox" / "SMIS" / name).rename(tmp_path / "inbox" / "SMIS" / "a.csv")
    assert "taken in: 3 rows" in inbox()


def test_a_file_that_changed_a_moment_ago_waits(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(3))
    assert inbox(settled=60) == ""
    assert not Client.objects.exists()


def test_a_file_that_grows_between_two_looks_waits(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(3))
    path = tmp_path / "inbox" / "SMIS" / "a.csv"
    with patch("core.ingest.inbox.time.sleep", lambda seconds: path.write_bytes(file(4))):
        assert inbox() == ""
    assert "taken in: 4 rows" in inbox()


def test_links_and_folders_are_left_alone(inbox: Callable, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_bytes(file(3))
    (tmp_path / "inbox" / "SMIS" / "a.csv").symlink_to(tmp_path / "elsewhere.csv")
    (tmp_path / "inbox" / "SMIS" / "b.csv").mkdir()
    assert inbox() == ""


@pytest.mark.parametrize("name", ["a.csv", "Other/x.csv", "smis/x.csv", "SMIS/2026/x.csv"])
def test_a_file_in_no_source_s_folder_is_named_and_left(inbox: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox" / name).parent.mkdir(exist_ok=True)
    put(tmp_path, name, file(3))
    put(tmp_path, "SMIS/b.csv", file(3, start=50))
    taken, left = inbox().splitlines()
    assert taken.startswith("SMIS/b.csv: done.")
    assert left.startswith(f"{name}: left. It lies in no source's folder")
    assert all(f"{source}/" in left for source in sources.names())
    assert (tmp_path / "inbox" / name).exists()
    assert names_in(tmp_path, "done") == ["b.csv"]


def test_what_is_being_written_or_went_through_is_not_called_left(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "a.csv.part", file(3))
    put(tmp_path, "SMIS/b.csv", file(3))
    (tmp_path / "inbox" / "FFAI" / ".uploading").mkdir()
    put(tmp_path, "FFAI/.uploading/c.csv", file(3))
    assert len(inbox().splitlines()) == 1
    assert inbox() == ""


def test_a_second_run_at_the_same_time_leaves_at_once(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(3))
    with alone(tmp_path / "inbox") as is_mine:
        assert is_mine
        assert "Another run is at work" in inbox()
    assert "taken in: 3 rows" in inbox()


def test_a_run_killed_before_it_moved_the_file_is_made_good(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(3))
    with patch("core.ingest.inbox._move", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        inbox()
    assert Client.objects.count() == 3
    assert "was taken in before" in inbox()
    assert names_in(tmp_path, "done") == ["a.csv"]
    assert AuditEntry.objects.filter(action="import").count() == 1


def test_while_another_file_comes_in_it_waits(inbox: Callable, tmp_path: Path) -> None:
    put(tmp_path, "SMIS/a.csv", file(3))
    with patch.object(batches, "take_lock", lambda: False):
        assert "waiting" in inbox()
    assert "done" in inbox()


def test_two_files_of_one_name_are_both_kept(inbox: Callable, tmp_path: Path) -> None:
    for start in (0, 3):
        put(tmp_path, "SMIS/a.csv", file(3, start=start))
        inbox()
    assert names_in(tmp_path, "done") == ["a.csv", "a.csv"]
    summary = [json.loads(json.dumps(batch.summary))["rows"] for batch in ImportBatch.objects.all()]
    assert summary == [3, 3]


def test_a_release_at_a_bad_moment_leaves_it_held_with_its_reason(
    coordinator: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileHeld):
        take(file(200, bad=110))
    batch = ImportBatch.objects.get()
    why = batch.reason

    def busy() -> None:
        raise FileBusy("Another daily file is being taken in right now; try again when it is done.")

    monkeypatch.setattr(batches, "take_turn", busy)  # as pipeline.run() finds it, after confirm() found the road free
    with pytest.raises(FileBusy):
        previews.confirm(batch, actor=coordinator)
    batch.refresh_from_db()
    assert (batch.status, batch.reason) == ("held", why)
