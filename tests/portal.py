"""The portal as a user has it: `python -m edgeportal run`, its link, its pages, its processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psutil

from edgeportal import embedded
from tests.tabs import SLOW_TIMES, open_context

ROOT = Path(__file__).resolve().parent.parent
SHORT = {"EDGEPORTAL_LEASE_S": "8", "EDGEPORTAL_REAPER_S": "1", "EDGEPORTAL_FORKSERVER_IDLE_S": "600",
         "EDGEPORTAL_RUN_SILENT_S": "25", "EDGEPORTAL_REVALIDATE_S": "5"}
ENDED = ("finished", "failed", "cancelled")


# Below those that the kernel gives to outgoing connections: any of them could be taken before it is bound, or between two starts.
PORTS = range(20_000, 32_768)
# How much longer than on a quiet machine something may take before it is given up: who waits too long only fails later.
PATIENCE = 3.0 * SLOW_TIMES
# A piece of work and what it takes on the quiet machine on which the bounds of the tests were set.
STEPS, STEPS_S = 300_000, 0.015
# How long a process works between two looks at it: much shorter than anything it is caught in.
SPELL_S = 0.15
# What every first start makes, the same each time: the sample's files, and the collected scripts and styles.
MADE_AT_FIRST = ("sample", "static")
_marks: list[socket.socket] = []
_kept: list[tempfile.TemporaryDirectory[str]] = []


def free_port() -> int:
    """A port on which nobody listens; no other process of the tests is told the same one while this process lives."""
    draw = secrets.SystemRandom()
    return next(port for port in draw.sample(PORTS, len(PORTS)) if _is_free(port) and _is_marked(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("0.0.0.0", port))
        return True
    return False


def _is_marked(port: int) -> bool:
    """Whether it was ours to take: a name that one process has and that goes with it."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0edgeportal-tests-{port}")
    except OSError:
        mark.close()
        return False
    _marks.append(mark)
    return True


def until(ready: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask again until it answers with something true; AssertionError naming `what` after so many seconds, more under strain.

    It is patience and no promise: `seconds` are ample on a quiet machine, any other has `PATIENCE` times as many, or more.
    """
    begun = time.monotonic()
    while not (found := ready()):
        waited = time.monotonic() - begun
        if waited > PATIENCE * seconds:
            assert waited < seconds * strain(), f"not within {waited:.0f} s: {what}"
        time.sleep(0.1)
    return found


def caught(
    found: Callable[[], list[psutil.Process]], reached: Callable[[], Any], what: str, seconds: float = 90,
    spell_s: float = SPELL_S,
) -> psutil.Process:
    """The first process found, stopped (SIGSTOP) in the middle of what it does, when `reached` is first seen to be true.

    It goes on in spells of `spell_s` of a core's time and stands still while somebody looks: what it does cannot be over before
    it was looked at. Short ones where another process has to write down first what this one has reached.
    """
    process: psutil.Process = until(found, seconds, f"a process for {what}")[0]
    most_s = spell_s * strain()

    def looked() -> Any:
        _goes_on(process, spell_s, most_s)
        assert process.status() != psutil.STATUS_ZOMBIE, f"it ended before {what}"
        return reached()

    until(looked, seconds, what)
    return process


def _goes_on(process: psutil.Process, spell_s: float, most_s: float) -> None:
    """For a spell of a core's time: on a busy machine that takes longer, but not longer than `most_s`."""
    enough, end = sum(process.cpu_times()[:2]) + spell_s, time.monotonic() + most_s
    process.resume()
    while sum(process.cpu_times()[:2]) < enough and time.monotonic() < end:
        time.sleep(0.02)
    process.suspend()


def strain() -> float:
    """How many times slower than on a quiet machine things go now, at least 1. For bounds on seconds.

    The larger of two: how many wait for each core that we may use, over the last minute, and how long a piece of work takes at
    this moment. The second sees what no queue shows: a limit on our share, neighbours of a virtual machine, slower cores.
    """
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)), _slowness())


def _slowness() -> float:
    """Over a tenth of a second of work, so that several turns at a core are in it."""
    begun = time.perf_counter()
    for _ in range(5):
        sum(number * number for number in range(STEPS))
    return (time.perf_counter() - begun) / (5 * STEPS_S)


def _keep_what_was_made(var: Path) -> None:
    """The first portal that has it lends it to all that start later in this process."""
    if not _kept and all((var / name).exists() for name in MADE_AT_FIRST):
        _kept.append(tempfile.TemporaryDirectory(prefix="ep-made-"))
        for name in MADE_AT_FIRST:
            shutil.copytree(var / name, Path(_kept[0].name) / name)


def lend_what_was_made(var: Path) -> None:
    for folder in [Path(kept.name) / name for kept in _kept for name in MADE_AT_FIRST if not (var / name).exists()]:
        shutil.copytree(folder, var / folder.name)


class Portal:
    """One running installation in a folder of its own. One that is `bare` makes everything itself, as on a new machine."""

    def __init__(self, var: Path, *, bare: bool = False, **environment: str) -> None:
        self.var, self.bare = var, bare
        self.port = free_port()
        self.output = var / "output.log"
        self.environment = {**SHORT, "EDGEPORTAL_VAR": str(var), "PORT": str(self.port), **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.address, timeout=120, follow_redirects=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        return clean | self.environment

    def start(self, *, signed_in: bool = True) -> None:
        """Start it and wait for the line that says it is ready; sign in with the printed link."""
        self.begin()
        until(lambda: "is ready" in self.said() or self.process.poll() is not None, 120, "the ready line")
        assert self.process.poll() is None, self.said()
        _keep_what_was_made(self.var)
        if signed_in:
            self.sign_in()

    def begin(self) -> None:
        """`make run`, without waiting for anything; it ends with the tests even when these are killed."""
        self.var.mkdir(parents=True, exist_ok=True)
        if not self.bare:
            lend_what_was_made(self.var)
        with self.output.open("ab") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "edgeportal", "run"], cwd=ROOT, env=self.environ(),
                                            stdout=out, stderr=out,
                                            preexec_fn=embedded.child_of_this_process(signal.SIGTERM))

    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def stop(self, seconds: float = 60) -> float:
        """Ctrl-C; the seconds until it had ended."""
        begun = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(seconds)
        return time.monotonic() - begun

    def keep_logs(self, folder: Path) -> None:
        if (self.var / "log").exists():
            shutil.copytree(self.var / "log", folder, dirs_exist_ok=True)
        shutil.rmtree(self.var, ignore_errors=True)

    # Signing in

    def link(self) -> str:
        done = subprocess.run([sys.executable, "-m", "edgeportal", "link"], cwd=ROOT, env=self.environ(), capture_output=True,
                              text=True, check=True)
        return done.stdout.strip()

    def sign_in(self) -> None:
        found = re.findall(r"http://127\.0\.0\.1:\d+/enter/\S+", self.said())
        answer = self.http.get(found[-1])
        if answer.status_code == 410:
            answer = self.http.get(self.link())
        assert answer.status_code == 200, answer.text[:500]

    def stranger(self) -> dict[str, str]:
        """The cookies of somebody of another team."""
        code = ("from apps.accounts.models import *; from django.contrib.sessions.backends.db import SessionStore;"
                "from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY;"
                "u, new = User.objects.get_or_create(email='mallory@example.org');"
                "t = Team.objects.get_or_create(name='Others')[0]; Membership.objects.get_or_create(team=t, user=u);"
                "s = SessionStore(); s[SESSION_KEY] = str(u.pk); s[HASH_SESSION_KEY] = u.get_session_auth_hash();"
                "from django.conf import settings;"
                "s[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]; s.save(); print(s.session_key)")
        done = subprocess.run([sys.executable, "manage.py", "shell", "-v", "0", "-c", code], cwd=ROOT, env=self.environ(),
                              capture_output=True, text=True, check=True)
        return {"sessionid": done.stdout.split()[-1]}

    def post(self, path: str, data: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"X-CSRFToken": self.http.cookies.get("csrftoken", ""), "Referer": self.address}
        return self.http.post(path, data=data or {}, headers=headers)

    # The database, for what no page shows

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        import psycopg

        sockets = self.sockets()
        with psycopg.connect(host=sockets, user="edgeportal", dbname="edgeportal", autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    @cache  # noqa: B019  one portal, one test session
    def sockets(self) -> str:
        code = "from edgeportal import places; print(places.sockets())"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=self.environ(), capture_output=True, text=True,
                              check=True)
        return done.stdout.strip()

    # Runs

    def launch(self, recipe: str, model: str = "LeNet-5", dataset: str = "digits", **values: Any) -> str:
        """Fill in the form of the recipe and submit it; the id of the new run."""
        self.http.get(f"/experiments/new/{recipe}/")
        chosen = {"model": self.one("catalog_variant v join catalog_registeredmodel m on m.id = v.model_id",
                                    "v.id", "m.name = %s and v.made_by is null", model),
                  "dataset": self.one("catalog_dataset", "id", "name = %s", dataset)}
        answer = self.post(f"/experiments/new/{recipe}/", {**self.initial(recipe), **chosen, **values})
        found = re.search(r"/runs/([0-9a-f-]{36})/", str(answer.url))
        assert found, f"{answer.status_code} {answer.url}: {errors_in(answer.text)}"
        return found.group(1)

    def initial(self, recipe: str) -> dict[str, Any]:
        from worker import menu

        fields = menu.get(recipe).params.model_fields
        return {name: field.default for name, field in fields.items()
                if not field.is_required() and field.default is not None and field.default is not False}

    def one(self, table: str, column: str, where: str, *values: Any) -> str:
        return str(self.sql(f"select {column} from {table} where {where}", *values)[0][0])

    def run(self, run_id: str) -> dict[str, Any]:
        columns = ("status", "attempt", "stalls", "reason", "summary", "stream_id", "worker", "stage", "done", "number")
        row = self.sql(f"select {', '.join(columns)} from experiments_run where id = %s", run_id)[0]
        return dict(zip(columns, row, strict=True))

    def wait(self, run_id: str, *statuses: str, seconds: float = 120) -> dict[str, Any]:
        wanted = statuses or ENDED
        until(lambda: self.run(run_id)["status"] in wanted, seconds, f"run {run_id} {wanted}, it is {self.run(run_id)}")
        return self.run(run_id)

    def events(self, run_id: str) -> list[dict[str, Any]]:
        stream, found = self.run(run_id)["stream_id"], []
        while True:
            answer = self.http.get(f"/api/streams/{stream}/events", params={"after": len(found)})
            assert answer.status_code == 200, answer.text
            body = answer.json()
            found += body["events"]
            if not body["more"]:
                return found

    def metrics(self, run_id: str, name: str = "") -> list[dict[str, Any]]:
        said = [event["body"] for event in self.events(run_id) if event["type"] == "metric"]
        return [metric for metric in said if not name or metric["name"] == name]

    def clear_the_slot(self) -> None:
        """Cancel what runs or waits, so that a test's own run begins at once; its process is gone too."""
        for (run,) in self.sql("select id from experiments_run where status in ('queued', 'running', 'cancelling')"):
            self.post(f"/runs/{run}/cancel/")
            self.wait(str(run))
        until(lambda: not self._children(), 30, "the end of the last run's process")

    def stream(self) -> str:
        """The sample team's first one, that of the run which it begins with."""
        found = "live_stream s join accounts_team t on t.id = s.team_id"
        return self.one(found, "s.id", "t.is_sample order by s.created limit 1")

    # Processes

    def processes(self, *words: str) -> list[psutil.Process]:
        """The portal's processes whose command line holds all these words."""
        assert self.process
        try:
            every = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        return [one for one in every if all(word in _command(one) for word in words)]

    def program(self, *words: str) -> psutil.Process:
        """The first process with these words, once there is one: it may just be started again."""
        found: list[psutil.Process] = until(lambda: self.processes(*words), 30, f"a process {' '.join(words)}")
        return found[0]

    def worker(self) -> psutil.Process:
        return self.program("celery", "runs@")

    def web(self) -> psutil.Process:
        return self.program("uvicorn")

    @contextlib.contextmanager
    def nothing_begins(self) -> Iterator[None]:
        """Runs stay in the queue as long as this lasts: a page is open before its run begins, however slow the browser is."""
        worker = self.worker()
        worker.suspend()
        try:
            yield
        finally:
            worker.resume()

    def child(self) -> psutil.Process:
        """The process of the run that goes on."""
        return until(lambda: self._children(), 30, "a run's process")[0]

    def caught(self, reached: Callable[[], Any], what: str, seconds: float = 90, whose: str = "worker.child",
               spell_s: float = SPELL_S) -> psutil.Process:
        """The process of the run that goes on, `caught` when that is reached. `worker.inspection.child` is the desk's."""
        return caught(lambda: self._children(whose), reached, what, seconds, spell_s)

    def _children(self, whose: str = "worker.child") -> list[psutil.Process]:
        """Forked from the warm process of the runs; the desk has one of its own."""
        servers = self.processes("worker.forkserver", f" {whose}")
        parents = {one.pid for one in servers}
        return [one for one in servers if _parent(one) in parents]


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def errors_in(html: str) -> str:
    found = re.findall(r'class="[^"]*error[^"]*"[^>]*>([^<]+)<', html)
    return "; ".join(text.strip() for text in found) or html[:1500]


def facts(metrics: list[dict[str, Any]]) -> dict[str, float | None]:
    """Metrics by what they name; times left out, because no two runs share them."""
    timed = ("seconds", "latency", "_ms")
    return {json.dumps([m["name"], m["step"], m["labels"]], sort_keys=True): m["value"]
            for m in metrics if not any(word in m["name"] for word in timed)}


def open_tab(chromium: Any, portal: Portal, **options: Any) -> Iterator[Any]:
    """A signed-in tab; the test fails when the page throws or breaks its content security policy."""
    context = open_context(chromium, portal, **options)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda line: wrong.append(line.text) if line.type == "error" and not _is_harmless(tab, line) else None)
    tab.portal = portal
    yield tab
    context.close()
    assert not wrong, wrong


def _is_harmless(tab: Any, line: Any) -> bool:
    """Chromium notes as an error that a form came back with a 422 (what it fetches besides must not), htmx that a page was left
    while a part of it was on its way; of a request that failed it says `htmx:sendError` too."""
    is_refused_form = "status of 422" in line.text and line.location.get("url") == tab.url
    return is_refused_form or line.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
