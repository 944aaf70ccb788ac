"""How a serving process holds its networks: all loaded, or only the one that serves, from its file or packed in memory.

A held network is ready when it has answered once: what an engine prepares at its first inference is no request's to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from worker.switching.packing import checked, expand

Residency = Literal["resident", "disk", "packed"]
Compute = Callable[[NDArray[Any]], NDArray[Any]]
ERRORS_ONLY = 3
PROCESSOR = ("CPUExecutionProvider",)


class Holding(Protocol):
    """`ready`: the network of that name, loaded and warm; off the requests' path. `left`: another one serves now."""

    def ready(self, name: str) -> Compute: ...

    def left(self, name: str) -> None: ...


def opened(network: str | bytes, image: NDArray[Any], threads: int) -> Compute:
    """A file, by its path or by its bytes, as something that answers; it has answered once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    if threads > 1:  # Waiting threads of those that do not serve would take the processor.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(network, options, providers=list(PROCESSOR))
    session._model_bytes = None  # kept by the library for other processors to be tried: as large as the network itself
    run, given = session.run, session.get_inputs()[0].name

    def compute(images: NDArray[Any]) -> NDArray[Any]:
        (found,) = run(None, {given: images})
        return found  # type: ignore[no-any-return]

    compute(image)
    return compute


class Resident:
    """All of them, from the beginning to the end."""

    def __init__(self, files: Mapping[str, Path], image: NDArray[Any], threads: int) -> None:
        self._loaded = {name: opened(str(file), image, threads) for name, file in files.items()}

    def ready(self, name: str) -> Compute:
        return self._loaded[name]

    def left(self, name: str) -> None:
        """Stays."""


class Disk:
    """The one that serves; another one is read from its file when it is wanted."""

    def __init__(self, files: Mapping[str, Path], image: NDArray[Any], threads: int) -> None:
        self._files, self._image, self._threads = files, image, threads

    def ready(self, name: str) -> Compute:
        return opened(str(self._files[name]), self._image, self._threads)

    def left(self, name: str) -> None:
        """Its memory is free as soon as nobody refers to it."""


class Packed:
    """The one that serves, and all of them packed in memory."""

    def __init__(self, files: Mapping[str, Path], image: NDArray[Any], threads: int) -> None:
        self._bodies = {name: checked(file.read_bytes()) for name, file in files.items()}
        self._image, self._threads = image, threads

    def ready(self, name: str) -> Compute:
        return opened(expand(self._bodies[name]), self._image, self._threads)

    def left(self, name: str) -> None:
        """Its memory is free as soon as nobody refers to it; packed it stays."""


HOLDINGS: dict[Residency, Callable[[Mapping[str, Path], NDArray[Any], int], Holding]] = {
    "resident": Resident, "disk": Disk, "packed": Packed}


def blank(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An image to warm with."""
    return np.zeros((1, *shape), np.float32)
