"""What to cite: a BibTeX file that parses, each paper once, from every page, of one's own team only."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from django.test import Client

from apps.experiments import actions
from apps.experiments.studies import Own
from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from worker import menu
from worker.recipe import Recipe

ENTRY = re.compile(r"^@misc\{([\w:-]+),\n((?:  \w+ = \{.*\},?\n)+)\}$", re.M)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def entries(text: str) -> dict[str, dict[str, str]]:
    """Key to fields; everything that stands in the text is one of these entries."""
    found = {key: dict(re.findall(r"^  (\w+) = \{(.*)\},?$", body, re.M)) for key, body in ENTRY.findall(text)}
    assert ENTRY.sub("", text).strip() == "" and text.count("@") == len(found)
    assert text.count("{") == text.count("}") and all(value.count("{") == value.count("}") for each in found.values()
                                                      for value in each.values())
    return found


def bib(client: Client, address: str) -> dict[str, dict[str, str]]:
    answer: Any = client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/x-bibtex"), address
    assert answer["Content-Disposition"].endswith('.bib"')
    return entries(answer.content.decode())


def test_every_recipe_names_papers_that_parse_and_whose_facts_its_docstring_says(alice: Client) -> None:
    keys: dict[str, Any] = {}
    for recipe in menu.recipes().values():
        said = bib(alice, f"/docs/{recipe.name}/papers.bib") if recipe.papers else {}
        assert list(said) == [paper.key for paper in recipe.papers], recipe.name
        for paper in recipe.papers:
            assert keys.setdefault(paper.key, paper) == paper, f"{paper.key} names two papers"
            about = _about(recipe)
            assert str(paper.year) in about and paper.arxiv in about, (recipe.name, paper.key)
            assert all(author.partition(",")[0] in about for author in paper.authors), (recipe.name, paper.key)
            assert any(paper.title in _about(other) for other in menu.recipes().values()), (recipe.name, paper.key)
    assert len(keys) > 9


def _about(recipe: Recipe) -> str:
    return " ".join((sys.modules[recipe.run.__module__].__doc__ or "").split())


def test_every_recipe_that_names_an_arxiv_paper_in_its_docstring_declares_it() -> None:
    for recipe in menu.recipes().values():
        told = set(re.findall(r"arXiv (\d{4}\.\d{5})", _about(recipe)))
        assert told <= {paper.arxiv for paper in recipe.papers}, recipe.name


def test_an_experiment_of_several_recipes_cites_each_paper_once(cast: Cast, alice: Client) -> None:
    made = actions.launch_sweep(cast.alice, cast.team, "pruning.magnitude", network(cast),
                                compare_with={"pruning.random": Own(), "pruning.reconvene": Own()})
    whole = bib(alice, f"/experiments/{made.pk}/papers.bib")
    first, second, third = made.runs.order_by("number")
    assert [list(bib(alice, f"/runs/{run.pk}/papers.bib")) for run in (first, second, third)] == [[key] for key in whole]
    assert len(whole) == 3
    two = bib(alice, f"/compare/papers.bib?run={first.pk}&run={third.pk}")
    assert list(two) == [key for key in whole if key != list(whole)[1]]
    for address in (f"/experiments/{made.pk}/", f"/runs/{first.pk}/", f"/compare/?run={first.pk}&run={third.pk}",
                    "/docs/pruning.reconvene/"):
        assert "BibTeX</a>" in alice.get(address).content.decode(), address


def test_a_recipe_without_a_paper_says_so(alice: Client) -> None:
    answer = alice.get("/docs/benchmarking.accuracy/papers.bib")
    assert answer.content.decode() == "% These recipes name no paper.\n"


def test_strangers_and_nobody_get_none(cast: Cast, client: Client) -> None:
    made = actions.launch_sweep(cast.alice, cast.team, "pruning.magnitude", network(cast))
    client.force_login(cast.mallory)
    run = made.runs.get()
    for address in (f"/experiments/{made.pk}/papers.bib", f"/runs/{run.pk}/papers.bib", f"/compare/papers.bib?run={run.pk}",
                    "/docs/nonsense/papers.bib", "/compare/papers.bib"):
        assert client.get(address).status_code == 404, address
