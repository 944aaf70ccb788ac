"""An upgrade while a run goes on: a newer database under old programs, then workers restarted; nothing is lost."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal import ROOT, Portal, facts, until

pytestmark = pytest.mark.kill
ASKED = {"epochs": 10, "batch_size": 2, "seed": 11}
NEXT = "0999_of_the_next_version"
# What a migration that only expands does: a column that the database itself fills in, a table that nobody else knows.
EXPAND = ("alter table experiments_run add column of_the_next_version text not null default ''",
          "alter table live_event add column of_the_next_version integer null",
          "create table experiments_of_the_next_version (id serial primary key)",
          "insert into django_migrations (app, name, applied) values ('experiments', %s, now())")
CONTRACT = ("alter table experiments_run drop column of_the_next_version",
            "alter table live_event drop column of_the_next_version", "drop table experiments_of_the_next_version",
            "delete from django_migrations where name = %s")


def apply(portal: Portal, statements: tuple[str, ...]) -> None:
    for statement in statements:
        portal.sql(f"set lock_timeout = '10s'; {statement}" if "%s" not in statement else statement,
                   *([NEXT] if "%s" in statement else []))


@pytest.fixture
def newer_database(portal: Portal) -> Iterator[Any]:
    yield lambda: apply(portal, EXPAND)
    apply(portal, CONTRACT)


def reached(portal: Portal, run: str, epoch: int) -> bool:
    return any((m["step"] or 0) >= epoch for m in portal.metrics(run, "accuracy"))


def has_ended(program: subprocess.Popen[str]) -> bool:
    """Whether it ends while it is waited for."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return program.wait(5) is not None
    return False


def manage(portal: Portal, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=portal.environ(), capture_output=True, text=True,
                          check=False)


def test_old_programs_work_on_a_newer_database_and_a_restarted_worker_goes_on(portal: Portal, newer_database: Any) -> None:
    portal.clear_the_slot()
    undisturbed = portal.launch("training.backprop", **ASKED)
    portal.wait(undisturbed, seconds=200)
    run = portal.launch("training.backprop", **ASKED)
    portal.caught(lambda: reached(portal, run, 2), "epoch 2")
    newer_database()
    said = len(portal.events(run))
    portal.caught(lambda: len(portal.events(run)) > said, "the old worker goes on writing")
    assert portal.http.get(f"/runs/{run}/").status_code == 200
    queued = portal.launch("training.backprop", epochs=1)
    assert portal.run(queued)["status"] == "queued", "the old web makes new rows"
    migrating = subprocess.Popen([sys.executable, "manage.py", "migrate"], cwd=ROOT, env=portal.environ(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    portal.caught(lambda: has_ended(migrating), "the migration is through")
    assert migrating.returncode == 0, migrating.communicate()[1]
    assert portal.run(run)["status"] == "running"
    old = portal.worker()
    old.terminate()
    until(lambda: not old.is_running() and portal.processes("celery", "runs@"), 60, "another worker")
    ended = portal.wait(run, seconds=200)
    assert (ended["status"], ended["attempt"]) == ("finished", 1), "a clean stop costs no attempt"
    assert facts(portal.metrics(run)) == facts(portal.metrics(undisturbed))
    seqs = [event["seq"] for event in portal.events(run)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert portal.wait(queued)["status"] == "finished"


def test_a_migration_gives_up_when_a_table_is_busy_and_blocks_nobody_for_long(portal: Portal) -> None:
    code = ("from django.db import connection as c\nfrom django.core.management import call_command\n"
            "call_command('migrate', verbosity=0)\nk = c.cursor()\n"
            "k.execute('show lock_timeout'); print(k.fetchone()[0])\nk.execute('show statement_timeout'); print(k.fetchone()[0])")
    done = manage(portal, "shell", "-v", "0", "-c", code)
    assert done.stdout.split() == ["10s", "0"], done.stdout + done.stderr
