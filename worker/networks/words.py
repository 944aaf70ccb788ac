"""What the commands on networks are told, checked before torch is loaded; what goes wrong, in one sentence."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from worker import architectures, firstlook
from worker.flags import Refused
from worker.inspection import command
from worker.inspection.order import Order, Unclear

Network = Annotated[Path, typer.Argument(
    metavar="FILE", help="A network: safetensors of EdgePortal, ONNX, or weights together with --architecture.")]
Architecture = Annotated[str, typer.Option(help="Whose weights the file holds, when it does not say so itself.")]
InShape = Annotated[str, typer.Option(help="Channels, height and width of its images, as 3x32x32.")]
Classes = Annotated[int | None, typer.Option(min=1, max=1 << 20, help="How many classes it tells apart.")]
Data = Annotated[list[Path] | None, typer.Option(help="A file with weights of an ONNX model; may be given again.")]

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Said:
    """How the file of a network is to be read, as far as it does not say so itself."""

    architecture: str = ""
    in_shape: str = ""
    classes: int | None = None
    data: list[Path] | None = None

    def checked(self) -> Said:
        command.shape_of(self.in_shape)
        if self.architecture and self.architecture not in architectures.names():
            raise Refused(f"architecture: got {self.architecture!r}; allowed: {', '.join(architectures.names())}")
        return self

    @contextmanager
    def order(self, file: Path) -> Iterator[Order]:
        """The file, looked at, in a folder of its own that is gone afterwards."""
        path = command.readable(file, "model", alone=not self.data)
        with tempfile.TemporaryDirectory(prefix="edgeportal-") as scratch:
            folder = Path(scratch)
            given = command.together(path, self.data, folder) if self.data else command.linked(path, folder)
            yield Order(kind="model", file=str(given), folder=scratch, name=path.stem[:100], architecture=self.architecture,
                        classes=self.classes, in_shape=command.shape_of(self.in_shape))


def out_file(out: Path, endings: tuple[str, ...], sources: list[Path]) -> Path:
    """A file that can be written and is none of those that are read."""
    allowed = f"a file in a folder that can be written, ending in {' or '.join(endings)}"
    try:
        path = out.resolve()
        if path in [source.resolve() for source in sources]:
            raise Refused(f"out: got {str(out)!r}; allowed: another file than the one that is read")
        fits = path.suffix.lower() in endings and not path.is_dir() and _can_hold(path.parent)
    except (OSError, RuntimeError, ValueError):
        fits = False
    if not fits:
        raise Refused(f"out: got {str(out)!r}; allowed: {allowed}")
    return path


def untaken(file: Path, ending: str) -> Path:
    """A name beside the file that is read, told by its ending; numbered where it is taken already."""
    names = chain([f"{file.stem}{ending}"], (f"{file.stem}-{number}{ending}" for number in count(2)))
    try:
        return next(path for path in map(file.with_name, names) if not os.path.lexists(path))
    except ValueError:
        raise Refused(f"file: got {str(file)!r}; allowed: a file that can be read") from None


def out_folder(out: Path) -> Path:
    """A folder that is there or can be made."""
    try:
        path = out.resolve()
        fits = _can_hold(path)
    except (OSError, RuntimeError, ValueError):
        fits = False
    if not fits:
        raise Refused(f"out: got {str(out)!r}; allowed: a folder that can be written")
    return path


def _can_hold(folder: Path) -> bool:
    """Whether files can be written there, once the folders on the way are made."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def done(work: Callable[[], Answer]) -> Answer:
    """The work's answer, or Refused in one sentence and what may help."""
    try:
        return work()
    except Unclear as unclear:
        raise Refused(str(unclear), *command.why(unclear)) from None
    except firstlook.Unfit as unfit:
        raise Refused(str(unfit)) from None
