"""One settings file; everything that differs between machines comes from the environment."""

from __future__ import annotations

import os
import socket
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import dj_database_url
import django_stubs_ext

from edgeportal import guard, places

# Django's generic classes take their type arguments at run time too.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = places.var()


def number(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


# `local` is what `make run` starts: loopback only, a sample team, sign-in by a printed link.
LOCAL = os.environ.get("EDGEPORTAL_MODE", "local") == "local"
DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY") or places.secret_key()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

INSTALLED_APPS = [
    "apps.accounts",
    "apps.live",
    "apps.catalog",
    "apps.devices",
    "apps.experiments",
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
    "csp",
    "django_htmx",
    "ninja",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "edgeportal.guard.body_limit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
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
DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c statement_timeout=30000 -c lock_timeout=10000"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "edgeportal"},
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
BODY_LIMIT_BYTES = 8_000_000

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
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
STATIC_ROOT = VAR / "static"
PLOTLY = Path(str(find_spec("plotly").submodule_search_locations[0])) / "package_data"  # type: ignore[union-attr,index]
# The version in the name lets browsers keep 4.8 MB for ever and still get the next release.
PLOTLY_SCRIPT = f"plotly/plotly-{version('plotly')}.min.js"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "edgeportal.finders.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR / "blobs"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 0 if LOCAL else 3600
WHITENOISE_IMMUTABLE_FILE_TEST = r"/plotly-[0-9.]+\.min\.js$"
BLOBS = VAR / "blobs"
RUNS = VAR / "runs"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"secrets": {"()": "django.utils.log.CallbackFilter", "callback": guard.tells_no_secret}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("EDGEPORTAL_LOG_LEVEL", "WARNING")},
    "loggers": {"edgeportal": {"level": "INFO"}, "apps": {"level": "INFO"}, "worker": {"level": "INFO"}},
}

# Each worker host measures on itself, one run at a time, through a queue of its own.
HOST = os.environ.get("EDGEPORTAL_HOST") or socket.gethostname()
BENCH_QUEUE = f"bench.{HOST}"
WORK_QUEUES = os.environ.get("EDGEPORTAL_QUEUES", f"cpu,{BENCH_QUEUE}").split(",")
WORKER_NAME = os.environ.get("EDGEPORTAL_WORKER", "worker")
FORKSERVER_IDLE_S = number("EDGEPORTAL_FORKSERVER_IDLE_S", 120)
WARM_AT_START = os.environ.get("EDGEPORTAL_WARM", "") == "1"
