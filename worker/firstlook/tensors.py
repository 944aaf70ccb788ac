"""The header of a safetensors file, every entry checked, for any bytes at all: cheap, and before any library reads it."""

from __future__ import annotations

import json
import re
from typing import Any

from worker.firstlook.graphs import looks_like_onnx
from worker.firstlook.sentences import Unfit, printable

MOST_HEADER_BYTES = 1_000_000
MOST_TENSORS = 10_000
TENSOR_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")
ITEM_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
              "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}


def is_safetensors(head: bytes, size: int) -> bool:
    """A length and a brace. A length beyond the file still is one, cut off or lying: that is told as such."""
    if len(head) < 9 or head[8:9] != b"{" or head.startswith(b"PK\x03\x04"):
        return False
    # A header whose length begins like an ONNX file would be longer than any that is read.
    return not looks_like_onnx(head)


def is_complete(head: bytes, size: int) -> bool:
    """Whether the whole header is here; Unfit at once when it can never be."""
    length = int.from_bytes(head[:8], "little")
    if length > MOST_HEADER_BYTES:
        raise Unfit(f"The header of this file says that it has {length:,} bytes; at most {MOST_HEADER_BYTES:,} are read.")
    if length > size - 8:
        raise Unfit(f"The file is cut off: its header says it has {length:,} bytes, the whole file has {size:,}.")
    return len(head) >= 8 + length


def header(head: bytes, size: int) -> dict[str, Any]:
    """The header of a safetensors file of `size` bytes, every entry checked; Unfit in one sentence. Cheap for any bytes."""
    if not is_safetensors(head, size):
        raise Unfit("The file is not a safetensors file.")
    if not is_complete(head, size):
        raise Unfit("The file's header is cut off.")
    length = int.from_bytes(head[:8], "little")
    found = _json(head[8:8 + length])
    metadata = found.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise Unfit("The metadata in the file's header are not texts.")
    tensors = {name: entry for name, entry in found.items() if name != "__metadata__"}
    if len(tensors) > MOST_TENSORS:
        raise Unfit(f"The file has {len(tensors):,} tensors; at most {MOST_TENSORS:,} are read.")
    _contiguous(tensors, size - 8 - length)
    return found


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Unfit(str(error) if isinstance(error, Unfit) else "The file's header is not JSON.") from None
    if not isinstance(found, dict):
        raise Unfit("The file's header is not a JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unfit("The file's header names something twice.")
    return found


def _contiguous(tensors: dict[str, Any], room: int) -> None:
    """The tensors' bytes must follow each other and fill the file: no hole, no overlap, nothing behind them."""
    spans = sorted(_span(name, entry) for name, entry in tensors.items())
    end = 0
    for begin, stop, name in spans:
        if begin != end:
            raise Unfit(f"The bytes of the tensor {name} do not follow those of the tensor before it.")
        end = stop
    if end > room:
        raise Unfit(f"The file is cut off: its tensors take {end:,} bytes, it holds {room:,}.")
    if end < room:
        raise Unfit(f"The file has {room - end:,} bytes behind its last tensor; nothing may stand there.")


def _span(name: str, entry: Any) -> tuple[int, int, str]:
    if not TENSOR_NAME.fullmatch(name):
        raise Unfit(f"A tensor is named {printable(name)!r}; names are letters, digits, _ and dots, at most 200.")
    about: dict[str, Any] = entry if isinstance(entry, dict) else {}
    shape, dtype, offsets = _numbers(about.get("shape")), str(about.get("dtype")), _numbers(about.get("data_offsets"))
    if shape is None or offsets is None or dtype not in ITEM_BYTES or len(offsets) != 2 or len(shape) > 8:
        raise Unfit(f"The tensor {name} has no type, shape or place that this portal knows.")
    count = ITEM_BYTES[dtype]
    for side in shape:
        count *= side
    if offsets[1] - offsets[0] != count:
        raise Unfit(f"The tensor {name} should take {count:,} bytes by its shape; its place has {offsets[1] - offsets[0]:,}.")
    return offsets[0], offsets[1], name


def _numbers(found: Any) -> list[int] | None:
    return found if isinstance(found, list) and all(type(n) is int and n >= 0 for n in found) else None
