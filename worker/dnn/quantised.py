"""A quantised network is one ONNX file that says itself what it is: which numbers, which images, what it costs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from pydantic import ValidationError

from worker.context import write_durably
from worker.dnn.shapes import Shape
from worker.events import Facts
from worker.params import Precision

KEY = "edgeportal.network"
MOST_METADATA = 10_000


class Refused(ValueError):
    """A file that is no quantised network of the house; the message is one sentence for a person."""


@dataclass(frozen=True)
class Quantised:
    """What the file says of itself. `activation_bytes` counts each result in the numbers the file keeps it in."""

    name: str
    precision: Precision
    in_shape: Shape
    classes: int
    trained: bool
    params: int
    macs: int
    activation_bytes: int

    def facts(self, file: Path) -> Facts:
        return Facts(size_bytes=file.stat().st_size, params=self.params, macs=self.macs,
                     activation_bytes=self.activation_bytes)


def save(model: onnx.ModelProto, about: Quantised, path: Path) -> str:
    """Write the network durably and return the file's sha256; the same network gives the same bytes."""
    told = json.dumps(vars(about) | {"in_shape": list(about.in_shape)}, sort_keys=True, separators=(",", ":"))
    onnx.helper.set_model_props(model, {KEY: told})
    body = model.SerializeToString(deterministic=True)
    onnx.checker.check_model(body)
    write_durably(path, body)
    return hashlib.sha256(body).hexdigest()


def read(path: Path) -> Quantised:
    """What the file says of itself; Refused in one sentence when it is anything else."""
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (OSError, DecodeError, ValueError) as error:
        raise Refused("The file is not a whole ONNX file.") from error
    told = next((entry.value for entry in model.metadata_props if entry.key == KEY), "")
    if not told or len(told) > MOST_METADATA:
        raise Refused("The ONNX file was not quantised by EdgePortal; files from elsewhere are not read yet.")
    try:
        return _checked(json.loads(told))
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        raise Refused("What the ONNX file says of itself does not fit together.") from error


def fit(about: Quantised, *, num_classes: int, in_shape: Shape) -> None:
    """ValueError, naming both numbers, when the data set is not what the network was made for."""
    if about.classes != num_classes:
        raise ValueError(f"The model {about.name} has {about.classes} classes but the data set has {num_classes}.")
    if about.in_shape != tuple(in_shape):
        expected, given = ("x".join(map(str, shape)) for shape in (about.in_shape, in_shape))
        raise ValueError(f"The model {about.name} expects images of {expected} but the data set has {given}.")


def _checked(told: dict[str, Any]) -> Quantised:
    counts = [told[name] for name in ("classes", "params", "macs", "activation_bytes")]
    shape = told["in_shape"]
    whole = all(type(number) is int and number >= 0 for number in counts + shape) and 0 < len(shape) <= 4
    named = isinstance(told["name"], str) and 0 < len(told["name"]) <= 200 and isinstance(told["trained"], bool)
    if not whole or not named or told["precision"] not in get_args(Precision) or told["precision"] == "fp32":
        raise ValueError("a number or a word is missing or odd")
    return Quantised(**told | {"in_shape": tuple(shape)})
