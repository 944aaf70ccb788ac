"""Which tensors live, operation by operation."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

# What makes a new tensor everywhere but on the meta device, where a view does as well.
COPYING = (torch.ops.aten.channel_shuffle.default,)


class Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, notes each storage that an operation makes, and when the last tensor on it has gone.

    `moments`: the bytes that live after each operation. A storage counts once, whatever views and saved tensors share it.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = self.peak = 0
        self.moments: list[int] = []
        self._known: dict[int, weakref.ref[Any]] = {}

    def note(self, tensors: Iterable[Tensor]) -> None:
        """Tensors that are there already."""
        for tensor in tensors:
            self._note(tensor)
        self.peak = max(self.peak, self.bytes)

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return

        def gone(_: object) -> None:
            self.bytes -= size
            del self._known[key]

        self.bytes += size
        self._known[key] = weakref.ref(storage, gone)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in COPYING and made.is_meta:
            made = made.clone()
        for each in made if isinstance(made, tuple | list) else (made,):
            if isinstance(each, Tensor):
                self._note(each)
        self.moments.append(self.bytes)
        self.peak = max(self.peak, self.bytes)
        return made


def size_of(tensors: Iterable[Tensor]) -> int:
    """The bytes of these tensors, storages counted once."""
    sizes = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(sizes.values())


def tensors_of(*modules: torch.nn.Module) -> list[Tensor]:
    """Weights and buffers."""
    return [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
