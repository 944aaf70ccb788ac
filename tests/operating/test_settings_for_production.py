"""`manage.py check --deploy`: clean with the documented environment; whatever is unfit is refused with a way out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIT = {
    "EDGEPORTAL_MODE": "production", "SECRET_KEY": "kq3n9-VbX_7uT2w" * 5, "ALLOWED_HOSTS": "portal.example.org",
    "DATABASE_URL": "postgresql://edgeportal@db/edgeportal", "REDIS_URL": "redis://cache:6379/0", "TRUSTED_PROXIES": "10.0.0.0/8",
}
KNOWN = {*FIT, "EDGEPORTAL_TLS", "EDGEPORTAL_EMBEDDED", "METRICS_TOKEN", "EMAIL_URL", "EDGEPORTAL_BIND"}


def python(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in KNOWN and not name.startswith("OBJECT_STORE")}
    given = {name: value for name, value in {**clean, **environment}.items() if value}
    return subprocess.run([sys.executable, *words], cwd=ROOT, env=given, capture_output=True, text=True, check=False)


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **{**FIT, **environment})


def test_the_documented_environment_is_clean() -> None:
    done = check()
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(("environment", "rule"), [
    ({"EDGEPORTAL_MODE": "prod"}, "E001"),
    ({"SECRET_KEY": ""}, "E002"),
    ({"SECRET_KEY": "change-me" * 10}, "E003"),
    ({"SECRET_KEY": "django-insecure-" + "x7Kp" * 20}, "E003"),
    ({"SECRET_KEY": "short"}, "E004"),
    ({"SECRET_KEY": "ab" * 40}, "E004"),
    ({"ALLOWED_HOSTS": ""}, "E005"),
    ({"ALLOWED_HOSTS": "*"}, "E005"),
    ({"ALLOWED_HOSTS": "portal.example.org,*"}, "E005"),
    ({"ALLOWED_HOSTS": " , "}, "E005"),
    ({"DATABASE_URL": ""}, "E006"),
    ({"REDIS_URL": ""}, "E006"),
    ({"METRICS_TOKEN": "short"}, "E007"),
    ({"OBJECT_STORE_BUCKET": "b"}, "E008"),
    ({"TRUSTED_PROXIES": "the proxy"}, "E009"),
    ({"TRUSTED_PROXIES": ""}, "W001"),
])
def test_what_is_unfit_has_a_rule_with_a_hint(environment: dict[str, str], rule: str) -> None:
    code = ("from edgeportal.checks import installation\n"
            "for found in installation(None):\n    assert found.hint\n    print(found.id, found.msg, found.hint)")
    done = python("-c", code, **{**FIT, **environment, "DJANGO_SETTINGS_MODULE": "edgeportal.settings"})
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^edgeportal\.(\w+) ", done.stdout, re.MULTILINE)) == {rule}, done.stdout
    secret = environment.get("SECRET_KEY", "")
    assert not secret or secret not in done.stdout.split()


@pytest.mark.parametrize(("environment", "rule"), [
    ({"EDGEPORTAL_MODE": "prod"}, "E001"), ({"SECRET_KEY": "short"}, "E004"), ({"TRUSTED_PROXIES": "the proxy"}, "E009"),
    ({"TRUSTED_PROXIES": ""}, "W001"),
])
def test_check_refuses_what_a_rule_names(environment: dict[str, str], rule: str) -> None:
    done = check(**environment)
    assert done.returncode == 1
    assert set(re.findall(r"edgeportal\.(\w+)\)", done.stderr)) == {rule}, done.stderr
    assert "HINT" in done.stderr and "Traceback" not in done.stderr and "short" not in done.stderr.split()


def test_embedded_servers_are_allowed_when_somebody_says_so() -> None:
    assert check(DATABASE_URL="", REDIS_URL="", EDGEPORTAL_EMBEDDED="1").returncode == 0


@pytest.mark.parametrize("program", ["import edgeportal.asgi", "import edgeportal.celery, worker.tasks.working",
                                     "import os; os.environ['EDGEPORTAL_WORKER'] = 'answers'; import edgeportal.celery"])
def test_no_program_serves_with_unfit_settings(program: str) -> None:
    done = python("-c", program, **{**FIT, "SECRET_KEY": "change-me" * 10, "DJANGO_SETTINGS_MODULE": "edgeportal.settings"})
    assert done.returncode != 0 and "edgeportal.E003: SECRET_KEY is a placeholder." in done.stderr
    assert python("-c", program, **FIT, DJANGO_SETTINGS_MODULE="edgeportal.settings").returncode == 0


def test_a_number_that_is_none_gives_its_name() -> None:
    done = python("manage.py", "check", **FIT, EDGEPORTAL_LEASE_S="a minute")
    assert "EDGEPORTAL_LEASE_S must be a number; got 'a minute'." in done.stderr


def asked(code: str) -> str:
    setup = "import django; from django.conf import settings; from django.test import Client; django.setup(); "
    done = python("-c", setup + code, **FIT, DJANGO_SETTINGS_MODULE="edgeportal.settings")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_plain_http_is_led_to_https_and_a_trusted_proxys_https_is_believed() -> None:
    code = ("c = Client(headers={'host': 'portal.example.org'}); "
            "print(c.get('/nothing', REMOTE_ADDR='10.0.0.2')['Location']); "
            "a = c.get('/docs/x', REMOTE_ADDR='10.0.0.2', HTTP_X_FORWARDED_FOR='198.51.100.7', HTTP_X_FORWARDED_PROTO='https'); "
            "print(a.status_code, a['Strict-Transport-Security']); "
            "print(c.get('/x', REMOTE_ADDR='198.51.100.7', HTTP_X_FORWARDED_PROTO='https').status_code); "
            "h = {'host': 'evil.example'}; "
            "print(c.get('/x', headers=h, REMOTE_ADDR='10.0.0.2', HTTP_X_FORWARDED_PROTO='https').status_code)")
    where, secure, forged, foreign = asked(code).splitlines()
    assert where == "https://portal.example.org/nothing"
    assert secure.endswith("max-age=31536000; includeSubDomains")
    assert forged == "301", "what a stranger says about HTTPS is not believed"
    assert foreign == "400"


def test_cookies_are_for_this_host_and_https_only() -> None:
    code = ("print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, "
            "settings.CSRF_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_DOMAIN, "
            "settings.CSRF_TRUSTED_ORIGINS)")
    assert asked(code) == "__Host-sessionid __Host-csrftoken True True True None ['https://portal.example.org']"


@pytest.mark.parametrize("verb", ["sample /nowhere", "link"])
def test_there_is_no_sample_team_and_no_sign_in_link(verb: str) -> None:
    done = python("manage.py", *verb.split(), **FIT)
    assert done.returncode == 1 and "with production settings" in done.stderr
