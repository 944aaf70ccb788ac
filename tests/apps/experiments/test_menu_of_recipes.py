"""The menu of recipes: what makes networks smaller stands apart from what makes them sparse."""

from __future__ import annotations

from django.test import Client

from tests.apps.cast import Cast


def test_ways_of_pruning_are_grouped_by_what_they_make(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    said = client.get("/experiments/new/").content.decode()
    smaller, sparse = said.index("Really smaller: whole channels go"), said.index("Sparse: single weights become zero")
    assert smaller < said.index("/experiments/new/pruning.reconvene/") < sparse < said.index("/experiments/new/pruning.snip/")


def test_the_menu_beside_a_form_marks_them(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    said = client.get("/experiments/new/pruning.snip/").content.decode()
    assert 'SNIP <small class="made">sparse</small>' in said and 'Reconvene <small class="made">smaller</small>' in said
