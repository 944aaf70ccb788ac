"""The rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quiet import syntax_of

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for folder in ("apps", "edgeportal", "worker") for path in (ROOT / folder).rglob("*.py")
                 if "migrations" not in path.parts)
NAMELESS = {"utils", "helpers", "common", "base", "core", "manager", "services"}
HEAVY = ("torch", "numpy", "onnxruntime", "sklearn", "scipy")


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after this code ran in a fresh interpreter."""
    program = f"{code}\nimport sys, json; print(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_imports_only_go_down() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_web_process_never_imports_torch_or_numpy() -> None:
    code = ("import edgeportal.asgi\nfrom django.urls import get_resolver\nget_resolver().url_patterns\n"
            "from worker import menu\nassert menu.recipes()\n"
            "for recipe in menu.recipes().values(): recipe.params.model_json_schema()")
    assert not loaded_by(code) & set(HEAVY)


def test_a_slots_supervisor_never_imports_torch_or_numpy() -> None:
    code = ("import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'edgeportal.settings'\n"
            "import edgeportal.celery, worker.tasks.working")
    assert not loaded_by(code) & set(HEAVY)


def test_what_answers_questions_is_light_too() -> None:
    code = ("import os; os.environ.update(DJANGO_SETTINGS_MODULE='edgeportal.settings', EDGEPORTAL_WORKER='answers')\n"
            "import edgeportal.celery; edgeportal.celery.app.loader.import_default_modules()\n"
            "import sys; assert 'worker.tasks.answering' in sys.modules and 'apps.devices.models' not in sys.modules")
    assert loaded_by(code) & set(HEAVY) == {"numpy"}


@pytest.mark.parametrize("verb", ["list", "describe pruning.reconvene", "--help"])
def test_the_menu_on_the_command_line_is_light(verb: str) -> None:
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "worker", *verb.split()], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_name_and_says_what_it_is(path: Path) -> None:
    assert path.stem not in NAMELESS and path.parent.name not in NAMELESS
    trivial = path.name in ("__init__.py", "apps.py", "urls.py", "conftest.py")
    assert trivial or ast.get_docstring(syntax_of(path)), "a module opens with one sentence"


FETCHES = re.compile(r"^.*\b[A-Z]\w+\.objects\.\w+.*$", re.MULTILINE)
# A fetch is safe when rights, the visitor's team, or rows already fetched that way stand in it.
SAFE = ("visible_to(", "editable_by(", "reviewable_by(", "administered_by(", "team=team", "user=", "__in=")
PAGES = [path for path in SOURCES if path.name in ("views.py", "new.py", "guide.py", "page.py", "sweep_views.py", "compare.py",
                                                  "downloads.py", "overview.py", "choices.py")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_fetches_only_what_its_visitor_may_see(path: Path) -> None:
    found = [match.group(0).strip() for match in FETCHES.finditer(path.read_text())]
    unsafe = [fetch for fetch in found if not any(word in fetch for word in SAFE)]
    known = [fetch for fetch in unsafe if "Blob.objects.filter(mine)" not in fetch]
    assert not known, f"{known}: use visible_to or editable_by"


def test_no_recipe_imports_torch_at_its_top() -> None:
    for path in (ROOT / "worker" / "recipes").rglob("*.py"):
        body = syntax_of(path).body
        names = {alias.name.partition(".")[0] for node in body if isinstance(node, ast.Import) for alias in node.names}
        names |= {(node.module or "").partition(".")[0] for node in body if isinstance(node, ast.ImportFrom)}
        assert not names & set(HEAVY), path


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
        assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+(\[[\w,]+\])?==[\w.]+", line) for line in lines), name
