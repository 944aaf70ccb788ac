"""What a federated recipe says of boards before any is asked, and where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker import menu
from worker.context import Context
from worker.evidence import Evidence
from worker.flags import resolve
from worker.recipes.federated import BANDWIDTH, CHANGED_BANDWIDTH, ON_TOP, TYPED

BOARDS = {"clients": "near; far: 30 %", "where": "boards"}
RECIPES = [name for name in menu.recipes() if name.startswith("federated.")]


@pytest.mark.parametrize("name", RECIPES)
def test_a_terminal_says_that_boards_take_part_only_in_the_portal(name: str, tmp_path: Path) -> None:
    recipe = menu.get(name)
    typed = "; ".join(f"{client}: 1 GMAC/s, 20 Mbit/s, 2 ms" for client in ("pi", "jetson"))
    params = recipe.params.model_validate(recipe.example | {"clients": typed, "where": "boards"})
    with pytest.raises(ValueError, match="Boards take part only in a run of the portal"):
        list(recipe.run(params, Context(tmp_path, inputs=resolve(params))))


@pytest.mark.parametrize("name", RECIPES)
def test_boards_are_the_clients_and_elsewhere_nobody_is_asked(name: str) -> None:
    recipe = menu.get(name)
    assert recipe.board and recipe.board.is_star and recipe.board.needs == ("torch",)
    example = {**recipe.example, "moves": "round 1 at 50 %: near to edge-b"} if "moves" in recipe.example else recipe.example
    assert recipe.board.hosts(recipe.params.model_validate(example | BOARDS)) == ("this computer", "near", "far")
    assert recipe.board.hosts(recipe.params.model_validate(recipe.example)) == ()


def test_of_boards_no_speed_need_be_typed_and_one_that_is_is_told_not_to_count() -> None:
    recipe = menu.get("federated.fedavg")
    untyped = recipe.params.model_validate(recipe.example | BOARDS)
    assert not recipe.lacks(untyped, Evidence()) and TYPED not in untyped.remarks()
    typed = recipe.params.model_validate(recipe.example | BOARDS | {"clients": "near: 1 GMAC/s; far"})
    assert TYPED in typed.remarks()


@pytest.mark.parametrize(("field", "value"), [("changes", "round 2: near 5 Mbit/s"), ("bandwidth_now", "near 5 Mbit/s")])
def test_a_bandwidth_changed_of_boards_is_told_to_be_emulated_on_top_of_their_links(field: str, value: str) -> None:
    recipe = menu.get("federated.fedavg")
    asked = recipe.example | BOARDS | {field: value}
    assert recipe.board and not recipe.board.refuse(recipe.params.model_validate(asked))
    assert ON_TOP in recipe.params.model_validate(asked).remarks()
    assert ON_TOP not in recipe.params.model_validate(recipe.example | BOARDS).remarks()


def test_a_chart_of_bandwidths_says_that_those_of_boards_are_emulated() -> None:
    recipe = menu.get("federated.fedavg")
    assert recipe.titled(BANDWIDTH, BOARDS) == CHANGED_BANDWIDTH and "emulated" in CHANGED_BANDWIDTH
    assert recipe.titled(BANDWIDTH, {"where": "processes"}) == BANDWIDTH.title
