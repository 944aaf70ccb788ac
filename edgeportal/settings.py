"""One settings file; everything that differs between machines comes from the environment."""

from __future__ import annotations

import os
import socket
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from edgeportal import lan, mail, oidc, places

# Django's generic classes take their type arguments at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = places.var()


def number(name: str, default: float) -> float:
    try:
        return float(os.environ.get(name) or default)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number; got {os.environ[name]!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


# `local` is what `make run` starts: loopback only, a sample team, sign-in by a printed link. What `production` needs
# is in docs/operating.md; edgeportal.checks holds it to that.
MODE = os.environ.get("EDGEPORTAL_MODE", "local")
LOCAL = MODE == "local"
DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY") or places.secret_key()
# What goes to boards is signed with it; made at its first use, the same on every host of the web.
SIGNING_KEY_FILE = Path(os.environ.get("SIGNING_KEY_FILE") or VAR / "signing_key")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# `make run LAN=1`: the local network too, by HTTPS alone, with a certificate of the portal's own that boards pin.
LAN = lan.wanted()
LAN_HOSTS = [lan.in_url(host) for host in lan.hosts()] if LAN else []
ALLOWED_HOSTS = [*ALLOWED_HOSTS, *LAN_HOSTS]
TLS_CERTIFICATE = lan.certificate() if LAN else None
# Only these are believed about where a request comes from and whether it came by HTTPS.
TRUSTED_PROXIES = words("TRUSTED_PROXIES")
DIRECT_TLS = os.environ.get("EDGEPORTAL_TLS") == "direct"
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")

INSTALLED_APPS = [
    "edgeportal",
    # Before the registry, whose desk shows their pages in its own way.
    "auditlog",
    "import_export",
    "apps.accounts",
    "apps.live",
    "apps.catalog",
    "apps.devices",
    "apps.experiments",
    "apps.plans",
    "apps.deployments",
    "apps.portfolios",
    "apps.home",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "edgeportal.proxies.proxies",
    "edgeportal.identity.request_id",
    "apps.home.metrics.measured",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "edgeportal.problem_answers.problem_answers",
    "edgeportal.guard.body_limit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "edgeportal.identity.user_id",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "edgeportal.way_back.way_back",
    "edgeportal.failures.Failures",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "edgeportal.urls"
ASGI_APPLICATION = "edgeportal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.home.context.frame",
            ],
            "builtins": ["apps.home.templatetags.words"],
        },
    }
]

# PostgreSQL and Redis: the embedded pair under var/ unless real ones are named.
DATABASE_URL = os.environ.get("DATABASE_URL") or places.embedded_database_url()
REDIS_URL = os.environ.get("REDIS_URL") or places.embedded_redis_url()
# Under ASGI every request has a thread of its own: connections that outlive it would pile up, one a thread.
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=0)}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    options="-c statement_timeout=30000 -c lock_timeout=10000", connect_timeout=5)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "edgeportal"},
    }
}

# Shared by all web processes: the counts behind the limits on signing in. JSON, so that nothing is ever unpickled.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"serializer": "edgeportal.plain_cache.Plain"},
    }
}

# The row is the job and the broker only wakes a worker: acknowledge early, fetch one, keep no results.
CELERY_BROKER_URL = places.broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_keepalive": True, "health_check_interval": 10}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "cpu"
LEASE_S = number("EDGEPORTAL_LEASE_S", 60)
HEARTBEAT_S = number("EDGEPORTAL_HEARTBEAT_S", LEASE_S / 4)
REAPER_S = number("EDGEPORTAL_REAPER_S", 10)
# So long may a device be silent before people are told; its page says it after a minute and a half.
SILENT_ALERT_S = number("EDGEPORTAL_SILENT_ALERT_S", 600)
# Not on the runs' queue, where it would wait behind the very run it watches.
REAPER = {"task": "worker.tasks.reap", "schedule": REAPER_S, "options": {"queue": "inspect", "expires": REAPER_S}}
CELERY_BEAT_SCHEDULE = {"reap": REAPER}
ATTEMPTS_WITHOUT_PROGRESS = 3
RUN_THREADS = int(number("EDGEPORTAL_RUN_THREADS", 1))
RUN_MEMORY_BYTES = int(number("EDGEPORTAL_RUN_MEMORY_BYTES", 16e9))
RUN_FILE_BYTES = int(number("EDGEPORTAL_RUN_FILE_BYTES", 8e9))
RUN_CPU_S = int(number("EDGEPORTAL_RUN_CPU_S", 7 * 24 * 3600))
RUN_SILENT_S = number("EDGEPORTAL_RUN_SILENT_S", 900)
RUN_CANCEL_S = number("EDGEPORTAL_RUN_CANCEL_S", 10)
# Boards: how long one keeps its run without a word, how often a few of them ask for work, and how many requests a second
# all of them together may make.
BOARD_LEASE_S = number("EDGEPORTAL_BOARD_LEASE_S", 2 * LEASE_S)
BOARD_POLL_S = number("EDGEPORTAL_BOARD_POLL_S", 5)
# After so long without a word contact with a device is lost.
DEVICE_SILENT_S = number("EDGEPORTAL_DEVICE_SILENT_S", 90)
BOARD_ASKS_A_SECOND = number("EDGEPORTAL_BOARD_ASKS_A_SECOND", 50)
# What one board may ask, which in good health is less than once a second.
BOARD_ASKS_OF_ONE_A_SECOND = number("EDGEPORTAL_BOARD_ASKS_OF_ONE_A_SECOND", 10)
BODY_LIMIT_BYTES = 8_000_000
# How often one token may ask the API; 0 does not count.
API_REQUESTS_A_MINUTE = int(number("EDGEPORTAL_API_REQUESTS_A_MINUTE", 600))
BODY_SILENT_S = 30.0
# How often an open socket's person is asked for again: so long may one listen who has signed out or left.
REVALIDATE_S = number("EDGEPORTAL_REVALIDATE_S", 60)

# Uploads: what one may weigh, what a team may keep, and what its inspection may use.
UPLOAD_PART_BYTES = BODY_LIMIT_BYTES
UPLOAD_LIMITS = {"model": int(number("EDGEPORTAL_MODEL_BYTES", 2e9)), "dataset": int(number("EDGEPORTAL_DATASET_BYTES", 5e9))}
TEAM_QUOTA_BYTES = int(number("EDGEPORTAL_TEAM_QUOTA_BYTES", 50e9))
UPLOAD_KEPT_S = number("EDGEPORTAL_UPLOAD_KEPT_S", 24 * 3600)
INSPECT_MEMORY_BYTES = int(number("EDGEPORTAL_INSPECT_MEMORY_BYTES", 8e9))
INSPECT_UNPACKED_BYTES = int(number("EDGEPORTAL_INSPECT_UNPACKED_BYTES", 10e9))
INSPECT_CPU_S = int(number("EDGEPORTAL_INSPECT_CPU_S", 600))
INSPECT_IDLE_S = number("EDGEPORTAL_INSPECT_IDLE_S", 20)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "apps.accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# An invitation or the provider has tied the address to its person before there is an account.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_FORMS = {
    "login": "apps.accounts.forms.SignInForm",
    "reauthenticate": "apps.accounts.forms.ConfirmForm",
    "change_password": "apps.accounts.forms.ChangePasswordForm",
    "set_password": "apps.accounts.forms.FirstPasswordForm",
}
MFA_ADAPTER = "apps.accounts.adapters.TwoSteps"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "EdgePortal"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "apps.accounts.forms.CodeForm",
    "reauthenticate": "apps.accounts.forms.ConfirmCodeForm",
    "activate_totp": "apps.accounts.forms.AppForm",
}
SOCIALACCOUNT_ADAPTER = "apps.accounts.adapters.Provider"
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = oidc.providers(os.environ)
CSRF_FAILURE_VIEW = "apps.accounts.problems.csrf"

# Mail is sent only where a server is named; elsewhere invitations and new passwords are links to hand over.
MAIL = mail.server(os.environ)
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.host, MAIL.port, MAIL.user, MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL, EMAIL_TIMEOUT = MAIL.starttls, MAIL.tls, 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("EMAIL_FROM", "edgeportal@localhost")
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = not LOCAL
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LAN or not LOCAL
CSRF_TRUSTED_ORIGINS = [] if LOCAL else [f"https://{'*' * host.startswith('.')}{host}" for host in ALLOWED_HOSTS]
if not LOCAL:
    # A browser takes such a cookie over HTTPS only, from this very host, for all of it.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS = int(number("EDGEPORTAL_HSTS_S", 365 * 24 * 3600)), True
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Probes inside the house speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz(/live)?$", r"^metrics$"]
# The preload list is for whole domains, and to leave it takes months: not for an application to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# Plotly styles itself through the CSSOM; the hash of the empty string is all it needs (no unsafe-inline).
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", EMPTY_STYLE],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("EDGEPORTAL_STATIC") or VAR / "static")
PLOTLY = Path(str(find_spec("plotly").submodule_search_locations[0])) / "package_data"  # type: ignore[union-attr,index]
# The version in the name lets browsers keep 4.8 MB for ever and still get the next release.
PLOTLY_SCRIPT = f"plotly/plotly-{version('plotly')}.min.js"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "edgeportal.finders.PlotlyFinder",
]
# Files lie in a folder, or where several machines share the work, in object storage that speaks S3.
OBJECT_STORE = os.environ.get("OBJECT_STORE_BUCKET", "")
FILES: dict[str, Any] = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR / "blobs"}}
if OBJECT_STORE:
    from botocore.config import Config

    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
    FILES = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {
        "bucket_name": OBJECT_STORE, "endpoint_url": os.environ.get("OBJECT_STORE_ENDPOINT") or None,
        "access_key": os.environ.get("OBJECT_STORE_KEY"), "secret_key": os.environ.get("OBJECT_STORE_SECRET"),
        "region_name": os.environ.get("OBJECT_STORE_REGION") or "us-east-1", "max_memory_size": 5_000_000,
        "client_config": patience}}
STORAGES = {
    "default": FILES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 0 if LOCAL else 3600
WHITENOISE_IMMUTABLE_FILE_TEST = r"/plotly-[0-9.]+\.min\.js$"
BLOBS = VAR / "blobs"
# What this machine has fetched from object storage, and how much of it to keep.
BLOB_CACHE = VAR / "cache" / "blobs"
BLOB_CACHE_BYTES = int(number("EDGEPORTAL_CACHE_BYTES", 20e9))
RUNS = VAR / "runs"
INSPECTIONS = VAR / "inspections"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # Both mask what would let their reader in.
    "formatters": {"lines": {"()": "edgeportal.logs.Lines", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
                   "json": {"()": "edgeportal.logs.Json"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines" if LOCAL else "json"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("EDGEPORTAL_LOG_LEVEL", "WARNING")},
    "loggers": {"edgeportal": {"level": "INFO"}, "apps": {"level": "INFO"}, "worker": {"level": "INFO"},
                "edgeportal.identity": {"level": "WARNING" if LOCAL else "INFO"},
                "uvicorn": {"handlers": [], "propagate": True}, "uvicorn.error": {"handlers": [], "propagate": True}},
}

# Each worker host measures on itself, one run at a time, through a queue of its own.
HOST = os.environ.get("EDGEPORTAL_HOST") or socket.gethostname()
BENCH_QUEUE = f"bench.{HOST}"
WORK_QUEUES = os.environ.get("EDGEPORTAL_QUEUES", f"cpu,{BENCH_QUEUE}").split(",")
WORKER_NAME = os.environ.get("EDGEPORTAL_WORKER", "worker")
FORKSERVER_IDLE_S = number("EDGEPORTAL_FORKSERVER_IDLE_S", 120)
WARM_AT_START = os.environ.get("EDGEPORTAL_WARM", "") == "1"
