"""The menu can be read without torch: by a person, and by the portal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from worker import menu

Cli = Callable[..., tuple[int, str, str]]


def test_list_names_every_recipe_with_its_sentence(cli: Cli) -> None:
    code, out, _ = cli("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(menu.recipes())


def test_describe_tells_every_parameter_with_range_and_help(cli: Cli) -> None:
    code, out, _ = cli("describe", "pruning.reconvene")
    assert code == 0
    for name, field in menu.get("pruning.reconvene").params.model_fields.items():
        assert f"--{name.replace('_', '-')}" in out and str(field.description) in out
    assert "more than 0 and less than 1" in out


def test_describing_what_is_not_there_is_refused(cli: Cli) -> None:
    assert cli("describe", "pruning.nothing")[0] == 2


@pytest.mark.parametrize("words", [["list"], ["describe", "pruning.reconvene"]])
def test_reading_the_menu_loads_neither_torch_nor_numpy(words: list[str]) -> None:
    code = ("import sys; from worker.__main__ import app\n"
            f"app({words!r}, standalone_mode=False)\n"
            "sys.exit(bool({'torch', 'numpy', 'onnxruntime'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
