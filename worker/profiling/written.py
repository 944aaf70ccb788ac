"""One network in files, as whatever runs it knows it: its name, where its files are, and what it is. Nothing here loads torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.events import Facts, Measured, VariantMade
from worker.params import Precision
from worker.profiling import onnx
from worker.profiling.stopwatch import Call


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

    def call(self, engine: str, *, batch: int, threads: int) -> Call:
        """One inference of `batch` images in that engine; every network can be run from its ONNX file."""
        if engine == onnx.ENGINE:
            return onnx.runner(self.onnx, batch=batch, threads=threads)
        raise ValueError(f"{self.name} is there as an ONNX file only: torch cannot run it, only ONNX Runtime can.")

    def said(self, *, given: bool = False) -> VariantMade:
        """`given`: the run only looks at it."""
        return VariantMade(name=self.name, file=self.path.name, sha256=self.sha256, parent=self.parent,
                           onnx=self.onnx.name, precision=self.precision, facts=self.facts, given=given)

    def as_summary(self) -> dict[str, Any]:
        about = {"name": self.name, "file": self.path.name, "onnx": self.onnx.name, "sha256": self.sha256,
                 "precision": self.precision}
        return about | self.facts.model_dump()

    @classmethod
    def from_summary(cls, about: dict[str, Any], folder: Path) -> Written:
        """The same network where its files lie in another folder, perhaps on another machine."""
        facts = Facts(**{name: about[name] for name in Facts.model_fields})
        return cls(name=about["name"], path=folder / about["file"], onnx=folder / about["onnx"], sha256=about["sha256"],
                   facts=facts, precision=about["precision"])


def sizes(variant: Written) -> list[Measured]:
    """The counts as numbers about a variant, for pages that draw it before its training is over."""
    facts = variant.facts
    counted = (("params", facts.params, "parameters"), ("macs", facts.macs, "MACs"),
               ("size_bytes", facts.size_bytes, "bytes"))
    return [Measured(variant=variant.name, metric=metric, value=value, unit=unit) for metric, value, unit in counted]


def slug(name: str) -> str:
    """A file name of letters, digits, points and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "variant"
