"""Where a network may be trained in two parts: where it may be cut, and both sides have something to learn."""

from __future__ import annotations

import pytest

from worker.planning import cutting
from worker.structure import Input, Layer, Structure


def layer(name: str, read: str, params: int) -> Layer:
    return Layer(name=name, op="Conv2d", params=params, macs=1, activation_bytes=4, living_bytes=0, out_shape=(4,),
                 inputs=(read,))


LAYERS = (layer("norm", "x", 0), layer("conv", "norm", 8), layer("relu", "conv", 0), layer("fc", "relu", 8),
          layer("pool", "fc", 0), layer("flat", "pool", 0))
NET = Structure(in_shape=(4,), out_shape=(4,), params=16, macs=6, activation_bytes=24, input=Input(name="x"), answer="flat",
                layers=LAYERS, cuts=())


def test_cuts_with_weights_on_both_sides_are_those_that_can_be_trained() -> None:
    assert [cut.after for cut in cutting.places(NET)] == ["norm", "conv", "relu", "fc", "pool"]
    assert cutting.learning(NET) == ["conv", "relu"]


def test_of_the_others_it_is_known_on_which_side_there_is_nothing_to_learn() -> None:
    assert cutting.unlearning(NET) == {"norm": "before", "fc": "behind", "pool": "behind"}


@pytest.mark.parametrize(("after", "said"), [
    ("conv", ""), ("relu", ""),
    ("norm", "a cut behind norm leaves one side without weights to learn; it can be cut behind conv, 2 places in all"),
    ("pool", "a cut behind pool leaves one side without weights to learn; it can be cut behind relu, 2 places in all"),
    ("flat", "behind flat the network ends; it can be cut behind pool, 5 places in all")])
def test_others_are_refused_with_the_reason_and_what_is_near(after: str, said: str) -> None:
    assert cutting.unlearnt(NET, after) == said
