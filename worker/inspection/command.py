"""`python -m worker inspect FILE`: what the portal would make of a file. Words are checked before torch is loaded."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from worker import architectures, firstlook
from worker.flags import Refused
from worker.inspection.order import Order, Unclear

SHAPE = re.compile(r"(\d{1,5})[x,](\d{1,5})[x,](\d{1,5})")
MOST_SHOWN = 20


def inspect(
    file: Path,
    kind: Annotated[str, typer.Option(help="model or dataset; by the file's name when left out (.npz is a data set).")] = "",
    architecture: Annotated[str, typer.Option(help="Whose weights the file holds, when it does not say so itself.")] = "",
    in_shape: Annotated[str, typer.Option(help="Channels, height and width of its images, as 3x32x32.")] = "",
    classes: Annotated[int | None, typer.Option(min=1, max=1 << 20, help="How many classes it tells apart.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the files of the house in this folder.")] = None,
) -> None:
    """What the portal would make of a file: its facts as JSON, or the refusal (exit status 2) in one sentence."""
    chosen = _kind(file, kind)
    shape = _shape(in_shape)
    if architecture and architecture not in architectures.names():
        raise Refused(f"architecture: got {architecture!r}; allowed: {', '.join(architectures.names())}")
    path = _readable(file, chosen)
    with tempfile.TemporaryDirectory(prefix="edgeportal-") as scratch:
        folder = out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        order = Order(kind=chosen, file=str(_linked(path, Path(scratch))), folder=str(folder.resolve()), name=path.stem[:100],
                      architecture=architecture, classes=classes, in_shape=shape)
        print(json.dumps(_inspected(order)))


def _kind(file: Path, said: str) -> Literal["model", "dataset"]:
    if said not in ("", "model", "dataset"):
        raise Refused(f"kind: got {said!r}; allowed: model, dataset")
    return "dataset" if said == "dataset" or (not said and file.suffix.lower() == ".npz") else "model"


def _shape(text: str) -> tuple[int, int, int] | None:
    if not text:
        return None
    found = SHAPE.fullmatch(text)
    if not found or "0" in found.groups():
        raise Refused(f"in-shape: got {text!r}; allowed: three whole numbers, as 3x32x32")
    first, second, third = map(int, found.groups())
    return first, second, third


def _readable(file: Path, kind: str) -> Path:
    """A file that can be read and begins like one of its kind: most wrong ones are told before torch is loaded."""
    try:
        path = file.resolve()
        with path.open("rb") as source:
            head, size = source.read(firstlook.MOST_HEADER_BYTES + 8), path.stat().st_size
    except (OSError, RuntimeError, ValueError):
        raise Refused(f"file: got {str(file)!r}; allowed: a file that can be read") from None
    try:
        firstlook.look(kind, path.name, head, size)
    except firstlook.Unfit as unfit:
        raise Refused(str(unfit)) from None
    return path


def _linked(path: Path, folder: Path) -> Path:
    """A name of its own for the file: the inspection may move what it is given."""
    link = folder / "given"
    link.symlink_to(path)
    return link


def _inspected(order: Order) -> dict[str, object]:
    from worker.inspection.inspecting import inspect

    try:
        found = inspect(order, lambda name, detail="": print(f"{name} {detail}".strip(), file=sys.stderr))
    except Unclear as unclear:
        raise Refused(str(unclear), *_why(unclear)) from None
    except firstlook.Unfit as unfit:
        raise Refused(str(unfit)) from None
    return found.model_dump(mode="json")


def _why(unclear: Unclear) -> list[str]:
    rows = unclear.findings.get("differences", [])[:MOST_SHOWN]
    lines = [f"  {row['tensor']}: {row['problem']} {row['expected']} {row['got']}".rstrip() for row in rows]
    suited = unclear.findings.get("suited")
    return [*lines, f"The weights fit: {', '.join(suited)}"] if suited else lines
