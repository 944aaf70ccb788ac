"""The tables of this release, ready to load: an empty database gets them in one statement instead of migration by migration.

`tables.sql` holds what the migrations do to an empty database and the names of those migrations, so that `migrate` goes on from
there. It is written by `manage.py tables --keep`; a test holds it against the migrations.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from worker.context import write_durably

KEPT = Path(__file__).with_name("tables.sql")
CHANGES = ("CREATE", "ALTER", "DROP", "COMMENT", "SET CONSTRAINTS")
# A new column of an old row gets the moment of its migration; kept, that would be another at each writing.
A_MOMENT = re.compile(r"'[0-9: .+-]{20,}'::timestamptz")
ONE_AT_A_TIME = 20_240_301  # any number that nobody else locks


def bring_up(verbosity: int) -> None:
    """Make the kept tables when the database has none at all, then migrate; one at a time, however many hosts start."""
    _wait_for_others()
    with transaction.atomic(), connection.cursor() as cursor:
        if not connection.introspection.table_names(cursor):
            cursor.execute(KEPT.read_text(encoding="utf-8"))
    call_command("migrate", verbosity=verbosity, skip_checks=True)


def wait_for_the_database(seconds: float) -> None:
    """Return once it answers, or when it was waited for long enough: whoever asks it next is told what is wrong."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OperationalError):
            return connection.ensure_connection()
        time.sleep(0.05)


def _wait_for_others() -> None:
    """Hold the lock until this connection ends; waiting for it may take as long as somebody else's migration."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local lock_timeout = 0; set local statement_timeout = 0")
        cursor.execute("select pg_advisory_lock(%s)", [ONE_AT_A_TIME])


def keep() -> int:
    """Migrate an empty database beside this one and write down what that took; the number of statements."""
    said: list[str] = []
    with _beside("edgeportal_kept_tables"), connection.execute_wrapper(_listening(said)):
        call_command("migrate", verbosity=0)
        names = "".join(f",\n  ('{app}', '{name}', now())" for app, name in _applied())
    said.append(f"INSERT INTO django_migrations (app, name, applied) VALUES{names[1:]}")
    text = "-- Written by `manage.py tables --keep`; change the models and migrations instead.\n"
    write_durably(KEPT, "".join([text, *(f"{line};\n" for line in said)]).encode())  # Somebody may start from it right now.
    return len(said)


@contextmanager
def _beside(name: str) -> Iterator[None]:
    """Talk to a new database of the same server, and drop it in the end."""
    usual = connection.settings_dict["NAME"]
    _execute(f'drop database if exists "{name}"', f'create database "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
        _execute(f'drop database "{name}"')


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _listening(said: list[str]) -> Callable[..., Any]:
    def listen(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql).strip().rstrip(";")
        if text.upper().startswith(CHANGES):
            assert not params, f"a change of tables with parameters cannot be kept: {text}"
            said.append(A_MOMENT.sub("now()", text))
        return execute(sql, params, many, context)

    return listen


def _applied() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("select app, name from django_migrations order by id")
        return list(cursor.fetchall())
