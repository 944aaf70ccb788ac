"""An empty database gets the kept tables; they are exactly what the migrations make, and migrations go on from there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest

from edgeportal import places
from edgeportal.tables import KEPT
from tests.portal import ROOT

SOCKETS = str(places.sockets())
SHAPE = {
    "columns": "select table_name, column_name, data_type, is_nullable, column_default, character_maximum_length, is_identity "
               "from information_schema.columns where table_schema = 'public' order by 1, 2",
    "constraints": "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
                   "where connamespace = 'public'::regnamespace order by 1, 2, 3",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' order by 1, 2",
    "migrations": "select app, name from django_migrations order by 1, 2",
    "permissions": "select app_label, model, p.codename from django_content_type c join auth_permission p "
                   "on p.content_type_id = c.id order by 1, 2, 3",
}


def query(name: str, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host=SOCKETS, user="edgeportal", dbname=name, autocommit=True) as connection:
        found = connection.execute(text)
        return found.fetchall() if found.description else []


@pytest.fixture
def empty() -> Iterator[str]:
    yield from _database("kept_tables")


@pytest.fixture(scope="module")
def migrated() -> Iterator[str]:
    for name in _database("migrated_tables"):
        manage(name, "migrate")
        yield name


def _database(name: str) -> Iterator[str]:
    query("postgres", f"create database {name}")
    yield name
    query("postgres", f"drop database {name} with (force)")


def manage(name: str, *words: str) -> str:
    url = f"postgresql://edgeportal@/{name}?host={SOCKETS}"
    done = subprocess.run([sys.executable, "manage.py", *words, "--verbosity", "1"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "DATABASE_URL": url}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shape(name: str) -> dict[str, list[tuple[object, ...]]]:
    return {what: query(name, text) for what, text in SHAPE.items()}


def test_the_kept_tables_are_what_the_migrations_make(empty: str, migrated: str) -> None:
    assert "No migrations to apply" in manage(empty, "tables"), "edgeportal/tables.sql is old: `manage.py tables --keep`"
    kept, made = shape(empty), shape(migrated)
    assert made["columns"] and made["permissions"]
    assert kept == made, "edgeportal/tables.sql is old: `manage.py tables --keep`"


def test_a_database_with_tables_is_migrated_as_ever(migrated: str) -> None:
    before = shape(migrated)
    manage(migrated, "migrate", "portfolios", "zero")
    assert "Applying portfolios.0001" in manage(migrated, "tables")
    assert shape(migrated) == before


def test_two_who_start_at_once_make_the_tables_once(empty: str, migrated: str) -> None:
    url = f"postgresql://edgeportal@/{empty}?host={SOCKETS}"
    words = [sys.executable, "manage.py", "tables", "--verbosity", "0"]
    both = [subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "DATABASE_URL": url})
            for _ in range(2)]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0)] * 2
    assert shape(empty) == shape(migrated)


def test_keeping_writes_the_same_file_again_and_leaves_nothing_behind(migrated: str) -> None:
    before = KEPT.read_text()
    assert "statements" in manage(migrated, "tables", "--keep")
    assert KEPT.read_text() == before
    assert query("postgres", "select 1 from pg_database where datname like '%kept%'") == []


def test_it_waits_for_a_database_that_is_still_being_made(migrated: str) -> None:
    """`migrated` only keeps the other tests' tables alive meanwhile."""
    words = [sys.executable, "manage.py", "tables", "--verbosity", "0", "--wait", "30"]
    url = f"postgresql://edgeportal@/late_tables?host={SOCKETS}"
    waiting = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "DATABASE_URL": url})
    time.sleep(3)
    assert waiting.poll() is None
    for _ in _database("late_tables"):
        assert (waiting.communicate(timeout=300)[1], waiting.returncode) == ("", 0)
        assert shape("late_tables") == shape(migrated)
