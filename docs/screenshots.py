"""`make screenshots`: the pages of the demo agency as pictures, docs/images/<page>-<light|dark>-<width>.png.

A demo agency of its own in a temporary folder, so that the pictures do not depend on what somebody tried out. SMIS's
file is not ingested in it: that one is in the preview.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
DAILY = ROOT / "fixtures" / "daily"
WIDTHS = {1280: 860, 420: 880}
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    "--hide-scrollbars",
]
PASSWORD = "cedar-lantern-4807"
# Who is looking; the others are seen by the coordinator.
SEEN_BY = {"propose": "manager"}

# Page → its address, asked of Django by URL name. The client is one with much to show.
ADDRESSES = """
import json
from django.db.models import Count, Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from core.models import Client, ImportBatch, ImportRow, PendingChange, Restriction
today = timezone.localdate()
client = Client.objects.filter(
    pk__in=Restriction.objects.filter(start_date__lte=today, end_date__gt=today).values("client"),
    preferred_name__isnull=False, address__isnull=False, phone_number__isnull=False,
).annotate(
    now=Count("enrollments", filter=Q(enrollments__end_date=None), distinct=True),
    known=Count("identifiers", distinct=True),
).order_by("-now", "-known", "pk").first()
proposal = PendingChange.objects.order_by("requested_at").first()
decided = ImportRow.objects.filter(evidence__isnull=False, outcome="updated").earliest("pk")
found = {}
for page, name, arguments in (
    ("dashboard", "index", ()),
    ("clients", "core_client_changelist", ()),
    ("client", "core_client_change", (client.pk,)),
    ("upload", "core_importbatch_add", ()),
    ("org-summary", "report", ("org_summary",)),
    ("vacancy", "report", ("vacancy",)),
    ("approvals", "core_pendingchange_changelist", ()),
    ("proposal", "core_pendingchange_change", (proposal.pk,)),
    ("propose", "core_client_change", (client.pk,)),
    ("audit-log", "core_auditentry_changelist", ()),
    ("feeds", "core_importbatch_feeds", ()),
    ("batch", "core_importbatch_change", (ImportBatch.objects.earliest("created_at").pk,)),
    ("row", "core_importbatch_row", (decided.batch_id, decided.row_number)),
    ("desk", "core_importrow_desk", ()),
    ("duplicates", "core_clientlink_changelist", ()),
    ("reports", "report_index", ()),
    ("restrictions", "core_restriction_changelist", ()),
):
    try:
        found[page] = reverse(f"admin:{name}", args=arguments)
    except NoReverseMatch:
        pass
found["clients"] += "?p=21"  # past the people with one name
print(json.dumps(found))
"""


def main() -> int:
    """Take all pictures; say which pages are missing."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("skipped: no chromium (on Debian: apt-get install chromium)")
        return 0
    IMAGES.mkdir(parents=True, exist_ok=True)
    with _agency() as (site, addresses), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        sessions = {role: _log_in(browser, site, role) for role in ("coordinator", *SEEN_BY.values())}
        preview = _preview(browser, site + addresses.pop("upload"), sessions["coordinator"])
        for page, address in {**addresses, "upload-preview": preview}.items():
            session = sessions[SEEN_BY.get(page, "coordinator")]
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    _take(browser, site + address, session, IMAGES / f"{page}-{scheme}-{width}.png")
        browser.close()
    size = sum(path.stat().st_size for path in IMAGES.glob("*.png"))
    print(f"{len(list(IMAGES.glob('*.png')))} pictures in {IMAGES.relative_to(ROOT)}, {size / 1e6:.1f} MB")
    return 0


@contextmanager
def _agency() -> Iterator[tuple[str, dict[str, str]]]:
    """A served demo agency: its site, and page → address."""
    with tempfile.TemporaryDirectory(prefix="ccd-shots-") as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        probe.close()
        env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DEBUG")}
        env |= {"CCD_DATA_DIR": folder, "DEBUG": "1"}
        try:
            _manage(env, "migrate", "--no-input", "--verbosity=0")
            _manage(env, "load_demo")
            _manage(env, "ingest_daily", "--source=EMHWare", f"--src={next(DAILY.glob('emhware_*'))}")
            _manage(env, "ingest_daily", "--source=FFAI", f"--src={next(DAILY.glob('ffai_*'))}")
            addresses = json.loads(_manage(env, "shell", "--no-imports", "-c", ADDRESSES).splitlines()[-1])
            with _served(env, port) as site:
                yield site, addresses
        finally:
            subprocess.run([sys.executable, "-m", "ccd.postgres"], cwd=ROOT, env=env, check=False, capture_output=True)


def _manage(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


@contextmanager
def _served(env: dict[str, str], port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:ccd.gunicorn", "--bind", f"127.0.0.1:{port}"]
    server = subprocess.Popen([*command, "ccd.wsgi"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    site = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{site}/healthz", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        yield site
    finally:
        server.terminate()
        server.wait(timeout=40)


def _log_in(browser: Browser, site: str, role: str) -> dict:
    """The session, for every later window. The picture of the login page is taken on the way."""
    context = browser.new_context(viewport={"width": 1280, "height": WIDTHS[1280]})
    page = context.new_page()
    page.goto(f"{site}/admin/login/?next=/admin/")
    _shoot(page, IMAGES / "login-light-1280.png")
    page.fill('input[name="username"]', f"{role}@demo.example.org")
    page.fill('input[name="password"]', PASSWORD)
    page.press('input[name="password"]', "Enter")
    page.wait_for_url(f"{site}/admin/")
    state = context.storage_state()
    context.close()
    return state


def _window(browser: Browser, session: dict, scheme: str, width: int) -> BrowserContext:
    return browser.new_context(
        storage_state=session,
        viewport={"width": width, "height": WIDTHS[width]},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-CA",
        timezone_id="America/Toronto",
    )


def _preview(browser: Browser, address: str, session: dict) -> str:
    """Upload SMIS's file; the path of its preview."""
    context = _window(browser, session, "light", 1280)
    page = context.new_page()
    page.goto(address)
    page.select_option('select[name="source"]', "SMIS")
    page.set_input_files('input[type="file"]', next(DAILY.glob("smis_*")))
    page.click('button:has-text("preview")')
    page.wait_for_load_state("networkidle")
    path = "/" + page.url.split("/", 3)[3]
    context.close()
    return path


def _take(browser: Browser, address: str, session: dict, path: Path) -> None:
    _, scheme, width = path.stem.rsplit("-", 2)
    context = _window(browser, session, scheme, int(width))
    page = context.new_page()
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        print(f"{address} answers {answer.status if answer else 'nothing'}: no {path.name}", file=sys.stderr)
    else:
        _shoot(page, path)
    context.close()


def _shoot(page: Page, path: Path) -> None:
    """What the window shows once fonts and charts are there, in at most 256 colours."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
