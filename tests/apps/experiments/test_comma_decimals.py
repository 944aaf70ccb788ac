"""`0,9` in a field that parts values at commas: at the field, and before anything starts, the decimal's own form is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pydantic import ValidationError

from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from worker import menu
from worker.wording import complaint, point_hint


@pytest.mark.parametrize(("text", "hint"), [
    ("0,9", "write 0.9"), (" -1,25 ", "write -1.25"), ("0.9", ""), ("0, 9", ""), ("0,9,1", ""), ("a,9", ""),
    ("9" * 99 + ",1", ""), (0.9, ""), (None, ""),
])
def test_only_one_number_with_a_comma_in_it_is_a_decimal(text: Any, hint: str) -> None:
    assert point_hint(text) == hint


def test_a_single_value_is_told_so_in_a_terminal_too() -> None:
    params = menu.get("pruning.magnitude").params
    with pytest.raises(ValidationError) as raised:
        params.model_validate({"model": "a", "dataset": "b", "sparsity": "0,9"})
    (error,) = raised.value.errors()
    assert complaint(error, params).endswith("got 0,9; write 0.9")


@pytest.fixture
def given(cast: Cast, client: Client) -> dict[str, Any]:
    client.force_login(cast.alice)
    return network(cast)


def sent(client: Client, given: dict[str, Any], path: str = "", **typed: str) -> str:
    return client.post(f"/experiments/new/pruning.magnitude/{path}", {**given, **typed}).content.decode()


def test_a_value_that_is_refused_is_told_at_its_field_how_it_is_written(client: Client, given: dict[str, Any]) -> None:
    said = sent(client, given, sparsity="0,9")
    assert "got 9; write 0.9" in said and 'value="0,9"' in said


def test_two_values_that_are_taken_are_pointed_out_before_they_run(client: Client, given: dict[str, Any]) -> None:
    assert "0,1 is two values here. For one decimal write 0.1." in sent(client, given, "summary/", learning_rate="0,1")
    assert "is two values here" not in sent(client, given, "summary/", learning_rate="0.1, 0.2")
