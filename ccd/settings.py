"""Settings, all from the environment (CONTRACT §2). A mistake is one sentence at start, never a half-working server."""

import re
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ

from ccd import postgres
from ccd.unfold import UNFOLD  # noqa: F401 - read by Unfold

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

DATA_DIR = Path(env.str("CCD_DATA_DIR", default="") or BASE_DIR / "var").resolve()
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    sys.exit(
        f"CCD_DATA_DIR={str(DATA_DIR)!r} cannot be made a folder ({error.strerror}); name one that may be written."
    )
_database_url = env.str("DATABASE_URL", default="") or None
_replica_url = env.str("DATABASE_REPLICA_URL", default="") or None
DEBUG = env.bool("DEBUG", default=_database_url is None)


def _whole(name: str, default: int, *, least: int = 0, most: int = 100_000) -> int:
    """The whole number in the variable `name`, `default` where it is unset or empty; else refuse to start."""
    given = env.str(name, default="").strip()
    if not given:
        return default
    number = int(given) if re.fullmatch(r"-?[0-9]{1,18}", given) else None
    if number is None or not least <= number <= most:
        sys.exit(
            f"{name}={given!r} is not a whole number from {least} to {most:,}; unset it for the default, {default}."
        )
    return number


def _secret_key() -> str:
    """The given key; with DEBUG a random one kept in CCD_DATA_DIR; else refuse to start."""
    given = env.str("DJANGO_SECRET_KEY", default="")
    if given and (DEBUG or given != "changeme"):
        return given
    if not DEBUG:
        sys.exit(
            f"DJANGO_SECRET_KEY is {'still changeme' if given else 'not set'}: with DEBUG=0 the server needs a long "
            "random secret. See .env.example."
        )
    kept = DATA_DIR / "secret_key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(50))
    return kept.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

TIME_ZONE = env.str("TIME_ZONE", default="America/Toronto")
try:
    ZoneInfo(TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError):
    sys.exit(f"TIME_ZONE={TIME_ZONE!r} is not a time zone; use a name like America/Toronto.")
USE_TZ = True
USE_I18N = False
LANGUAGE_CODE = "en-ca"
FORMAT_MODULE_PATH = ["ccd.formats"]

DATABASES = {"default": postgres.database(_database_url, DATA_DIR, TIME_ZONE)}
if _replica_url:
    DATABASES["replica"] = postgres.database(
        _replica_url, DATA_DIR, TIME_ZONE, "DATABASE_REPLICA_URL"
    )  # reports read from it
    DATABASES["replica"]["TEST"]["MIRROR"] = "default"
POSTGRES_BINARIES = postgres.binaries(_database_url)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "admin_ext",  # before unfold: its templates win
    "unfold.apps.BasicAppConfig",  # the site is ours: admin_ext.site
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "unfold.contrib.import_export",
    "admin_ext.site_app.CCDAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "import_export",
    "reversion",
    "guardian",
    "rules.apps.AutodiscoverRulesConfig",
    "pgtrigger",
    "axes",
    "procrastinate.contrib.django",
    "core",
    "reporting",
]

MIDDLEWARE = [
    "ccd.health.health",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "admin_ext.middleware.headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "admin_ext.wall.wall",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "admin_ext.watching.watch",  # outside what refuses: refusals are logged too
    "admin_ext.middleware.refusals",
    "axes.middleware.AxesMiddleware",  # last: its page in place of the log-in page's
]

ROOT_URLCONF = "ccd.urls"
WSGI_APPLICATION = "ccd.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Files with more rows than a request should hold are worked on by `manage.py work` (core.ingest.jobs).
CCD_REQUEST_ROWS = _whole("CCD_REQUEST_ROWS", 5000, most=10_000_000)
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["core.ingest.jobs"]

AUTH_USER_MODEL = "core.Staff"
AUTHENTICATION_BACKENDS = [
    "admin_ext.locking.Guard",  # first: may refuse to ask the others
    "django.contrib.auth.backends.ModelBackend",
    "rules.permissions.ObjectPermissionBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ANONYMOUS_USER_NAME = None  # guardian would make an active account of that name
# An account is locked for a while after so many wrong passwords in a row, whoever sends them from wherever: an office
# shares one address, and guessers have many.
AXES_FAILURE_LIMIT = _whole("LOGIN_ATTEMPTS", 10, least=1)
LOGIN_LOCK_MINUTES = _whole("LOGIN_LOCK_MINUTES", 15, least=1)
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCK_MINUTES)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "admin_ext.locking.account"
AXES_LOCKOUT_CALLABLE = "admin_ext.locking.locked"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # guessing on does not keep the account locked
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "admin_ext.middleware.form_of_another"
LOGIN_REDIRECT_URL = "admin:index"

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA_DIR / "media"
FILE_UPLOAD_MAX_MEMORY_SIZE = 129 * 2**20  # an uploaded daily file never touches the disk outside the database
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000

# The cookies and headers of production hold on every road; `Secure` is put on cookies per request where it came over
# HTTPS (admin_ext.middleware), so that a first try over plain HTTP on one's own machine can log in.
SESSION_COOKIE_AGE = _whole("SESSION_HOURS", 10, least=1) * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    "axes.W006",  # the lock is on the account, not on the address: see LOGIN_ATTEMPTS
    "auth.W004",  # e-mail is unique ignoring case, by a constraint on lower(email)
    "security.W008",  # SSL redirect: the proxy's work, or SECURE_SSL_REDIRECT=1
    "security.W012",  # Secure session cookie: set per request, see above
    "security.W016",  # Secure CSRF cookie: likewise
]

IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
PGTRIGGER_MIGRATIONS = True

# Mail about proposals and reports by mail: none without EMAIL_URL. A server that does not answer holds a decision's
# page this many seconds.
CCD_SENDS_MAIL = bool(env.str("EMAIL_URL", default=""))
if CCD_SENDS_MAIL:
    try:
        vars().update(env.email_url("EMAIL_URL"))
    except (environ.ImproperlyConfigured, ValueError):
        sys.exit("EMAIL_URL is not the address of a mail server; smtp+tls://user:password@host:587 would be one.")
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="ccd@localhost")
CCD_SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")

# How long after an enrollment ended the program's staff still see the client.
CCD_ASSIGNED_DAYS = _whole("CCD_ASSIGNED_DAYS", 90)
# How long the access log is kept (manage.py prune_access_log); the database keeps a year whatever is said here.
CCD_ACCESS_LOG_DAYS = _whole("CCD_ACCESS_LOG_DAYS", 3 * 365, least=365)

# Answers of reports, each with the mark of the audit log up to which it holds; per process, numbers alone.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "reports": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "reports",
        "TIMEOUT": 86_400,
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
}

# Numbers of fewer people are hidden: from those who may not see every client, and in files that leave the agency.
CCD_SMALL_CELLS_INSIDE = _whole("CCD_SMALL_CELLS_INSIDE", 5)
CCD_SMALL_CELLS_LEAVING = _whole("CCD_SMALL_CELLS_LEAVING", 11)
# The others in files that leave are rounded at random to a multiple of this; 0 or 1 leaves them as they are.
CCD_ROUND_LEAVING = _whole("CCD_ROUND_LEAVING", 1)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
