"""`python -m edgeportal run` starts the whole portal and prints one link; `link` prints another.

`health` asks this host's web process how it is. `restore FOLDER` brings a backup into a new installation with the embedded
servers. `web`, `worker`, `desk`, `answers` and `beat` become that one program, for those who start each by itself.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

from edgeportal import embedded, holding, lan, places, preconditions, programs
from edgeportal.preconditions import Cannot
from edgeportal.supervise import Child, stop

# Patience with a small or busy machine: a server that cannot start ends, and is noticed at once.
SERVICES_S, WEB_S, SAMPLE_S, STOP_S = 120.0, 120.0, 600.0, 4.8
PYTHON = sys.executable
DONE_AT_START = {"static": "The static files could not be collected", "tables": "The tables could not be made or migrated"}
SAMPLE = places.local() and os.environ.get("EDGEPORTAL_SAMPLE", "1") == "1"


def say(text: str) -> None:
    print(text, flush=True)


class Portal:
    """The supervisor of one installation: services, migrations, web, workers, beat, sample."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.scheme = "https" if lan.wanted() else "http"
        self.var = places.var()
        self.logs = self.var / "log"
        self.sockets = places.sockets()
        self.services: list[Child] = []
        self.programs: list[Child] = []
        self.sample: subprocess.Popen[bytes] | None = None
        self.stopping = False

    def run(self) -> None:
        """Start everything, then tend it until a signal comes. Whatever happens, stop what was started."""
        lock = self._prepare()
        try:
            self._start()
            self._present()
            while not self.stopping:
                for child in (*self.services, *self.programs):
                    child.tend(self.logs, say)
                time.sleep(0.2)
        finally:
            self._stop()
            lock.close()

    def _prepare(self) -> IO[str]:
        preconditions.room(self.var)
        for folder in (self.logs, self.var / "blobs", self.var / "runs"):
            folder.mkdir(parents=True, exist_ok=True)
        lock = preconditions.only_one(self.var / "portal.lock")
        self.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.sockets.chmod(0o700)
        preconditions.free_port(self.port, "0.0.0.0" if lan.wanted() else "127.0.0.1")
        if lan.wanted():
            lan.make_certificate()
        (self.var / "port").write_text(str(self.port))
        (self.var / "scheme").write_text(self.scheme)
        places.secret_key()  # made before anybody else can see it half written
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return lock

    def _on_signal(self, *_: object) -> None:
        if self.stopping:
            return
        self.stopping = True
        raise KeyboardInterrupt

    def _start(self) -> None:
        self._hold_to_the_rules()
        with holding.preparing():
            # All of these take a second to load: they do it together, and each waits for what it needs.
            self._begin(Child("web", lambda: programs.web(self.port)[0]))
            chores = {"static": self._collect_static(), "tables": self._make_tables()}
            self._start_services()
            for name, chore in chores.items():
                if chore and chore.wait():
                    raise Cannot(f"{DONE_AT_START[name]}: {self._last_line(name)} (log: {self.logs / name}.log)")
        # Pages first: torch for the sample and the workers' imports would keep a small machine busy.
        self._wait_for_web()
        if SAMPLE:
            self._make_sample_files()
        self._start_workers()

    def _collect_static(self) -> subprocess.Popen[bytes] | None:
        """Copy and compress scripts and styles, beside the start of the services, when they changed since the last time."""
        stamp = self.var / "static" / ".collected"
        files = [*(places.BASE_DIR / "static").rglob("*"), places.BASE_DIR / "requirements.txt"]
        newest = f"{max(file.stat().st_mtime_ns for file in files)} {len(files)}"
        if stamp.exists() and stamp.read_text() == newest:
            return None
        stamp.parent.mkdir(parents=True, exist_ok=True)
        collect = f"{shlex.quote(PYTHON)} manage.py collectstatic --noinput --clear --verbosity 0"
        return self._chore("static", "sh", "-c", f"{collect} && printf %s '{newest}' > {shlex.quote(str(stamp))}")

    def _make_tables(self) -> subprocess.Popen[bytes]:
        """Only a server that is started beside it is waited for: a real one that does not answer is said at once."""
        seconds = 0 if os.environ.get("DATABASE_URL") else SERVICES_S
        return self._chore("tables", PYTHON, "manage.py", "tables", "--verbosity", "0", "--wait", str(seconds))

    def _last_line(self, name: str) -> str:
        """An error of PostgreSQL goes over several lines; the first of its paragraph says what happened."""
        lines = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if "Error" in line), lines[-1] if lines else "no message")

    def _chore(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """A process that is done once, its words in a log of its own."""
        with (self.logs / f"{name}.log").open("ab") as out:
            return subprocess.Popen(command, cwd=places.BASE_DIR, stdout=out, stderr=out,
                                    preexec_fn=embedded.child_of_this_process(signal.SIGTERM))

    def _start_services(self) -> None:
        if not os.environ.get("DATABASE_URL"):
            data = self.var / "postgres"
            self.services.append(Child("postgres", lambda: embedded.postgres_command(data, self.sockets),
                                       stop_signal=signal.SIGINT, preexec=embedded.unprivileged(data)))
        if not os.environ.get("REDIS_URL"):
            self.services.append(Child("redis", lambda: embedded.redis_command(self.sockets, self.var / "redis")))
        for child in self.services:
            child.start(self.logs)
        self._wait_for_services()

    def _wait_for_services(self) -> None:
        until = time.monotonic() + SERVICES_S
        checks = {"postgres": embedded.postgres_answers, "redis": embedded.redis_answers}
        for child in self.services:
            while not checks[child.name](self.sockets):
                if not child.alive or time.monotonic() > until:
                    raise Cannot(f"{child.name} did not start; its log is {self.logs / child.name}.log")
                time.sleep(0.05)

    def _manage(self, *words: str) -> str:
        done = subprocess.run([PYTHON, "manage.py", *words], cwd=places.BASE_DIR, capture_output=True, text=True, check=False)
        if done.returncode:
            (self.logs / "manage.log").write_text(done.stdout + done.stderr)
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Cannot(f"`manage.py {' '.join(words)}` failed: {last} (log: {self.logs / 'manage.log'})")
        return done.stdout

    def _hold_to_the_rules(self) -> None:
        """In production, say every setting that is unfit, before anything is started with it."""
        if places.local():
            return
        done = subprocess.run([PYTHON, "manage.py", "check"], cwd=places.BASE_DIR, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Cannot("these settings are not fit to serve anybody.\n" + done.stderr)

    def _start_workers(self) -> None:
        for name, command in programs.PROGRAMS.items():
            words, environment = command()
            self._begin(Child(name, partial(list, words), environment))

    def _begin(self, child: Child) -> None:
        self.programs.append(child)
        child.start(self.logs)

    def _make_sample_files(self) -> None:
        folder = self.var / "sample"
        if not (folder / "manifest.json").exists():
            self.sample = self._chore("sample", "nice", "-n", "19", PYTHON, "-m", "worker.sample", str(folder))

    def _present(self) -> None:
        if self.sample:
            say("The portal is up; making its sample models and data (once, a few seconds) ...")
            if self.sample.wait(SAMPLE_S):
                raise Cannot(f"The sample files could not be made; the log is {self.logs / 'sample.log'}")
        if SAMPLE:
            self._manage("sample", str(self.var / "sample"))
            say(f"\n  EdgePortal is ready:  {self._link()}\n\n  The link signs you in once, within 10 minutes; "
                "`make link` prints another. Ctrl-C stops everything.\n")
        else:
            say(f"EdgePortal is ready on port {self.port}. Ctrl-C stops everything.")
        if lan.wanted():
            links = "".join(f"    https://{lan.in_url(address)}:{self.port}/\n" for address in lan.addresses())
            say(f"  On the local network (a browser asks about the certificate once; compare its SHA-256 fingerprint):\n{links}"
                f"    {lan.fingerprint()}\n")

    def restore(self, folder: Path) -> None:
        """Start the servers alone, before any table is made, and let manage.py do it."""
        lock = self._prepare()
        try:
            self._start_services()
            say(self._manage("restore", str(folder)).strip())
        finally:
            self._stop()
            lock.close()

    def another_link(self) -> str:
        """A fresh link to the portal that runs from this folder; Cannot when none does."""
        try:
            preconditions.only_one(self.var / "portal.lock").close()
        except Cannot:
            self.port, self.scheme = int((self.var / "port").read_text()), (self.var / "scheme").read_text()
            return self._link()
        raise Cannot("no portal runs from this folder; start it with `make run`.")

    def _link(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{self._manage('link').strip()}"

    def _wait_for_web(self) -> None:
        until = time.monotonic() + WEB_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            for child in self.programs:
                child.tend(self.logs, say)
            time.sleep(0.05)
        raise Cannot(f"The web process does not answer; its log is {self.logs / 'web.log'}")

    def _stop(self) -> None:
        self.stopping = True
        say("Stopping ...")
        if self.sample and self.sample.poll() is None:
            self.sample.terminate()
        until = time.monotonic() + STOP_S
        stop(self.programs, until - 1.5)
        stop(self.services, until)


def do(verb: str, folders: list[Path]) -> None:
    """What the command line asks for."""
    if verb in programs.PROGRAMS:
        return programs.become(programs.PROGRAMS[verb]())
    port = preconditions.port()
    verbs: dict[str, Callable[[], object]] = {
        "run": lambda: Portal(port).run(), "link": lambda: say(Portal(port).another_link()),
        "web": lambda: programs.become(programs.web(port)), "health": lambda: say(programs.health(port)),
        **({"restore": lambda: Portal(port).restore(folders[0])} if folders else {})}
    if verb not in verbs:
        raise Cannot(f"{verb!r} is not understood; there are {', '.join([*verbs, *programs.PROGRAMS])} and restore FOLDER.")
    verbs[verb]()


def main() -> NoReturn:
    """Exit status 0 after Ctrl-C, 1 with one line when the portal cannot start."""
    verb, *words = sys.argv[1:] or ["run"]
    folders = [Path(word).resolve() for word in words]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")
    os.chdir(places.BASE_DIR)
    try:
        do(verb, folders)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(f"EdgePortal: {error.strerror or 'the system refused'}{where}", file=sys.stderr)
        sys.exit(1)
    except (Cannot, embedded.Unavailable) as problem:
        print(f"EdgePortal: {problem}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
