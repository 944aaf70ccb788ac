"""The environment variables that the code reads, and those that docs/operating.md explains."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.quiet import syntax_of

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[A-Z][A-Z0-9_]{3,}")
READERS = {"get", "number", "words", "getenv", "setdefault"}
# Of the machine, not ours; and what one of our programs says to another.
NOT_OURS = {"PATH", "PYTHONPATH", "HOME", "XDG_RUNTIME_DIR", "DJANGO_SETTINGS_MODULE", "EDGEPORTAL_WORKER", "EDGEPORTAL_WARM",
            "ORT_DISABLE_TELEMETRY", "TORCHINDUCTOR_CACHE_DIR"}


def documented() -> list[str]:
    """The first column of every table row in the page that holds names of variables."""
    rows = [line for line in (ROOT / "docs" / "operating.md").read_text().splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]{3,})`", row.split("|")[1])]


def read_by_the_code() -> set[str]:
    """Every variable that a file of edgeportal/, apps/ or worker/ reads."""
    files = [path for folder in ("edgeportal", "apps", "worker") for path in (ROOT / folder).rglob("*.py")]
    return {name for path in files for name in _read_in(syntax_of(path))} - NOT_OURS


def _read_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _called(node.func) in READERS and _of_environment(node.func):
            yield from _name(node.args[0])
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and "environ" in ast.unparse(node.value):
            yield from _name(node.slice)


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def _of_environment(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) or "environ" in ast.unparse(function)


def _name(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
        yield node.value
