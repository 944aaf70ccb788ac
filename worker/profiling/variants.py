"""Files of what a run made: a network as safetensors, its ONNX twin checked for equal answers, and its facts; of a
quantised network, which has no safetensors form, the ONNX file alone."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from torch import fx

from worker.context import write_durably
from worker.dnn import cost, export, files
from worker.dnn.quantised import read
from worker.events import Event, Log
from worker.profiling import eager
from worker.profiling.stopwatch import Call
from worker.profiling.written import Written, slug

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Variant(Written):
    """One that torch can run too."""

    network: fx.GraphModule
    in_shape: Shape

    def call(self, engine: str, *, batch: int, threads: int) -> Call:
        if engine == eager.ENGINE:
            return eager.runner(self.network, self.in_shape, batch=batch, threads=threads)
        return super().call(engine, batch=batch, threads=threads)


def write(
    network: fx.GraphModule, name: str, *, in_shape: Shape, classes: int, folder: Path, parent: str | None = None,
    trained: bool = False, fold: bool = False,
) -> Generator[Event, None, Variant]:
    """Save and export `network` under `name`; written again after training, the files are replaced. `fold`: batch-norm is
    folded in the ONNX file."""
    network.cpu().eval()
    path, onnx = folder / f"{slug(name)}.safetensors", folder / f"{slug(name)}.onnx"
    digest = files.save(network, path, in_shape=in_shape, classes=classes, name=name, trained=trained)
    parity = export.to_onnx(network, in_shape, onnx, fold=fold)
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
