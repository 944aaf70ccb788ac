"""Files of what a run made: a network as safetensors, its ONNX twin checked for equal answers, and its facts; of a
quantised network, which has no safetensors form, the ONNX file alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import fx

from worker.context import write_durably
from worker.dnn import cost, export, files
from worker.dnn.quantised import read
from worker.events import Event, Facts, Log, Measured, VariantMade
from worker.params import Precision

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Written:
    """One written network: its name, where its files are, and what it is."""

    name: str
    path: Path
    onnx: Path
    sha256: str
    facts: Facts
    parent: str | None = None
    precision: Precision = "fp32"

    def said(self) -> VariantMade:
        return VariantMade(name=self.name, file=self.path.name, sha256=self.sha256, parent=self.parent,
                           onnx=self.onnx.name, precision=self.precision, facts=self.facts)

    def as_summary(self) -> dict[str, Any]:
        about = {"name": self.name, "file": self.path.name, "onnx": self.onnx.name, "sha256": self.sha256,
                 "precision": self.precision}
        return about | self.facts.model_dump()


@dataclass(frozen=True, kw_only=True)
class Variant(Written):
    """One that torch can run too."""

    network: fx.GraphModule
    in_shape: Shape


def write(
    network: fx.GraphModule, name: str, *, in_shape: Shape, classes: int, folder: Path, parent: str | None = None,
    trained: bool = False,
) -> Generator[Event, None, Variant]:
    """Save and export `network` under `name`; written again after training, the files are replaced."""
    network.cpu().eval()
    path, onnx = folder / f"{slug(name)}.safetensors", folder / f"{slug(name)}.onnx"
    digest = files.save(network, path, in_shape=in_shape, classes=classes, name=name, trained=trained)
    parity = export.to_onnx(network, in_shape, onnx)
    yield Log(level="debug", message=f"{name}: the ONNX file's answers differ from torch's by at most "
                                     f"{parity.max_relative:.1e} of the largest.")
    return Variant(name=name, network=network, in_shape=in_shape, path=path, onnx=onnx, sha256=digest,
                   facts=cost.facts(network, in_shape, path), parent=parent)


def quantised(file: Path, name: str, *, folder: Path) -> Written:
    """A quantised network that a run was given, with a copy of its file in the run's folder."""
    about, path, body = read(file), folder / f"{slug(name)}.onnx", file.read_bytes()
    write_durably(path, body)
    return Written(name=name, path=path, onnx=path, sha256=hashlib.sha256(body).hexdigest(), facts=about.facts(path),
                   precision=about.precision)


def sizes(variant: Written) -> list[Measured]:
    """The counts as numbers about a variant, for pages that draw it before its training is over."""
    facts = variant.facts
    counted = (("params", facts.params, "parameters"), ("macs", facts.macs, "MACs"),
               ("size_bytes", facts.size_bytes, "bytes"))
    return [Measured(variant=variant.name, metric=metric, value=value, unit=unit) for metric, value, unit in counted]


def slug(name: str) -> str:
    """A file name of letters, digits, points and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "variant"
