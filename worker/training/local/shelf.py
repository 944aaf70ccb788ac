"""Units that nobody trains just now lie in files, not in memory: a budget counts what is resident, so the rest must not be."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors.torch import load_file, save
from torch import nn

from worker.context import write_durably
from worker.training.memory.rehearsal import META


class Shelf:
    """Weights and buffers of modules by number, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, number: int, module: nn.Module) -> None:
        """Keep its tensors in a file; the module is left with their shapes alone."""
        tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
        write_durably(self._file(number), save(tensors))
        emptied(module)

    def take(self, number: int, module: nn.Module) -> None:
        """Its tensors again, as they were put."""
        module.load_state_dict(load_file(self._file(number)), assign=True)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}.safetensors"


def emptied(module: nn.Module) -> None:
    """The module with shapes instead of numbers; embodied again by `Shelf.take`."""
    for layer in module.modules():
        for name, weight in layer._parameters.items():
            if weight is not None:
                layer._parameters[name] = nn.Parameter(weight.detach().to(META), requires_grad=weight.requires_grad)
        for name, buffer in layer._buffers.items():
            if buffer is not None:
                layer._buffers[name] = buffer.to(META)
