"""docs/networks.md names the operators that are read, and commands and options that are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer.main

from worker.__main__ import app
from worker.dnn.ingest.onnx.reading import KNOWN

PAGE = Path(__file__).resolve().parents[3] / "docs" / "networks.md"
TEXT = PAGE.read_text()


def test_every_operator_is_named_and_none_is_invented() -> None:
    listed = re.search(r"<!-- operators -->(.*?)\.\n<!-- end -->", TEXT, re.DOTALL)
    assert listed and [each.strip() for each in listed[1].split(",")] == sorted(KNOWN)


def test_every_command_and_option_is_there() -> None:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = [shlex.split(line, comments=True)[1:] for line in TEXT.splitlines() if line.startswith("worker ")]
    assert len(lines) >= 8
    for verb, *words in lines:
        options = {name for each in verbs[verb].params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, (verb, words)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT)
    assert links and all((PAGE.parent / link).exists() for link in links)
