"""A backup is made while a run goes on, restored elsewhere, and everything is there; a damaged one is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.portal import ROOT, Portal, until

pytestmark = pytest.mark.kill
PASSWORD = "a long enough password"


def manage(portal: Portal, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=portal.environ() | environment,
                          capture_output=True, text=True, check=False)


def restored_into(portal: Portal, backup: Path) -> subprocess.CompletedProcess[str]:
    portal.var.mkdir(parents=True, exist_ok=True)
    return subprocess.run([sys.executable, "-m", "edgeportal", "restore", str(backup)], cwd=ROOT, env=portal.environ(),
                          capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def other() -> Iterator[Portal]:
    """An empty installation, not started."""
    portal = Portal(Path(tempfile.mkdtemp(prefix="ep-back-")))
    yield portal
    portal.stop()
    portal.keep_logs(Path(tempfile.mkdtemp()))


@pytest.fixture(scope="module")
def runs(portal: Portal) -> tuple[str, str]:
    """One run that has ended, and one that goes on."""
    done = portal.launch("training.backprop", epochs=2)
    assert portal.wait(done)["status"] == "finished", portal.run(done)
    goes_on = portal.launch("training.backprop", epochs=2000, batch_size=2, seed=5)  # Cancelled in the end.
    until(lambda: portal.metrics(goes_on, "accuracy"), 60, "the second run trains")
    return done, goes_on


@pytest.fixture(scope="module")
def backup(portal: Portal, runs: tuple[str, str]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ep-backup-"))
    made = manage(portal, "first_admin", "boss@example.org", FIRST_ADMIN_PASSWORD=PASSWORD)
    assert made.returncode == 0 or "already" in made.stderr, made.stderr
    assert portal.http.get("/team/").status_code == 200  # It names the key that signs networks: from now on there is one.
    done = manage(portal, "backup", str(folder))
    assert done.returncode == 0, done.stderr
    assert portal.run(runs[1])["status"] == "running", "the backup disturbed nobody"
    yield folder
    portal.clear_the_slot()
    shutil.rmtree(folder)


def test_the_key_that_signs_for_boards_is_in_no_backup(portal: Portal, backup: Path) -> None:
    key = (portal.var / "signing_key").read_bytes()
    assert len(key) == 32
    files = [file for file in backup.rglob("*") if file.is_file()]
    assert not any(key in file.read_bytes() or file.name == "signing_key" for file in files)


def damaged(backup: Path, change: Any) -> Path:
    copy = Path(tempfile.mkdtemp(prefix="ep-backup-")) / "copy"
    shutil.copytree(backup, copy)
    change(copy)
    return copy


def flip_a_byte(copy: Path, pattern: str = "files/*/*/*") -> str:
    file = sorted(copy.glob(pattern))[0]
    file.chmod(0o600)
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    return file.name


def flip_in_dump(copy: Path) -> str:
    return flip_a_byte(copy, "database-*.dump")


def remove_a_file(copy: Path) -> str:
    file = sorted(copy.glob("files/*/*/*"))[0]
    file.unlink()
    return file.name


def from_the_future(copy: Path) -> str:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["migrations"].append("experiments.0999_of_next_year")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return "experiments.0999_of_next_year"


def no_manifest(copy: Path) -> str:
    (copy / "manifest.json").unlink()
    return "holds no backup"


@pytest.mark.parametrize("change", [flip_a_byte, flip_in_dump, remove_a_file, from_the_future, no_manifest])
def test_what_is_wrong_with_a_backup_is_named_and_nothing_is_restored(other: Portal, backup: Path, change: Any) -> None:
    """All into one empty installation, in which the good one is restored afterwards: nothing may be left there."""
    named: list[str] = []
    copy = damaged(backup, lambda folder: named.append(change(folder)))
    try:
        refused = restored_into(other, copy)
    finally:
        shutil.rmtree(copy.parent)
    assert refused.returncode == 1
    line = [one for one in refused.stderr.splitlines() if one][-1]
    assert named[0] in line and "Traceback" not in refused.stderr


def files_of(portal: Portal, run: str) -> dict[str, bytes]:
    """What the run made, as a person downloads it."""
    made = portal.sql("select variant_id from experiments_runvariant where run_id = %s", run)
    addresses = [f"/models/variants/{variant}/file.{kind}" for (variant,) in made for kind in ("safetensors", "onnx")]
    assert addresses
    answers = [portal.http.get(address) for address in addresses]
    assert all(answer.status_code == 200 for answer in answers), answers
    return {address: answer.content for address, answer in zip(addresses, answers, strict=True)}


def test_everything_is_there_again(portal: Portal, other: Portal, runs: tuple[str, str], backup: Path) -> None:
    done, went_on = runs
    restored = restored_into(other, backup)
    assert restored.returncode == 0, restored.stderr
    assert "is whole" in restored.stdout
    other.start()
    assert other.run(done)["summary"] == portal.run(done)["summary"]
    assert other.events(done) == portal.events(done)
    assert files_of(other, done) == files_of(portal, done)
    seqs = [event["seq"] for event in other.events(went_on)]
    assert seqs == list(range(1, len(seqs) + 1))
    until(lambda: other.run(went_on)["status"] == "running" and other.run(went_on)["attempt"] > 1, 60,
          "the run that went on begins again")
    assert signs_in(other)
    other.stop()


def signs_in(portal: Portal) -> bool:
    """By e-mail address and password, as in the installation that was backed up."""
    import httpx

    with httpx.Client(base_url=portal.address, follow_redirects=True, timeout=120) as http:
        http.get("/sign-in/")
        said = {"login": "boss@example.org", "username": "boss@example.org", "password": PASSWORD,
                "csrfmiddlewaretoken": http.cookies["csrftoken"]}
        http.post("/sign-in/", data=said, headers={"Referer": portal.address})
        return "boss@example.org" in http.get("/account/").text


def test_the_next_backup_copies_only_what_is_new(portal: Portal, backup: Path) -> None:
    before = {file: file.stat().st_ino for file in (backup / "files").rglob("*") if file.is_file()}
    assert manage(portal, "backup", str(backup)).returncode == 0
    assert {file: file.stat().st_ino for file in before} == before
    assert len(list(backup.glob("database-*.dump"))) == 1


def test_the_secret_key_and_sessions_are_not_in_it(portal: Portal, backup: Path) -> None:
    key = (portal.var / "secret_key").read_bytes()
    dump = next(backup.glob("database-*.dump"))
    plain = subprocess.run([str(pg_restore()), "-f", "-", str(dump)], capture_output=True, check=True).stdout
    assert b"experiments_run" in plain and b"boss@example.org" in plain
    cookie = portal.http.cookies["sessionid"].encode()
    assert key not in plain and cookie not in plain
    assert all(key not in file.read_bytes() for file in backup.iterdir() if file.is_file())
    assert backup.stat().st_mode & 0o077 == 0


def pg_restore() -> Path:
    from edgeportal.embedded import postgres_binary

    return postgres_binary("pg_restore")


def test_a_database_that_is_not_empty_is_refused(portal: Portal, backup: Path) -> None:
    refused = manage(portal, "restore", str(backup))
    assert refused.returncode == 1 and "is not empty" in refused.stderr


def test_a_backup_says_which_files_the_store_itself_has_lost(portal: Portal, runs: tuple[str, str], backup: Path) -> None:
    made = "catalog_variant v join experiments_runvariant r on r.variant_id = v.id"
    sha256 = portal.one(made, "v.file_id", "r.run_id = %s", runs[0])
    file = portal.var / "blobs" / sha256[:2] / sha256[2:4] / sha256
    away = file.with_suffix(".away")
    file.rename(away)
    folder = Path(tempfile.mkdtemp(prefix="ep-backup-"))
    try:
        done = manage(portal, "backup", str(folder))
        assert done.returncode == 1 and sha256 in done.stderr
        assert json.loads((folder / "manifest.json").read_text())["lost"] == [sha256]
        assert portal.http.get(f"/runs/{runs[0]}/").status_code == 200
    finally:
        away.rename(file)
        shutil.rmtree(folder)


@contextmanager
def held_up(portal: Portal) -> Iterator[Callable[[], Any]]:
    """No backup gets further than to a table that is locked here; yields whether one waits for it."""
    import psycopg

    waiting = "select 1 from pg_locks where not granted and relation = 'django_admin_log'::regclass"
    with psycopg.connect(host=portal.sockets(), user="edgeportal", dbname="edgeportal") as holder:
        holder.execute("lock table django_admin_log in access exclusive mode")
        yield lambda: portal.sql(waiting)


def test_a_backup_that_is_killed_leaves_no_manifest(portal: Portal) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ep-backup-"))
    try:
        with held_up(portal) as waits:
            process = psutil.Popen([sys.executable, "manage.py", "backup", str(folder)], cwd=ROOT, env=portal.environ(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(waits, 30, "it is at the database")
            for one in (process, *process.children(recursive=True)):
                one.kill()
            process.wait()
        assert not (folder / "manifest.json").exists()
        assert manage(portal, "backup", str(folder)).returncode == 0, "the next one goes on from there"
    finally:
        shutil.rmtree(folder)
