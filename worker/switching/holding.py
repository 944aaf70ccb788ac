"""How a serving process holds its networks: all loaded, or only the one that serves, from its file or packed in memory.

A held network is ready when it has answered once: what an engine prepares at its first inference is no request's to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
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
    """`ready`: the network of that name, loaded and warm. `serves`: what was ready does now. `left`: another one serves instead.
    All off the requests' path."""

    def ready(self, name: str) -> Compute: ...

    def serves(self, name: str) -> None: ...

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

    def serves(self, name: str) -> None:
        """Was loaded already."""

    def left(self, name: str) -> None:
        """Stays."""


class Disk:
    """The one that serves; another one is read from its file when it is wanted."""

    def __init__(self, files: Mapping[str, Path], image: NDArray[Any], threads: int) -> None:
        self._files, self._image, self._threads = files, image, threads

    def ready(self, name: str) -> Compute:
        return opened(str(self._files[name]), self._image, self._threads)

    def serves(self, name: str) -> None:
        """Nothing else is held of it."""

    def left(self, name: str) -> None:
        """Its memory is free as soon as nobody refers to it."""


class Packed:
    """The one that serves, and all others packed in memory. A network is held once: packed again it is read from its file when
    another one serves already, so that no change waits for the disk."""

    def __init__(self, files: Mapping[str, Path], image: NDArray[Any], threads: int) -> None:
        self._files, self._image, self._threads = files, image, threads
        self._bodies = {name: self._read(name) for name in files}

    def ready(self, name: str) -> Compute:
        return opened(expand(self._bodies.get(name) or self._read(name)), self._image, self._threads)

    def serves(self, name: str) -> None:
        self._bodies.pop(name, None)

    def left(self, name: str) -> None:
        """What cannot be read now is asked for again when it is wanted; whoever serves goes on."""
        with suppress(OSError, ValueError):
            self._bodies[name] = self._read(name)

    def _read(self, name: str) -> bytes:
        return checked(self._files[name].read_bytes())


HOLDINGS: dict[Residency, Callable[[Mapping[str, Path], NDArray[Any], int], Holding]] = {
    "resident": Resident, "disk": Disk, "packed": Packed}


def blank(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An image to warm with."""
    return np.zeros((1, *shape), np.float32)
