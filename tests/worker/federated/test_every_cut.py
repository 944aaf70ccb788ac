"""At every cut that is offered, of every architecture, split training ends with the bits of training in one place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.worker.federated.test_split_training import learnt
from worker.architectures import least_side, names
from worker.datasets import Data, Part
from worker.dnn import architectures
from worker.dnn.describe import describe
from worker.federated.learning import Learner, Pace, Share
from worker.federated.places import Place, places
from worker.federated.sides import Terms
from worker.federated.states import State, same, state_of
from worker.planning.cutting import learning

# A step at each cut, and three where these cost little. Images are as small as each network takes.
BATCH, CLASSES, STEPS = 4, 10, {"lenet5": 3, "vgg5": 3, "vgg11": 3, "alexnet": 3, "resnet20": 3}
TERMS, PACE = Terms(rate=0.05, momentum=0.9, weight_decay=5e-4), Pace(epochs=1, batch=BATCH, seed=3)
WIDTH = 0.25
WHOLE = Place("", 1.0, 0, 0, 0)


def drawn(shape: tuple[int, ...], images: int) -> Data:
    draw = torch.Generator().manual_seed(1)
    part = Part(torch.randint(0, 256, (images, *shape), dtype=torch.uint8, generator=draw),
                torch.randint(0, CLASSES, (images,), generator=draw))
    return Data("drawn", shape, CLASSES, tuple(map(str, range(CLASSES))), (0.5,) * shape[0], (0.25,) * shape[0], "",
                {"train": part})


@pytest.mark.parametrize("name", names())
def test_split_training_has_the_bits_of_training_in_one_place(name: str) -> None:
    shape, images = (3, least_side(name), least_side(name)), BATCH * STEPS.get(name, 1)
    network = architectures.build(name, CLASSES, shape, width=WIDTH, seed=5)
    course, before, offered = Learner(network, drawn(shape, images), PACE), state_of(network), learning(describe(network, shape))

    def after(cut: Place) -> State:
        return learnt(course.learn(Share("pi", np.arange(images)), 1, cut, TERMS, before)).state

    whole = after(WHOLE)
    weights = [each for each, _ in network.named_parameters()]
    still = [each for each in weights if torch.equal(whole[each], before[each])]
    assert len(still) < len(weights) / 10, "of weights that learn nothing nothing is shown"
    assert len(offered) > 10 and {each.after for each in places(network, shape)} <= {*offered, ""}
    differ = [cut for cut in offered if not same(after(Place(cut, 0.5, 0, 0, 0)), whole)]
    assert not differ
