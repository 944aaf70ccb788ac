"""A network in one safetensors file: weights as tensors, everything else as JSON in the metadata. Never pickle."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, fx, nn

from worker.context import ModelInput, write_durably
from worker.dnn import architectures
from worker.dnn.form import from_spec, to_spec
from worker.dnn.shapes import Shape, output_shape
from worker.reasons import is_ours

MOST_HEADER_BYTES = 1_000_000
MOST_TENSORS = 10_000
DTYPES = frozenset({"F32", "F64", "F16", "BF16", "I64"})
_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")
_KEY = "edgeportal.network"


class Refused(ValueError):
    """A file that is not a network of the house; the message is one sentence for a person."""


@dataclass(frozen=True)
class Loaded:
    """A network and what it expects: images of `in_shape` (channels, height, width), `classes` answers.

    `trained`: a training made its weights what they are; a file that does not say so holds weights drawn by lot.
    """

    network: fx.GraphModule
    in_shape: Shape
    classes: int
    name: str
    trained: bool = False


def save(
    network: fx.GraphModule, path: Path, *, in_shape: Shape, classes: int, name: str, trained: bool = False,
) -> str:
    """Write the network durably and return the file's sha256; the same network gives the same bytes."""
    # Trained is 1 or 0: training a network must not change the size of its file.
    about = {"spec": to_spec(network), "in_shape": list(in_shape), "classes": classes, "name": name,
             "trained": int(trained)}
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()}
    # safetensors writes several metadata entries in random order, so there is one.
    body = save_tensors(tensors, {_KEY: json.dumps(about, sort_keys=True, separators=(",", ":"))})
    write_durably(Path(path), body)
    return hashlib.sha256(body).hexdigest()


def load(path: Path) -> Loaded:
    """Read a network in evaluation mode; Refused in one sentence when the file is anything else."""
    body = _bytes(Path(path))
    about = _about(body)
    try:
        network = from_spec(about.get("spec", {}), device="meta")
        answers = output_shape(network, tuple(about["in_shape"]))
    except ValueError as error:
        told = str(error) if is_ours(error) else "The description of the network does not fit together."
        raise Refused(told) from error
    if len(answers) == 1 and answers[0] != about["classes"]:
        raise Refused(f"The network answers with {answers[0]} numbers but says it has {about['classes']} classes.")
    _fill(network, _tensors(body))
    return Loaded(network.eval(), tuple(about["in_shape"]), about["classes"], about["name"],
                  trained=bool(about.get("trained", 0)))


def open_model(model_input: ModelInput, *, num_classes: int, in_shape: Shape, seed: int | None) -> Loaded:
    """The network a run was given: an architecture freshly initialised from `seed`, or a file with its weights.

    Raises ValueError, naming both numbers, when classes or input shape do not fit.
    """
    if model_input.file is None:
        name = model_input.architecture or model_input.name
        network = architectures.build(name, num_classes, tuple(in_shape), seed=seed)
        return Loaded(network, tuple(in_shape), num_classes, model_input.name)
    loaded = load(model_input.file)
    if loaded.classes != num_classes:
        raise ValueError(f"The model {loaded.name} has {loaded.classes} classes but the data set has {num_classes}.")
    if loaded.in_shape != tuple(in_shape):
        expected, given = ("x".join(map(str, shape)) for shape in (loaded.in_shape, in_shape))
        raise ValueError(f"The model {loaded.name} expects images of {expected} but the data set has {given}.")
    return loaded


def _bytes(path: Path) -> bytes:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise Refused("The model's file cannot be read.") from error
    length = int.from_bytes(body[:8], "little")
    if len(body) < 10 or body[8:9] != b"{" or length > len(body) - 8:
        raise Refused("The file is not a safetensors file.")
    if length > MOST_HEADER_BYTES:
        raise Refused(f"The file's header has {length} bytes; at most {MOST_HEADER_BYTES} are read.")
    return body


def _about(body: bytes) -> dict[str, Any]:
    """The description in the header, checked field by field."""
    header = _json(body[8 : 8 + int.from_bytes(body[:8], "little")])
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(_KEY), str):
        raise Refused("The file holds tensors but no description of a network.")
    if len(header) > MOST_TENSORS:
        raise Refused(f"The file has {len(header)} tensors; at most {MOST_TENSORS} are read.")
    for name, entry in header.items():
        if not _NAME.fullmatch(name) or not isinstance(entry, dict) or entry.get("dtype") not in DTYPES:
            raise Refused(f"The tensor {name[:40]!r} has a name or a type that this portal does not take.")
    return _checked(_json(metadata[_KEY].encode()))


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("The file's header is not JSON.") from error
    if not isinstance(found, dict):
        raise Refused("The file's header is not a JSON object.")
    return found


def _checked(about: dict[str, Any]) -> dict[str, Any]:
    shape, classes = about.get("in_shape"), about.get("classes")
    whole = isinstance(shape, list) and 0 < len(shape) <= 4 and all(type(n) is int and 0 < n <= 1 << 16 for n in shape)
    if not whole or type(classes) is not int or not 0 < classes <= 1 << 20:
        raise Refused("The file does not say which images the network takes and how many classes it knows.")
    if not isinstance(about.get("name"), str) or len(about["name"]) > 200:
        raise Refused("The file does not say the network's name in at most 200 characters.")
    if about.get("trained", 0) not in (0, 1):
        raise Refused("The file does not say with 0 or 1 whether the network was trained.")
    return about


def _tensors(body: bytes) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_tensors(body)
        return tensors
    except (SafetensorError, ValueError, KeyError) as error:
        raise Refused("The file is not a whole safetensors file.") from error


def _fill(network: fx.GraphModule, tensors: dict[str, Tensor]) -> None:
    """Give the layers their tensors, every name and shape checked against what the layers expect."""
    expected = network.state_dict()
    odd = sorted(expected.keys() ^ tensors.keys())
    if odd:
        raise Refused(f"The tensor {odd[0]} is {'missing' if odd[0] in expected else 'not part of the network'}.")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise Refused(f"The tensor {name} has shape {list(tensor.shape)}, not {list(expected[name].shape)}.")
        if tensor.is_floating_point() != expected[name].is_floating_point():
            raise Refused(f"The tensor {name} has the wrong type of numbers.")
    for name, tensor in tensors.items():
        _put(network, name, tensor)


def _put(network: nn.Module, name: str, tensor: Tensor) -> None:
    owner, _, last = name.rpartition(".")
    layer = network.get_submodule(owner)
    if last in layer._parameters:
        layer._parameters[last] = nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
    else:
        layer._buffers[last] = tensor
