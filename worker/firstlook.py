"""What a file is, by its first bytes: a wrong one is told in one sentence before the rest of it is sent. No torch here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

MOST_HEADER_BYTES = 1_000_000
MOST_TENSORS = 10_000
TENSOR_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")
NETWORK, DATASET = "edgeportal.network", "edgeportal.dataset"
CONVERT = "torch.save(model.state_dict(), 'weights.pt')"
LEGACY_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
ITEM_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
              "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}

PROGRAM = (f"It is a program, not data, and is never opened here; save its weights alone with {CONVERT} "
           "and choose its architecture.")
TORCHSCRIPT = f"This is TorchScript. {PROGRAM}"
PT2 = f"This is a .pt2 file of torch.export. {PROGRAM}"
PICKLE = f"This is a pickled Python object. {PROGRAM}"
WEB_PAGE = "This is a web page, not a {thing}: the download probably asked for a sign-in or the address was wrong."
LFS = "This is a git-lfs pointer, not the {thing}: fetch the file itself with git lfs pull."
ONNX = "This is an ONNX file; ONNX files are taken in a later version: send the weights as safetensors or as a state_dict."
ARRAYS = "These are NumPy arrays: a data set. Drop it on the Data page."
ONE_ARRAY = "This is one NumPy array; a data set needs images and labels together: np.savez('data.npz', images=..., labels=...)."
WEIGHTS = "This is a file of a network, not a data set. Drop it on the Models page."
NO_MODEL = "This is neither a safetensors file nor a state_dict of torch."
NO_DATASET = "This is neither an .npz file nor a data set that EdgePortal wrote."
NO_DESCRIPTION = "The file holds tensors but no description of a data set: only EdgePortal's own have one. Send an .npz."

# Files that people take for something else, by how they begin: (where, bytes, what to call them).
STRANGERS = (
    (0, b"\x89HDF", "an HDF5 (Keras) file"), (4, b"TFL3", "a TensorFlow Lite file"), (0, b"GGUF", "a GGUF file"),
    (0, b"\x1f\x8b", "a gzip archive"), (0, b"7z\xbc\xaf", "a 7z archive"), (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"), (0, b"%PDF", "a PDF"), (0, b"\x89PNG", "a picture"), (0, b"\xff\xd8\xff", "a picture"),
    (0, b"GIF8", "a picture"), (0, b"BZh", "a bzip2 archive"), (0, b"\xfd7zXZ", "an xz archive"), (0, b"\x7fELF", "a program"),
    (0, b"PAR1", "a Parquet file"), (0, b"MZ", "a program"),
)


class Unfit(ValueError):
    """The file cannot be taken; the text is one sentence for a person."""


def look(kind: str, name: str, head: bytes, size: int) -> None:
    """Unfit when the beginning `head` of a file of `size` bytes shows that it is no `kind` ("model" or "dataset").

    A short beginning shows little; the inspection of the whole file decides.
    """
    thing = "model" if kind == "model" else "data set"
    _is_text(head, thing)
    for where, magic, called in STRANGERS:
        if head[where:where + len(magic)] == magic:
            raise Unfit(f"This is {called}. {_wanted(kind)}")
    if is_safetensors(head, size):
        _of_safetensors(kind, head, size)
    elif head.startswith(b"PK\x03\x04"):
        _of_zip(kind, list(entries(head)))
    elif head.startswith(b"\x93NUMPY"):
        raise Unfit(ONE_ARRAY if kind == "dataset" else ARRAYS)
    elif len(head) >= 8:
        _of_rest(kind, name, head)


def _wanted(kind: str) -> str:
    if kind == "model":
        return "Send a safetensors file, or a state_dict of torch (.pt, .pth)."
    return "Send an .npz file with images and labels."


def _is_text(head: bytes, thing: str) -> None:
    start = head[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<svg")):
        raise Unfit(WEB_PAGE.format(thing=thing))
    if start.startswith(b"version https://git-lfs"):
        raise Unfit(LFS.format(thing=thing))


def is_safetensors(head: bytes, size: int) -> bool:
    """A length and a brace. A length beyond the file still is one, cut off or lying: that is told as such."""
    return len(head) >= 9 and head[8:9] == b"{" and not head.startswith(b"PK\x03\x04")


def _of_safetensors(kind: str, head: bytes, size: int) -> None:
    metadata = header(head, size).get("__metadata__", {}) if _is_complete(head, size) else None
    if kind == "dataset" and metadata is not None and DATASET not in metadata:
        raise Unfit(WEIGHTS if NETWORK in metadata else NO_DESCRIPTION)
    if kind == "model" and metadata and DATASET in metadata:
        raise Unfit("This is a data set that EdgePortal wrote. Drop it on the Data page.")


def _is_complete(head: bytes, size: int) -> bool:
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
    if not _is_complete(head, size):
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


def entries(head: bytes) -> Iterator[str]:
    """The names in the local headers of a zip that can be seen in its beginning."""
    for found in re.finditer(rb"PK\x03\x04.{22}(..)..", head, re.DOTALL):
        length = int.from_bytes(found.group(1), "little")
        if 0 < length <= 512:
            yield head[found.end():found.end() + length].decode("utf-8", "replace")


def _of_zip(kind: str, names: list[str]) -> None:
    if any(name.endswith(".npy") for name in names[:1]):
        if kind == "model":
            raise Unfit(ARRAYS)
        return
    if kind == "dataset":
        raise Unfit(WEIGHTS if any(name.endswith("data.pkl") for name in names) else NO_DATASET)
    told = program(names)
    if told:
        raise Unfit(told)


def program(names: list[str]) -> str:
    """Which kind of program a torch archive with these entries is, in one sentence; empty for a plain state_dict."""
    if any(re.search(r"(^|/)(code/|constants\.pkl)", name) for name in names):
        return TORCHSCRIPT
    if any(re.search(r"(^|/)(archive_format|models/|serialized_exported_program|aotinductor)", name) for name in names):
        return PT2
    return ""


def _of_rest(kind: str, name: str, head: bytes) -> None:
    if kind == "model" and head.startswith(LEGACY_TORCH):
        return
    if head[:1] == b"\x80" and head[1] in range(2, 6):
        raise Unfit(PICKLE if kind == "model" else NO_DATASET)
    if looks_like_onnx(head):
        raise Unfit(f"{ONNX}{_misnamed(name)}" if kind == "model" else NO_DATASET)
    if kind == "model" and name.lower().endswith(".onnx"):
        raise Unfit(ONNX)
    raise Unfit(NO_MODEL if kind == "model" else NO_DATASET)


def _misnamed(name: str) -> str:
    return "" if name.lower().endswith(".onnx") else f" Its name {printable(name)!r} does not say so."


def looks_like_onnx(head: bytes) -> bool:
    """ir_version as the first field, then another field of a ModelProto."""
    return head[0] == 0x08 and 1 <= head[1] <= 30 and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72)


def printable(text: str) -> str:
    """At most 40 characters, none of which a terminal or a page would act upon."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:40])
