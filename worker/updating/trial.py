"""A new network tried on a stored batch before it is used: its answers are numbers, and enough of them are right."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.addressed import BATCH
from worker.durable import write_durably
from worker.updating.places import unfinite

NAME = BATCH


@dataclass(frozen=True)
class Batch:
    """Images as the network takes them, float32 (n, channels, height, width), and their labels (n,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    sha256: str


def keep(folder: Path, images: NDArray[np.float32], labels: NDArray[np.int64]) -> Batch:
    """Store the batch durably; the same arrays have the same SHA-256."""
    body = io.BytesIO()
    np.savez_compressed(body, images=images.astype("<f4"), labels=labels.astype("<i8"))
    write_durably(folder / NAME, body.getvalue())
    found = kept(folder)
    assert found is not None
    return found


def adopt(folder: Path, brought: Path | None, sha256: str) -> Batch | None:
    """The stored batch. The brought one takes its place where only its arrays have this SHA-256."""
    held = kept(folder)
    found = _read(brought) if brought and not (held and held.sha256 == sha256) else None
    if brought and found and found.sha256 == sha256:
        write_durably(folder / NAME, brought.read_bytes())
        return found
    return held


def forget(folder: Path) -> None:
    (folder / NAME).unlink(missing_ok=True)


def is_possible() -> bool:
    """Whether ONNX Runtime is there to run a network."""
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        return False
    return True


def kept(folder: Path) -> Batch | None:
    """The stored batch; None where there is none, or it cannot be read."""
    return _read(folder / NAME)


def _read(file: Path) -> Batch | None:
    try:
        with np.load(file, allow_pickle=False) as found:
            images, labels = found["images"], found["labels"]
    except Exception:  # A damaged archive fails in zip, zlib, struct or NumPy, each with errors of its own.
        return None
    return Batch(images, labels, hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())


def without_numbers(network: Path) -> str:
    """Where nothing can run the network: why it may not be used all the same, in a sentence; nothing when it may."""
    name = unfinite(network.read_bytes())
    return f"Not all numbers of its tensor {name} are finite." if name else ""


def failed(network: Path, batch: Batch, least_right: int) -> str:
    """Why the network may not be used, in a sentence; nothing when it may."""
    found = right(network, batch)
    if isinstance(found, str):
        return found
    if found < least_right:
        return f"Of the stored batch it gets {found} of {len(batch.labels)} images right; at least {least_right} are asked for."
    return ""


def right(network: Path | bytes, batch: Batch) -> int | str:
    """How many images of the batch an ONNX file, or its bytes, gets right; a sentence when it gives no answers."""
    answers = _answers(network, batch.images)
    if isinstance(answers, str):
        return answers
    if answers.ndim != 2 or len(answers) != len(batch.labels) or not np.isfinite(answers).all():
        return "Its answers to the stored batch are no finite numbers, one row an image."
    return int((answers.argmax(1) == batch.labels).sum())


def _answers(network: Path | bytes, images: NDArray[np.float32]) -> NDArray[np.float32] | str:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        given = network if isinstance(network, bytes) else str(network)
        session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        (answers,) = session.run(None, {session.get_inputs()[0].name: images})
    except Exception as error:  # The runtime's own errors have no common base that it documents.
        return f"ONNX Runtime does not run it ({type(error).__name__})."
    found: NDArray[np.float32] = answers
    return found
