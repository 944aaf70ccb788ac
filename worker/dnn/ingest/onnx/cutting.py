"""Results cut, split, gathered, joined, padded, spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.arranging import shares
from worker.dnn.ingest.onnx.moving import beside_batch, reshaped
from worker.dnn.ingest.onnx.sheet import Sheet, wish
from worker.dnn.ingest.onnx.values import Call, Flow, Known

MOST_PIECES = 64
_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}


def cut(sheet: Sheet, flow: Flow, axis: int, start: int, stop: int, step: int, name: str) -> Flow:
    """Places `start` to `stop` of one axis; the same result when that is all of it."""
    side = flow.shape[axis - 1]
    if (start, stop, step) == (0, side, 1):
        return flow
    return sheet.layer(flow, layers.Slice(axis, start, None if stop >= side else stop, step), name)


def slice_(sheet: Sheet, call: Call) -> Flow:
    flow = call.flow()
    starts, ends, axes = call.ints("starts", 1) or [], call.ints("ends", 2) or [], call.ints("axes", 3)
    axes = list(range(len(starts))) if axes is None else call.axes(axes, len(flow.shape) + 1)
    steps = (call.ints("steps", 4) if call.has(4) else None) or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        side = flow.shape[axis - 1] if axis else max(sheet.batches)
        places = range(*slice(start, end, step).indices(side)) if step > 0 else range(0)
        if axis == 0:
            _whole_batch(call, places, side, end)
        elif step < 1:
            raise call.refuse("reads an axis backwards, which is not known here")
        else:
            flow = cut(sheet, flow, axis, places.start, places.stop, step, wish(call))
    return flow


def _whole_batch(call: Call, places: range, side: int, end: int) -> None:
    if (places.start, places.step) != (0, 1) or places.stop < side or end < 0:
        raise call.mixed("takes single samples out of a batch")


def split(sheet: Sheet, call: Call) -> list[Flow | None]:
    """One Slice for each part that anybody reads."""
    flow = call.flow()
    axis = call.axis(int(call.get("axis", 0)), len(flow.shape) + 1)
    if axis == 0:
        raise call.mixed()
    side = flow.shape[axis - 1]
    sizes = call.ints("split", 1) or shares(side, int(call.get("num_outputs", len(call.outputs))))
    if sum(sizes) != side or len(sizes) != len(call.outputs) or min(sizes) < 1:
        raise call.refuse(f"splits {side} places into parts that do not add up")
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    return [cut(sheet, flow, axis, end - size, end, 1, f"{wish(call)}.{place}") if output else None
            for place, (size, end, output) in enumerate(zip(sizes, ends, call.outputs, strict=True))]


def gather(sheet: Sheet, call: Call) -> Flow:
    """Fixed places of one axis, as slices joined."""
    flow, places = call.flow(), call.array(1)
    axis = call.axis(int(call.get("axis", 0)), len(flow.shape) + 1)
    if axis == 0:
        raise call.mixed("takes single samples out of a batch")
    if places.ndim > 1:
        raise call.refuse("gathers places in a table; a list is read")
    side, name = flow.shape[axis - 1], wish(call)
    wanted = [int(place) + side * (int(place) < 0) for place in places.reshape(-1)]
    if not wanted or not all(0 <= place < side for place in wanted):
        raise call.refuse(f"gathers places beyond the {side} that there are")
    runs = _runs(wanted)
    if len(runs) > MOST_PIECES:
        raise call.refuse(f"gathers {len(runs)} scattered places; at most {MOST_PIECES} are read")
    pieces = [cut(sheet, flow, axis, run.start, run.stop, run.step, name) for run in runs]
    found = pieces[0] if len(pieces) == 1 else sheet.function("cat", pieces, name, dim=axis)
    if places.ndim == 0:
        return reshaped(sheet, found, (*flow.shape[: axis - 1], *flow.shape[axis:]), f"{name}_only")
    return found


def _runs(places: list[int]) -> list[range]:
    """The places as few rising runs with the same step."""
    runs, current = list[range](), [places[0]]
    for place in places[1:]:
        step = current[1] - current[0] if len(current) > 1 else place - current[0]
        if step > 0 and place - current[-1] == step:
            current.append(place)
        else:
            runs.append(_run(current))
            current = [place]
    return [*runs, _run(current)]


def _run(places: list[int]) -> range:
    return range(places[0], places[-1] + 1, places[1] - places[0] if len(places) > 1 else 1)


def concat(sheet: Sheet, call: Call) -> Flow:
    flows = [value for value in call.inputs if isinstance(value, Flow)]
    rank = len(flows[0].shape) + 1
    axis = call.axis(int(call.get("axis", 1)), rank)
    if axis == 0:
        raise call.mixed()
    if len(flows) < len(call.inputs):
        return _with_numbers(sheet, call, flows, axis)
    return flows[0] if len(flows) == 1 else sheet.function("cat", flows, wish(call), dim=axis)


def _with_numbers(sheet: Sheet, call: Call, flows: list[Flow], axis: int) -> Flow:
    """Fixed numbers that are all the same, joined in front or behind, are a padding."""
    places = [place for place, value in enumerate(call.inputs) if isinstance(value, Flow)]
    if places != list(range(places[0], places[0] + len(places))):
        raise call.refuse("joins fixed numbers in between results")
    found = flows[0] if len(flows) == 1 else sheet.function("cat", flows, wish(call), dim=axis)
    for place, value in enumerate(call.inputs):
        if not isinstance(value, Known):
            continue
        array = value.one
        if array.ndim != len(found.shape) + 1 or not array.size or (array != array.flat[0]).any():
            raise call.refuse("joins fixed numbers that are not all the same")
        ends = [0] * len(found.shape), [0] * len(found.shape)
        ends[place > places[0]][axis - 1] = array.shape[axis]
        layer = layers.Pad(tuple(ends[0]), tuple(ends[1]), "constant", float(array.flat[0]))
        found = sheet.layer(found, layer, wish(call))
    return found


def pad(sheet: Sheet, call: Call) -> Flow:
    """Negative pads cut."""
    flow, rank = call.flow(), len(call.flow().shape) + 1
    mode = call.get("mode", "constant")
    if mode not in _MODES:
        raise call.refuse(f"pads in a way ({mode}) that is not known here")
    pads = call.ints("pads", 1) or call.get("paddings") or []
    axes = call.axes(call.ints("axes", 3) or [], rank) if call.has(3) else list(range(rank))
    if len(pads) != 2 * len(axes):
        raise call.refuse("has not two pads for each axis")
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    if before[0] or after[0]:
        raise call.mixed("adds samples to a batch")
    for axis in range(1, rank):
        start, stop = max(0, -before[axis]), flow.shape[axis - 1] + min(0, after[axis])
        flow = cut(sheet, flow, axis, start, stop, 1, f"{wish(call)}_cut")
    return _padded(sheet, call, flow, [max(0, side) for side in before[1:]], [max(0, side) for side in after[1:]], mode)


def _padded(sheet: Sheet, call: Call, flow: Flow, before: list[int], after: list[int], mode: str) -> Flow:
    if not any((*before, *after)):
        return flow
    value = float(np.clip(call.number("value", 2, 0.0), -3.4028234663852886e38, 3.4028234663852886e38))
    return sheet.layer(flow, layers.Pad(tuple(before), tuple(after), _MODES[mode], value), wish(call))


def expand(sheet: Sheet, call: Call) -> Flow:
    """Nothing to do, or an image of one place made as large as wished."""
    flow, wished = call.flow(), _wished(sheet, call)
    if wished == flow.shape:
        return flow
    axes = [place for place, (one, other) in enumerate(zip(flow.shape, wished, strict=True)) if one != other]
    if len(wished) in (2, 3) and min(axes) > 0 and all(flow.shape[axis] == 1 for axis in range(1, len(wished))):
        return sheet.layer(flow, nn.Upsample(size=wished[1:] if len(wished) == 3 else wished[1]), wish(call))
    return repeated(sheet, call, flow, [other // one for one, other in zip(flow.shape, wished, strict=True)])


def _wished(sheet: Sheet, call: Call) -> tuple[int, ...]:
    flow, target = call.flow(), call.inputs[1]
    if not isinstance(target, Known):
        raise call.refuse("takes a shape that is computed from the images")
    found = [np.broadcast_shapes((size, *flow.shape), tuple(int(side) for side in sides))
             for size, sides in zip(sheet.batches, (target.one, target.two), strict=True)]
    if len(found[0]) != len(flow.shape) + 1:
        raise call.mixed("spreads a sample over the batch")
    return beside_batch(sheet, call, *found)


def repeated(sheet: Sheet, call: Call, flow: Flow, times: Sequence[int]) -> Flow:
    for axis, count in enumerate(times, 1):
        if count > MOST_PIECES:
            raise call.refuse(f"repeats a result {count} times; at most {MOST_PIECES} are read")
        if count > 1:
            flow = sheet.function("cat", [flow] * count, wish(call), dim=axis)
    return flow


def tile(sheet: Sheet, call: Call) -> Flow:
    times = [int(number) for number in call.array(1).reshape(-1)]
    if len(times) != len(call.flow().shape) + 1 or min(times) < 1:
        raise call.refuse("repeats other axes than there are")
    if times[0] != 1:
        raise call.mixed("repeats the samples of a batch")
    return repeated(sheet, call, call.flow(), times[1:])


CUTTING = {
    "Slice": slice_, "Split": split, "Gather": gather, "Concat": concat, "Pad": pad, "Expand": expand, "Tile": tile,
}
