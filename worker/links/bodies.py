"""The tensors of a frame as a safetensors body, written and read with NumPy alone: boards have no other library for it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.links.faults import Strange, TooLarge

CODES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4", "I16": "<i2",
         "U16": "<u2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1", "C64": "<c8"}
TYPES = {name: np.dtype(code) for name, code in CODES.items()}
NAMES = {dtype: name for name, dtype in TYPES.items()}
LENGTH_BYTES = 8
MOST_HEADER_BYTES = 1 << 20
METADATA = "__metadata__"


class Place(NamedTuple):
    """Where one tensor lies."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


# Writing

def parts(tensors: Mapping[str, NDArray[Any]]) -> list[memoryview]:
    """The header, then the bytes of each tensor: its own memory where that is contiguous. Nothing where there are no tensors."""
    if not tensors:
        return []
    plain = {name: _plain(name, tensor) for name, tensor in tensors.items()}
    # The widest types first: each then begins at a multiple of its width.
    in_order = sorted(plain, key=lambda name: -plain[name].itemsize)
    header = _header(plain, in_order)
    filled = [plain[name] for name in in_order if plain[name].size]
    return [memoryview(header), *(tensor.reshape(-1).view(np.uint8).data for tensor in filled)]


def _plain(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    """Contiguous and little-endian, the same array where it is so already."""
    array = np.asarray(tensor)
    little = array.dtype if array.dtype in NAMES else array.dtype.newbyteorder("<")
    if little not in NAMES or name == METADATA:
        known = ", ".join(str(dtype) for dtype in TYPES.values())
        raise Strange(f"The tensor {name[:80]!r} is of type {array.dtype}; a frame takes {known}, "
                      f"under any other name than {METADATA}.")
    return np.asarray(array, dtype=little, order="C")


def _header(plain: dict[str, NDArray[Any]], in_order: list[str]) -> bytes:
    at, offsets = 0, {}
    for name in in_order:
        offsets[name] = [at, at + plain[name].nbytes]
        at += plain[name].nbytes
    text = WRITTEN.encode({name: {"dtype": NAMES[tensor.dtype], "shape": tensor.shape, "data_offsets": offsets[name]}
                           for name, tensor in plain.items()}).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    if len(text) > MOST_HEADER_BYTES:
        raise TooLarge(f"The names and shapes of a frame's tensors take {len(text):,} bytes; {MOST_HEADER_BYTES:,} are allowed.")
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


# Reading

def read(body: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The tensors of a body, as views of it where they lie well."""
    if not body.size:
        return {}
    length = int.from_bytes(body[:LENGTH_BYTES].tobytes(), "little")
    data = body[LENGTH_BYTES + min(length, body.size):]
    if body.size < LENGTH_BYTES + length or length > MOST_HEADER_BYTES:
        raise Strange(f"The header of a frame's tensors says {length:,} bytes; the body has {body.size:,}, and at most "
                      f"{MOST_HEADER_BYTES:,} may be its header.")
    places = _places(body[LENGTH_BYTES:LENGTH_BYTES + length].tobytes())
    _without_holes(places, data.size)
    return {place.name: _tensor(place, data[place.begin:place.end]) for place in places}


def _places(text: bytes) -> list[Place]:
    try:
        told = READ.decode(text.decode())
        told.pop(METADATA, None)
        return [_place(name, about) for name, about in told.items()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Strange("The header of a frame's tensors is not that of safetensors.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


WRITTEN, READ = json.JSONEncoder(separators=(",", ":")), json.JSONDecoder(object_pairs_hook=_once)


def _place(name: str, about: dict[str, Any]) -> Place:
    begin, end = about["data_offsets"]
    shape = tuple(about["shape"])
    if not all(type(each) is int and each >= 0 for each in (begin, end, *shape)):
        raise ValueError("sizes are whole numbers")
    dtype = TYPES.get(about["dtype"])
    if dtype is None:
        raise Strange(f"The tensor {name[:80]!r} is of type {about['dtype']!r:.40}; a frame takes {', '.join(TYPES)}.")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise Strange(f"The tensor {name[:80]!r} of {shape!s:.80} has not the bytes that its shape asks for.")
    return Place(name, dtype, shape, begin, end)


def _without_holes(places: list[Place], size: int) -> None:
    at = 0
    for place in sorted(places, key=lambda place: (place.begin, place.end)):
        if place.begin != at:
            raise Strange(f"The tensors of a frame do not lie one behind the other: {place.name[:80]!r} begins at "
                          f"{place.begin:,}.")
        at = place.end
    if at != size:
        raise Strange(f"The tensors of a frame end at {at:,}, its body at {size:,}.")


def _tensor(place: Place, data: NDArray[np.uint8]) -> NDArray[Any]:
    if place.dtype == np.bool_ and data.size and data.max() > 1:
        raise Strange(f"The tensor {place.name[:80]!r} holds other bytes than 0 and 1, and its type is BOOL.")
    try:
        tensor = data.view(place.dtype).reshape(place.shape)
    except (ValueError, OverflowError):
        raise Strange(f"No array has the shape {place.shape!s:.80}, which the tensor {place.name[:80]!r} is said to "
                      "have.") from None
    return tensor if tensor.flags.aligned else tensor.copy()
