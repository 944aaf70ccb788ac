"""Files of what a run made: a network as safetensors, its ONNX twin checked for equal answers, and its facts."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import fx

from worker.dnn import cost, export, files
from worker.events import Event, Facts, Log, Measured, VariantMade

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Variant:
    """One written network: its name, where its files are, and what it is."""

    name: str
    network: fx.GraphModule
    in_shape: Shape
    path: Path
    onnx: Path
    sha256: str
    facts: Facts
    parent: str | None = None

    def said(self) -> VariantMade:
        return VariantMade(name=self.name, file=self.path.name, sha256=self.sha256, parent=self.parent,
                           onnx=self.onnx.name, facts=self.facts)

    def as_summary(self) -> dict[str, Any]:
        about = {"name": self.name, "file": self.path.name, "onnx": self.onnx.name, "sha256": self.sha256}
        return about | self.facts.model_dump()


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
    return Variant(name, network, in_shape, path, onnx, digest, cost.facts(network, in_shape, path), parent)


def sizes(variant: Variant) -> list[Measured]:
    """The counts as numbers about a variant, for pages that draw it before its training is over."""
    facts = variant.facts
    counted = (("params", facts.params, "parameters"), ("macs", facts.macs, "MACs"),
               ("size_bytes", facts.size_bytes, "bytes"))
    return [Measured(variant=variant.name, metric=metric, value=value, unit=unit) for metric, value, unit in counted]


def slug(name: str) -> str:
    """A file name of letters, digits, points and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "variant"
