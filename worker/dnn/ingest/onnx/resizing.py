"""Images made larger or smaller, where torch computes the same places as the file asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from worker.dnn.ingest.onnx.sheet import Sheet, wish
from worker.dnn.ingest.onnx.values import Array, Call, Flow, Known

_MODES = {("linear", 1): "linear", ("linear", 2): "bilinear", ("bilinear", 2): "bilinear", ("cubic", 2): "bicubic"}


def resize(sheet: Sheet, call: Call) -> Flow:
    """Upsample, and Resize of every opset: by factors or to sizes."""
    flow, axes = call.flow(), len(call.flow().shape) - 1
    factors, sizes = _wished(sheet, call, axes)
    sides = flow.shape[1:]
    after = tuple(sizes) if sizes else tuple(math.floor(side * factor) for side, factor in zip(sides, factors, strict=True))
    if after == sides and (sizes or all(factor == 1 for factor in factors)):
        return flow
    scales = [other / side for side, other in zip(sides, after, strict=True)] if sizes else factors
    if call.get("antialias") or call.get("exclude_outside") or call.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise call.refuse("resizes images in a way that torch has no layer for")
    given: dict[str, Any] = {"size": _plain(after)} if sizes else {"scale_factor": _plain(scales)}
    return sheet.layer(flow, _layer(call, given, sides, after, scales), wish(call))


def _plain(numbers: Any) -> Any:
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _wished(sheet: Sheet, call: Call, axes: int) -> tuple[list[float], list[int]]:
    """Factors or sizes of the image's axes; the channels must stay as they are."""
    at = 2 if _speaks_of_ways(call) else 1
    factors, sizes = _numbers(call, "scales", at), _numbers(call, "sizes", 3) if at == 2 else []
    if "height_scale" in call.attributes:
        factors = [1.0, 1.0, call.get("height_scale"), call.get("width_scale", 1.0)]
    found, rank, named = factors or sizes, axes + 2, call.get("axes")
    over = call.axes(named, rank) if named else list(range(rank))
    if axes not in (1, 2) or len(found) != len(over):
        raise call.refuse("does not say the image's new size in fixed numbers for each axis")
    before = [1.0] * rank if factors else [sheet.batches[0], *call.flow().shape]
    after: list[Any] = [*before]
    for axis, number in zip(over, found, strict=True):
        after[axis] = number
    if after[:2] != before[:2] or min(after) <= 0:
        raise call.refuse("resizes the channels or the batch, or leaves no image")
    return ([float(number) for number in after[2:]], []) if factors else ([], [int(number) for number in after[2:]])


def _numbers(call: Call, name: str, place: int) -> list[Any]:
    """An attribute or an input; sizes may tell the batch, which is looked at for one of its sizes."""
    if name in call.attributes:
        return list(call.attributes[name])
    value = call.inputs[place] if call.has(place) else None
    if value is not None and not isinstance(value, Known):
        raise call.refuse("computes the image's new size from the images")
    if value is not None and not np.array_equal(value.one[1:], value.two[1:]):
        raise call.mixed("resizes images by how many there are")
    return [] if value is None else list(value.one.tolist())


def _layer(call: Call, given: dict[str, Any], sides: Any, after: Any, scales: list[float]) -> nn.Module:
    mode, axes = str(call.get("mode", "nearest")), len(sides)
    way = str(call.get("coordinate_transformation_mode", "half_pixel")) if _speaks_of_ways(call) else "asymmetric"
    if mode == "nearest":
        return _nearest(call, given, way, list(zip(sides, after, scales, strict=True)))
    if (mode, axes) not in _MODES or (mode == "cubic" and call.get("cubic_coeff_a", -0.75) != -0.75):
        raise call.refuse(f"resizes images in a way ({mode}) that torch has no layer for")
    if way == "pytorch_half_pixel" and 1 not in after:
        way = "half_pixel"
    if way not in ("half_pixel", "align_corners"):
        raise call.refuse(f"places pixels ({mode}, {way}) as no layer of torch does")
    return nn.Upsample(**given, mode=_MODES[mode, axes], align_corners=way == "align_corners")


def _speaks_of_ways(call: Call) -> bool:
    return call.op == "Resize" and call.opset >= 11


def _nearest(call: Call, given: dict[str, Any], way: str, axes: list[tuple[int, int, float]]) -> nn.Module:
    """torch has one way of choosing the nearest pixel; another is taken where it chooses the same ones."""
    rounding = str(call.get("nearest_mode", "round_prefer_floor")) if _speaks_of_ways(call) else "floor"
    for place, (side, after, scale) in enumerate(axes):
        one = given.get("scale_factor"), given.get("size")
        factor, size = (each[place] if isinstance(each, tuple) else each for each in one)
        layer = nn.Upsample(size=size, scale_factor=factor)
        ours = layer(torch.arange(side, dtype=torch.float32).view(1, 1, -1)).view(-1).numpy()
        theirs = _chosen(call, way, rounding, side, after, scale)
        if ours.shape != theirs.shape or (ours != theirs).any():
            raise call.refuse(f"chooses pixels (nearest, {way}, {rounding}) as no layer of torch does at this size")
    return nn.Upsample(**given)


def _chosen(call: Call, way: str, rounding: str, side: int, after: int, scale: float) -> Array:
    """Which pixel each new pixel is taken from."""
    new = np.arange(after, dtype=np.float32)
    places: dict[str, Callable[[], Array]] = {
        "half_pixel": lambda: (new + 0.5) / np.float32(scale) - 0.5,
        "pytorch_half_pixel": lambda: (new + 0.5) / np.float32(scale) - 0.5 if after > 1 else new * 0,
        "asymmetric": lambda: new / np.float32(scale),
        "align_corners": lambda: new * np.float32((side - 1) / (after - 1)) if after > 1 else new * 0,
        "tf_half_pixel_for_nn": lambda: (new + 0.5) / np.float32(scale),
        "half_pixel_symmetric": lambda: _symmetric(new, side, after, scale),
    }
    roundings: dict[str, Callable[[Array], Array]] = {
        "round_prefer_floor": lambda found: np.ceil(found - 0.5), "round_prefer_ceil": lambda found: np.floor(found + 0.5),
        "floor": np.floor, "ceil": np.ceil,
    }
    if way not in places or rounding not in roundings:
        raise call.refuse(f"chooses pixels in a way ({way}, {rounding}) that is not known here")
    return np.asarray(np.clip(roundings[rounding](places[way]()), 0, side - 1), dtype=np.float32)


def _symmetric(new: Array, side: int, after: int, scale: float) -> Array:
    adjusted = after / (side * scale)
    return side / 2 * (1 - adjusted) + (new + 0.5) / np.float32(scale) - 0.5


RESIZING = {"Resize": resize, "Upsample": resize}
