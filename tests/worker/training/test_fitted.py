"""What training needs, kept as JSON, answers every budget as a fresh rehearsal would."""

from __future__ import annotations

import json

import pytest
import torch

from worker import budgets
from worker.dnn import architectures
from worker.training.fitted import BACKPROP, CHECKPOINTING, LOCAL, NEUROFLUX, Needs, answer
from worker.training.fitting import fits, rehearsed
from worker.training.local.plan import Budget
from worker.training.settings import Settings

SHAPE = (1, 8, 8)
NETWORK = architectures.outline("lenet5", 10, SHAPE)


@pytest.fixture(scope="module")
def needs() -> Needs:
    torch.set_num_threads(1)
    return rehearsed(NETWORK, SHAPE, Settings(1), "half")


@pytest.mark.parametrize("size", [100_000, 700_000, 3_000_000, 20_000_000])
def test_kept_needs_answer_as_a_fresh_rehearsal_does(needs: Needs, size: int) -> None:
    kept = json.loads(json.dumps(needs.as_json(), sort_keys=True))
    told = answer(kept, size).model_dump(mode="json")["methods"]
    assert list(told) == [BACKPROP, CHECKPOINTING, LOCAL, NEUROFLUX]
    assert told == {fit.method: fit.as_json() for fit in fits(NETWORK, SHAPE, Budget(size), Settings(1), "half")}


def test_a_budget_of_exactly_what_one_sample_needs_has_room_for_it(needs: Needs) -> None:
    for method, found in answer(needs.as_json(), 1000).methods.items():
        assert not found.fits and found.needed_bytes is not None
        assert answer(needs.as_json(), found.needed_bytes).methods[method].fits
        assert not answer(needs.as_json(), found.needed_bytes - 1).methods[method].fits


def test_needs_of_another_version_are_not_answered_from(needs: Needs) -> None:
    with pytest.raises(ValueError, match=f"this is {budgets.VERSION}"):
        answer(needs.as_json() | {"version": budgets.VERSION + 1}, 1000)
