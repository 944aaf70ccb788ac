"""Boards have NumPy and Python's own library: links load nothing else, and no program comes over them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import loaded_by
from worker.links import relay

FOLDER = Path(relay.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def test_nothing_but_numpy_is_loaded() -> None:
    code = "\n".join(f"import worker.links.{name}" for name in MODULES)
    assert loaded_by(code) - loaded_by("import numpy") - sys.stdlib_module_names == {"worker"}


@pytest.mark.parametrize("name", MODULES)
def test_nothing_here_can_run_what_came(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not imported & {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    assert not called & {"eval", "exec", "compile", "__import__"}


def test_the_links_program_starts_with_pythons_own_library_alone() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(FOLDER / "relay.py"), "127.0.0.1", "9", *["0", "1000", "0"] * 2],
                          input=b"", capture_output=True, check=True, timeout=300)
    assert int(done.stdout) > 0
