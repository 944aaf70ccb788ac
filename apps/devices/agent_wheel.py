"""The agent as a wheel, made of this very checkout's modules: what a board needs, and besides what boards that learn need.

Which modules these are follows from their imports, read and not run: nothing that a board does without torch imports one that
needs it. The same checkout gives the same bytes.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from worker import menu

AGENT = "worker.agent"
# What the agent starts as a program of its own, and what a board's owner may.
BESIDE = ("worker.partitioning.slicing.host", "worker.profiling.cold", "worker.profiling.yardstick", "worker.switching.host",
          "worker.updating.__main__")
NEEDED = ("numpy", "onnxruntime", "pydantic")
# The program of a board that takes part in federated learning, and what it needs besides: the wheel's extra `train`.
LEARNS, TRAIN, TRAINS_WITH = "worker.federated.real.on_board", "train", ("torch", "safetensors")
# What comes with those packages; anything else beside Python's own library is not on a board.
THERE = {*NEEDED, "pydantic_core", "annotated_types", "typing_extensions"}
MADE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Wheel:
    """The file that boards download. `version` changes with any byte of it."""

    version: str
    body: bytes

    @property
    def name(self) -> str:
        return f"edgeportal_agent-{self.version}-py3-none-any.whl"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@cache
def wheel() -> Wheel:
    """Made when it is asked for the first time."""
    files = {_place(name): source(name).read_bytes() for name in {*modules(), *learning()}}
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + body for name, body in sorted(files.items()))).hexdigest()
    version = f"{speaks()}+{digest[:8]}"
    return Wheel(version, _zipped(files | _about(version, files)))


def requirements(packages: Collection[str] = NEEDED) -> list[str]:
    """What a board installs beside the wheel, pinned as the portal's own."""
    lines = (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] in packages]


@cache
def speaks() -> str:
    """The version of what agents and this portal say to each other."""
    found = re.search(r'^SPEAKS = "([^"]+)"$', source(f"{AGENT}.version").read_text(), re.MULTILINE)
    assert found
    return found.group(1)


# Which modules

def modules() -> list[str]:
    """The agent, the recipes that have a half for boards, and whatever these can import there."""
    return _all_of([*_inside(AGENT), *BESIDE] + [recipe.run.__module__ for recipe in menu.recipes().values() if recipe.board])


def learning() -> list[str]:
    """What a board that learns imports, which has torch."""
    return _all_of([LEARNS], TRAINS_WITH)


def _all_of(wanted: list[str], besides: tuple[str, ...] = ()) -> list[str]:
    """These, and what they can import where there are such packages besides."""
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in found or not _runs_on_a_board(name, besides):
            continue
        found.add(name)
        wanted += [*_parents(name), *_imports(name).at_once, *_imports(name).later]
    return sorted(found)


@dataclass(frozen=True)
class Imports:
    """Modules of the workshop that a module imports as it is loaded, and those that it imports when something is done."""

    at_once: frozenset[str]
    later: frozenset[str]
    foreign: frozenset[str]


@cache
def _runs_on_a_board(name: str, besides: tuple[str, ...] = ()) -> bool:
    return all(one.partition(".")[0] in besides for loaded in _loaded_with(name) for one in _imports(loaded).foreign)


@cache
def _loaded_with(name: str) -> frozenset[str]:
    """The module, its packages, and all that are loaded as it is loaded."""
    found: set[str] = set()
    wanted = [name]
    while wanted:
        one = wanted.pop()
        if one not in found:
            found.add(one)
            wanted += [*_parents(one), *_imports(one).at_once]
    return frozenset(found)


@cache
def _imports(name: str) -> Imports:
    tree = ast.parse(source(name).read_bytes())
    at_once = set(_named(name, _statements(tree.body)))
    every = set(_named(name, (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))))
    foreign = {one for one in at_once if not one.startswith("worker") and not _is_there(one)}
    later = {one for one in every - at_once if one.startswith("worker")}
    return Imports(frozenset(one for one in at_once if one.startswith("worker")), frozenset(later), frozenset(foreign))


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that happen as the module is loaded: none of functions, none that only a type checker sees."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try | ast.With | ast.ClassDef):
            yield from _statements(node.body)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _statements([*node.body, *node.orelse])


def _named(importer: str, nodes: Iterable[ast.Import | ast.ImportFrom]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            continue
        assert node.module and not node.level, f"{importer} imports relative to itself"
        yield node.module
        inside = (f"{node.module}.{alias.name}" for alias in node.names)
        yield from (one for one in inside if one.startswith("worker.") and source(one).exists())


def _is_there(name: str) -> bool:
    top = name.partition(".")[0]
    return top in THERE or top in sys.stdlib_module_names


def _inside(package: str) -> list[str]:
    folder = source(package).parent
    return [package, *(f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if path.stem != "__init__")]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def source(name: str) -> Path:
    """The file of a module of the workshop, whether or not there is such."""
    path = Path(settings.BASE_DIR, *name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _place(name: str) -> str:
    return source(name).relative_to(settings.BASE_DIR).as_posix()


# The file

def _about(version: str, files: dict[str, bytes]) -> dict[str, bytes]:
    folder = f"edgeportal_agent-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requirements()) + f"Provides-Extra: {TRAIN}\n"
    needs += "".join(f'Requires-Dist: {line}; extra == "{TRAIN}"\n' for line in requirements(TRAINS_WITH))
    about = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: edgeportal-agent\nVersion: {version}\n"
                              f"Summary: Joins a board to an EdgePortal\nRequires-Python: >=3.11\n{needs}".encode(),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nGenerator: edgeportal\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{name},sha256={_record(body)},{len(body)}" for name, body in sorted((files | about).items())]
    return about | {f"{folder}/RECORD": "\n".join([*lines, f"{folder}/RECORD,,", ""]).encode()}


def _record(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def _zipped(files: dict[str, bytes]) -> bytes:
    """Stored, not deflated: other builds of zlib would give other bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, body in sorted(files.items()):
            entry = zipfile.ZipInfo(name, MADE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, body)
    return out.getvalue()
