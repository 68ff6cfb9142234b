"""A file of many rows by the browser, into a running demo: what a coordinator sees, and how long other pages take.

    make demo PORT=8123
    python benchmarks/_upload.py http://127.0.0.1:8123 [ROWS]

Headless Chromium uploads a SMIS file of ROWS (100,000) made-up people, watches its page, confirms, and opens the list
of clients all the while. Ends with an error where nothing moves for five minutes or the outcomes do not add up to the
rows. The demo has these people afterwards: take the file back on its page, or remove `var/`.
"""

import csv
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.ingest import COLUMNS, STAY, rows  # noqa: E402
from core.choices import OUTCOMES  # noqa: E402
from core.demo import PASSWORD  # noqa: E402

PROGRAMS = ("Carlaw Hostel", "Dovercroft Family Shelter", "Lakeshore Respite Centre", "Street Outreach")
STILL = 300  # seconds


def write(path: Path, number: int) -> None:
    """People of the ingest benchmark, in programs of the demo."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, row in enumerate(rows(number)):
            row[STAY : STAY + 2] = "Shelter & Respite", PROGRAMS[index % len(PROGRAMS)]
            writer.writerow(row)


def moves(page: Page, other: Page, done: str) -> Iterator[str]:
    """What the page says, each time it says something else, until it offers `done`."""
    last, since, slowest = "", perf_counter(), 0.0
    while not page.get_by_role("button", name=done).or_(page.get_by_role("link", name=done)).count():
        bar = page.locator(".imports-card")
        told = " ".join(bar.first.inner_text().split()) if bar.count() else ""
        if told != last:
            last, since = told, perf_counter()
            yield told
        if perf_counter() - since > STILL:
            raise SystemExit(f"Nothing has moved for {STILL} seconds: {told}")
        started = perf_counter()
        other.reload()
        slowest = max(slowest, perf_counter() - started)
        page.wait_for_timeout(500)
    yield f"Meanwhile the list of clients took at most {slowest:.2f} s."


def outcomes(page: Page) -> dict[str, int]:
    """The figures on top."""
    figures = page.locator(".imports-figure")
    told = [figures.nth(n).inner_text().split() for n in range(figures.count())]
    return {words[0].lower(): int(re.sub(r"\D", "", words[1])) for words in told}


def watched(page: Page, other: Page, title: str, done: str) -> None:
    started = perf_counter()
    for told in moves(page, other, done):
        print(f"{title} {perf_counter() - started:6.1f} s  {told[:110]}", flush=True)
    print(f"{title} {perf_counter() - started:6.1f} s  done", flush=True)


def main(address: str, number: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ccd-upload-") as folder, sync_playwright() as playwright:
        file = Path(folder) / "smis_large.csv"
        write(file, number)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"{address}/")
        page.fill("#id_username", "coordinator@demo.example.org")
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_load_state()
        other = page.context.new_page()
        other.goto(f"{address}/admin/core/client/")
        page.goto(f"{address}/admin/core/importbatch/add/")
        page.select_option("select[name=source]", "SMIS")
        page.set_input_files("input[type=file]", file)
        page.get_by_role("button", name="Check and preview").click()
        watched(page, other, "preview ", "Confirm and take in")
        page.get_by_role("button", name="Confirm and take in").click()
        watched(page, other, "taken in", "All outcomes")
        found = outcomes(page)
        browser.close()
    print(found)
    if found["rows"] != number or sum(found[name] for name in OUTCOMES) != number:
        raise SystemExit(f"The outcomes do not add up to {number:,} rows.")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
