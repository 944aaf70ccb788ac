"""The wheel that boards download: pure Python from this checkout, the same bytes each time, and all that a board needs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.test import Client

from apps.devices import agent_wheel
from tests.portal import ROOT
from tests.worker.agent.ordered import RECIPE, VALUES, prepared
from worker.agent.slice_process import PROGRAMS

# Only these of what is installed here, as on a board; torch and Django cannot be imported at all.
BOARD = """
import importlib.util, sys
allowed = {"numpy", "onnxruntime", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection",
           "flatbuffers", "google", "packaging", "ml_dtypes"}
class OnlyThese:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        here = top in allowed or top in sys.stdlib_module_names or top == "worker"
        if here or path is not None or top.startswith("_sysconfigdata"):
            return None
        raise ImportError(f"{name} is not on a board")
sys.meta_path.insert(0, OnlyThese())
sys.path.insert(0, sys.argv[1])
sys.path.append(sys.argv[2])
"""
MENU = BOARD + """
import json, worker
from importlib.metadata import version
from worker import menu
from worker.agent.version import mine
import worker.agent.__main__, worker.agent.measuring
print(json.dumps({"from": worker.__file__, "recipes": list(menu.recipes()), "version": mine()}))
"""
MEASURE = BOARD + """
import json, socket
from worker.agent.measuring import Task, main
ours, theirs = socket.socketpair()
main(Task.model_validate_json(sys.argv[3]), theirs)
theirs.shutdown(socket.SHUT_WR)  # closing waits for the thread that listens
sys.stdout.write(ours.makefile().read())
assert not {"torch", "django"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = agent_wheel.wheel()
    path = tmp_path_factory.mktemp("wheel") / made.name
    path.write_bytes(made.body)
    return path


def on_a_board(code: str, wheel: Path, *words: str) -> list[dict[str, object]]:
    """Run in a Python of its own that has the wheel and a board's packages."""
    installed = next(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(wheel), installed, *words], capture_output=True, text=True,
                          check=False, cwd="/", env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_the_same_checkout_gives_the_same_bytes(wheel: Path) -> None:
    agent_wheel.wheel.cache_clear()
    again = agent_wheel.wheel()
    assert again.body == wheel.read_bytes() and again.name == wheel.name
    assert again.version.startswith(f"{agent_wheel.speaks()}+")


def test_it_is_a_wheel_with_a_record_of_every_file() -> None:
    made = agent_wheel.wheel()
    with zipfile.ZipFile(io.BytesIO(made.body)) as archive:
        folder = f"edgeportal_agent-{made.version}.dist-info"
        lines = archive.read(f"{folder}/RECORD").decode().split()
        assert {line.partition(",")[0] for line in lines} == set(archive.namelist())
        about = archive.read(f"{folder}/METADATA").decode()
    assert all(f"Requires-Dist: {line}\n" in about for line in agent_wheel.requirements())
    assert {line.partition("==")[0] for line in agent_wheel.requirements()} == set(agent_wheel.NEEDED)


def test_what_a_board_that_learns_imports_is_in_it_and_its_packages_are_an_extra() -> None:
    made = agent_wheel.wheel()
    with zipfile.ZipFile(io.BytesIO(made.body)) as archive:
        about = archive.read(f"edgeportal_agent-{made.version}.dist-info/METADATA").decode()
        wanted = {agent_wheel.source(name).relative_to(ROOT).as_posix() for name in agent_wheel.learning()}
        assert wanted <= set(archive.namelist())
    assert "Provides-Extra: train" in about and re.search(r'^Requires-Dist: torch==\S+; extra == "train"$', about, re.MULTILINE)
    assert "worker.federated.real.device" in set(agent_wheel.learning()) - set(agent_wheel.modules())


@pytest.mark.parametrize("program", PROGRAMS.values())
def test_every_program_that_a_claim_may_ask_for_is_in_it(program: str) -> None:
    assert program in {*agent_wheel.modules(), *agent_wheel.learning()}


def test_it_holds_no_module_that_could_not_be_imported_on_a_board(wheel: Path) -> None:
    names = [name for name in agent_wheel.modules() if not name.endswith("__main__")]
    code = BOARD + f"import importlib\nfor name in {names!r}: importlib.import_module(name)\nprint('{{}}')"
    assert on_a_board(code, wheel) == [{}]


def test_alone_on_a_board_it_lists_its_recipes_and_knows_its_version(wheel: Path) -> None:
    from worker import menu

    (told,) = on_a_board(MENU, wheel)
    assert str(told["from"]).startswith(str(wheel))
    assert told["recipes"] == [name for name, recipe in menu.recipes().items() if recipe.board]
    assert told["version"] == agent_wheel.wheel().version


def test_alone_on_a_board_it_measures_lenet5_from_its_order(wheel: Path, tmp_path: Path) -> None:
    files, facts = prepared(tmp_path / "portal")
    board = tmp_path / "board"
    board.mkdir()
    for path, body in files.items():
        (board / path).write_bytes(body)
    task = {"recipe": RECIPE, "params": VALUES, "order": {"files": list(files), "facts": facts}, "workdir": str(board),
            "attempt": 1, "device": "a board", "file_bytes": 10**8, "memory_bytes": 8 * 10**9}
    said = [line["event"] for line in on_a_board(MEASURE, wheel, json.dumps(task)) if "event" in line]
    assert [event["type"] for event in said][-1] == "finished", said[-1]  # type: ignore[index]
    assert any(event["type"] == "measured" and event["device"] == "a board" for event in said)  # type: ignore[index]


@pytest.mark.django_db
def test_anybody_may_fetch_it_and_knows_by_its_tag_when_it_has_it(client: Client) -> None:
    made = agent_wheel.wheel()
    answer = client.get("/api/agent/wheel")
    assert hashlib.sha256(answer.content).hexdigest() == made.sha256 and answer["ETag"] == f'"{made.sha256}"'
    assert made.name in answer["Content-Disposition"]
    assert client.get("/api/agent/wheel", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.post("/api/agent/wheel").status_code == 405
