"""Tensors by name out of a file that says nothing else: bare safetensors, or a state_dict of torch. Nothing in it is run."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from worker import archives, firstlook
from worker.firstlook import CONVERT, MOST_TENSORS, TENSOR_NAME, Unfit, printable

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")
NOT_WEIGHTS = "The file is no state_dict, a mapping of names to tensors; make one with {convert}."


class Weights(NamedTuple):
    """Float32 tensors (and whole-number counters) by name, and what had to be done to them, for a person."""

    tensors: dict[str, Tensor]
    notes: list[str]


def header_of(path: Path) -> dict[str, Any] | None:
    """The checked header of a safetensors file; None for another file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(firstlook.MOST_HEADER_BYTES + 8)
    return firstlook.header(head, size) if firstlook.is_safetensors(head, size) else None


def read(path: Path, most_bytes: int) -> Weights:
    """The tensors of a file; Unfit in one sentence for everything else."""
    found = _bare(path) if header_of(path) is not None else _state_dict(path, most_bytes)
    notes: list[str] = []
    tensors = {name: _plain(name, tensor) for name, tensor in _unprefixed(found, notes).items()}
    if not tensors:
        raise Unfit("The file holds no tensors.")
    # Many names may point at one storage: a small file can stand for any number of bytes.
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if total > most_bytes:
        raise Unfit(f"The tensors have {total:,} bytes together; at most {most_bytes:,} are taken.")
    _in_float32(tensors, notes)
    return Weights(tensors, notes)


def _bare(path: Path) -> dict[str, Tensor]:
    try:
        found: dict[str, Tensor] = load_file(path)
        return found
    except (SafetensorError, ValueError, KeyError, AttributeError) as error:
        raise Unfit("The file is not a whole safetensors file.") from error


def _state_dict(path: Path, most_bytes: int) -> Mapping[Any, Any]:
    _check_archive(path, most_bytes)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise Unfit(_told(str(error))) from error
    except MemoryError:
        raise
    except Exception as error:
        # torch says of broken files whatever its parsers come across; and it advises to load them unsafely.
        raise Unfit("The file is cut off or damaged, or no state_dict of torch.") from error
    return _unwrapped(found)


def _check_archive(path: Path, most_bytes: int) -> None:
    with path.open("rb") as file:
        head = file.read(4096)
    firstlook.look("model", path.name, head, path.stat().st_size)
    if head.startswith(b"PK\x03\x04"):
        with archives.opened(path, most_bytes) as archive:
            told = firstlook.program(archive.namelist())
        if told:
            raise Unfit(told)


def _told(said: str) -> str:
    """What the pickle wanted to call, in our words."""
    named = re.search(r"GLOBAL ([\w.]+)", said)
    wants = f": it names {printable(named.group(1))!r}" if named else ""
    return f"The file holds more than tensors{wants}. {firstlook.PROGRAM}"


def _unwrapped(found: Any) -> Mapping[Any, Any]:
    """A training script's checkpoint often has the state_dict under one of a few names."""
    if isinstance(found, Mapping) and not any(isinstance(value, Tensor) for value in found.values()):
        found = next((found[name] for name in WRAPPERS if isinstance(found.get(name), Mapping)), found)
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise Unfit(NOT_WEIGHTS.format(convert=CONVERT))
    return found


def _unprefixed(found: Mapping[Any, Any], notes: list[str]) -> dict[str, Tensor]:
    if len(found) > MOST_TENSORS:
        raise Unfit(f"The file has {len(found):,} tensors; at most {MOST_TENSORS:,} are read.")
    for name in found:
        if not isinstance(name, str) or not TENSOR_NAME.fullmatch(name):
            raise Unfit(f"A tensor is named {printable(str(name))!r}; names are letters, digits, _ and dots, at most 200.")
    for prefix in ("module.", "_orig_mod."):
        if found and all(name.startswith(prefix) for name in found):
            notes.append(f"The names of its tensors began with {prefix!r}, which was left out.")
            found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return dict(found)


def _plain(name: str, tensor: Tensor) -> Tensor:
    """An ordinary dense tensor whose elements are really there."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise Unfit(f"The tensor {name} is sparse, quantised or complex; plain numbers are taken.")
    needed, there = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if needed > there:
        raise Unfit(f"The tensor {name} claims {needed:,} bytes but the file holds {there:,} for it.")
    if tensor.dtype not in (*FLOATS, torch.int64):
        raise Unfit(f"The tensor {name} holds {str(tensor.dtype).removeprefix('torch.')} numbers; floating-point ones are taken.")
    return tensor.detach()


def _in_float32(tensors: dict[str, Tensor], notes: list[str]) -> None:
    others = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()} - {"float32", "int64"})
    for name, tensor in tensors.items():
        tensors[name] = (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
    if others:
        notes.append(f"Its numbers were {' and '.join(others)}; they are kept as float32.")
