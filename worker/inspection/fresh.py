"""A network that no file brings: an architecture of the house with weights drawn by lot."""

from __future__ import annotations

from worker.dnn import architectures
from worker.dnn.effort import affordable
from worker.firstlook import Unfit
from worker.inspection.opening import Opened
from worker.inspection.order import Fresh, Order
from worker.inspection.steps import Step

NOBODY = "Nobody trained it: it is {name} of width {width:g}, its weights drawn by lot with seed {seed}."
TOO_MANY = ("{name} of width {width:g} has {params:,} parameters: with its ONNX file it takes {got:,} bytes, and there is room "
            "for {most:,}.")
WEIGHT_BYTES = 4


def drawn(order: Order, fresh: Fresh, say: Step) -> Opened:
    """The network, untrained. Unfit in one sentence, before anything is drawn, when it cannot be or is too large."""
    say("drawing", order.architecture)
    in_shape, classes = order.in_shape or (3, 32, 32), order.classes or 10
    try:
        outline = architectures.outline(order.architecture, classes, in_shape, fresh.width)
    except ValueError as error:
        raise Unfit(str(error)) from error
    params = affordable(outline, in_shape).params
    got = 2 * WEIGHT_BYTES * params
    if got > fresh.most_bytes:
        raise Unfit(TOO_MANY.format(name=order.architecture, width=fresh.width, params=params, got=got, most=fresh.most_bytes))
    network = architectures.build(order.architecture, classes, in_shape, fresh.width, fresh.seed).eval()
    note = NOBODY.format(name=order.architecture, width=fresh.width, seed=fresh.seed)
    return Opened(network, in_shape, classes, False, order.architecture, [note])
