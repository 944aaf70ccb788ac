"""Three hosts share the work through one PostgreSQL, Redis and object store; one that loses its power loses no run."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill.hosts import Host, Servers
from tests.portal import ROOT, facts, until

pytestmark = pytest.mark.kill
ASKED = {"epochs": 8, "batch_size": 2, "seed": 11}


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Host]]:
    servers = Servers()
    first = Host("a", servers)
    others = [Host(name, servers, EDGEPORTAL_SAMPLE="0") for name in ("b", "c")]
    every = [first, *others]
    try:
        first.start()
        first.clear_the_slot()
        for other in others:
            other.up()
            # One person, one session: any host's web answers it.
            other.http.cookies.update(first.http.cookies)
        yield every
    finally:
        for host in every:
            host.stop()
            shutil.rmtree(host.var, ignore_errors=True)
        servers.stop()


def test_runs_launched_through_one_host_are_done_by_all(hosts: list[Host]) -> None:
    """As many at once as there are hosts, until each has had one: who is quick may take two of the first."""
    a, did = hosts[0], set()

    def all_did() -> bool:
        for run in [a.launch("training.backprop", epochs=2, batch_size=2, seed=seed) for seed in range(3)]:
            ended = a.wait(run, seconds=240)
            assert ended["status"] == "finished", ended
            did.add(ended["worker"])
        return did == {"worker@a", "worker@b", "worker@c"}

    until(all_did, 120, "each host has done a run")


def test_what_one_host_made_is_downloaded_and_watched_through_another(hosts: list[Host]) -> None:
    a, b, c = hosts
    by_b = str(a.sql("select id from experiments_run where worker = 'worker@b' and status = 'finished'")[0][0])
    variant = a.one("experiments_runvariant", "variant_id", "run_id = %s", by_b)
    sha256, size = a.sql("select sha256, size_bytes from catalog_blob where sha256 ="
                         " (select file_id from catalog_variant where id = %s)", variant)[0]
    for host in (a, c):
        answer = host.http.get(f"/models/variants/{variant}/file.safetensors")
        assert answer.status_code == 200 and len(answer.content) == size
        assert hashlib.sha256(answer.content).hexdigest() == sha256
    assert not list((a.var / "blobs").rglob(sha256)), "it lies in the store, and in no host's folder"
    assert a.events(by_b) == b.events(by_b) == c.events(by_b)


def test_a_host_that_loses_its_power_loses_no_run_and_at_most_one_epoch(hosts: list[Host]) -> None:
    a = hosts[0]
    undisturbed = a.launch("training.backprop", **ASKED)
    assert a.wait(undisturbed, seconds=200)["status"] == "finished"
    run = a.launch("training.backprop", **ASKED)
    name = until(lambda: a.run(run)["worker"], 30, "a host takes it").partition("@")[2]
    # The page stays with a host that lives.
    dead = next(host for host in hosts if host.name == name)
    watcher = next(host for host in hosts if host is not dead)
    dead.caught(lambda: any((m["step"] or 0) >= 3 for m in watcher.metrics(run, "accuracy")), "epoch 3")
    dead.power_off()
    try:
        ended = watcher.wait(run, seconds=200)
        assert ended["status"] == "finished" and ended["attempt"] == 2, ended
        assert ended["worker"] != f"worker@{name}"
        assert facts(watcher.metrics(run)) == facts(watcher.metrics(undisturbed))
        events = watcher.events(run)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        logs = " ".join(event["body"]["message"] for event in events if event["type"] == "log")
        resumed = [int(number) for number in re.findall(r"after epoch (\d+)", logs)]
        assert resumed and max(resumed) >= 2, f"it went on from its checkpoint: {logs}"
        until(lambda: run.replace("-", "") not in " ".join(watcher.servers.store.names("runs/")), 20, "no trail is left")
    finally:
        dead.up()


def test_a_host_without_the_file_says_so_in_the_run(hosts: list[Host]) -> None:
    """A file that is gone from the store ends the run with a sentence, whichever host takes it."""
    a = hosts[0]
    store = a.servers.store
    sha256 = a.one("catalog_dataset", "file_id", "name = %s", "digits")
    name = f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
    body = store.client.get_object(Bucket=store.bucket, Key=name)["Body"].read()
    store.client.delete_object(Bucket=store.bucket, Key=name)
    for host in hosts:
        for file in (host.var / "cache").rglob(sha256):
            file.unlink()
    try:
        ended = a.wait(a.launch("training.backprop", epochs=1))
        assert ended["status"] == "failed"
        assert ended["reason"] == "The file of dataset digits is no longer in the store, or its bytes are damaged."
    finally:
        store.put(name, body)


def test_a_backup_from_any_host_holds_the_files_of_all(hosts: list[Host]) -> None:
    c = hosts[2]
    folder = Path(tempfile.mkdtemp(prefix="ep-backup-"))
    done = subprocess.run([sys.executable, "manage.py", "backup", str(folder)], cwd=ROOT, env=c.environ(), capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(file.is_file() for file in (folder / "files").rglob("*")) == c.sql("select count(*) from catalog_blob")[0][0]
    shutil.rmtree(folder)
