"""The whole portal in production mode behind a proxy that is trusted: HTTPS, JSON in the log, a first admin, no way around."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.operating.test_settings_for_production import FIT
from tests.portal import ROOT, Portal, free_port, until

pytestmark = pytest.mark.kill
PASSWORD, TOKEN = "a long enough password", "m" * 30
HOST = "portal.example.org"
AS_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7", "X-Request-ID": "from-the-proxy"}


@pytest.fixture(scope="module")
def house() -> Iterator[Portal]:
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-prod-")), bare=True, EDGEPORTAL_EMBEDDED="1", METRICS_TOKEN=TOKEN,
                    **{name: FIT[name] for name in ("EDGEPORTAL_MODE", "SECRET_KEY", "ALLOWED_HOSTS")},
                    TRUSTED_PROXIES="127.0.0.1", PYTHONWARNINGS="ignore")  # Celery warns who runs these tests as root.
    try:
        portal.begin()
        until(lambda: "is ready" in portal.said(), 90, f"it is ready; it said {portal.said()}")
        done = subprocess.run([sys.executable, "manage.py", "first_admin", "boss@example.org"], cwd=ROOT, capture_output=True,
                              text=True, check=False, env=portal.environ() | {"FIRST_ADMIN_PASSWORD": PASSWORD})
        assert done.returncode == 0, done.stderr
        yield portal
    finally:
        portal.stop()
        portal.keep_logs(Path(tempfile.mkdtemp()))


class Visitor:
    """A browser behind the proxy: it keeps cookies as they are set, and sends them back."""

    def __init__(self, portal: Portal) -> None:
        self.http = httpx.Client(base_url=portal.address, headers=AS_PROXY, timeout=120)
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        return self._kept(self.http.get(path, headers=self._cookie()))

    def post(self, path: str, **data: str) -> httpx.Response:
        headers = {**self._cookie(), "Referer": f"https://{HOST}/", "Origin": f"https://{HOST}"}
        return self._kept(self.http.post(path, data=data, headers=headers))

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, value = line.split(";")[0].split("=", 1)
            assert name.startswith("__Host-") and "Secure" in line and "Path=/" in line and "Domain" not in line, line
            self.cookies[name] = value
        return answer

    def sign_in(self) -> None:
        form = self.get("/sign-in/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)[0]
        answer = self.post("/sign-in/", login="boss@example.org", password=PASSWORD, csrfmiddlewaretoken=token)
        assert answer.status_code == 302, answer.text


@pytest.fixture(scope="module")
def boss(house: Portal) -> Visitor:
    visitor = Visitor(house)
    visitor.sign_in()
    return visitor


def test_the_first_admin_signs_in_through_the_proxy(boss: Visitor) -> None:
    assert "boss@example.org" in boss.get("/account/").text


def test_without_the_proxys_word_everything_leads_to_https(house: Portal) -> None:
    answer = httpx.get(f"{house.address}/sign-in/", headers={"Host": HOST}, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST}/sign-in/")


def test_probes_need_no_https_and_figures_need_the_token(house: Portal) -> None:
    def ask(path: str, **headers: str) -> int:
        return httpx.get(f"{house.address}{path}", headers={"Host": HOST, **headers}, timeout=60).status_code

    until(lambda: ask("/healthz") == 200, 60, "all parts work")
    assert ask("/healthz/live") == 200
    assert ask("/metrics") == 200, "from this machine"
    assert ask("/metrics", **{"X-Forwarded-For": "198.51.100.7"}) == 404, "through the proxy"
    assert ask("/metrics", **{"X-Forwarded-For": "198.51.100.7", "Authorization": f"Bearer {TOKEN}"}) == 200
    assert ask("/healthz", Host="evil.example") == 400


def test_the_health_command_agrees(house: Portal) -> None:
    def agrees() -> bool:
        answer = httpx.get(f"{house.address}/healthz", headers={"Host": HOST}, timeout=60)
        return answer.status_code == 200

    until(agrees, 60, "all parts work")
    done = subprocess.run([sys.executable, "-m", "edgeportal", "health"], cwd=ROOT, env=house.environ(), capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and '"database": "ok"' in done.stdout


def test_there_is_no_sample_team_and_no_link(house: Portal) -> None:
    assert house.sql("select name, is_sample from accounts_team") == [("First team", False)]
    assert "/enter/" not in house.said()


def test_a_socket_opens_for_our_own_pages_only(house: Portal, boss: Visitor) -> None:
    team = house.one("accounts_team", "id", "true")
    house.sql("insert into live_stream (id, team_id, created, head, is_teams) values (gen_random_uuid(), %s, now(), 0, true)"
              " on conflict do nothing", team)
    stream = house.one("live_stream", "id", "true")
    address = f"ws://127.0.0.1:{house.port}/ws/streams/{stream}/?after=0"
    cookie = boss._cookie() | {"Host": HOST}
    from websockets.exceptions import InvalidStatus

    with connect(address, origin=f"https://{HOST}", additional_headers=cookie, open_timeout=60):
        pass
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="https://evil.example", additional_headers=cookie, open_timeout=60)
    assert refused.value.response.status_code == 403


def test_the_log_is_json_and_says_who_asked_for_what(house: Portal, boss: Visitor) -> None:
    boss.get("/account/")
    boss.get("/invitations/c2VjcmV0LXNlY3JldC1zZWNyZXQ/")
    lines = [json.loads(line) for line in (house.var / "log" / "web.log").read_text().splitlines()]
    asked = [line for line in lines if line["logger"] == "edgeportal.identity"]
    person = house.one("accounts_user", "id", "true")
    assert any(line["message"].startswith("GET /account/ 200") and line["user"] == person
               and line["request"] == "from-the-proxy" for line in asked)
    text = (house.var / "log" / "web.log").read_text()
    assert "c2VjcmV0" not in text and PASSWORD not in text and "/invitations/[secret]" in text
    for name in ("worker", "desk", "answers", "beat"):
        log = house.var / "log" / f"{name}.log"
        assert all(json.loads(line)["time"] for line in log.read_text().splitlines()), name


def test_unfit_settings_start_nothing(house: Portal) -> None:
    var = tempfile.mkdtemp(prefix="ep-prod-")
    environment = house.environ() | {"EDGEPORTAL_VAR": var, "SECRET_KEY": "change-me", "PORT": str(free_port())}
    done = subprocess.run([sys.executable, "-m", "edgeportal", "run"], cwd=ROOT, env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 1 and "edgeportal.E003" in done.stderr and "HINT" in done.stderr
    assert not (Path(var) / "postgres").exists() and "Traceback" not in done.stderr
