"""`python -m worker inspect FILE`: what the portal would make of a file. Words are checked before torch is loaded."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from worker import architectures, firstlook
from worker.flags import Refused
from worker.inspection.order import Order, Unclear
from worker.structure import Structure

SHAPE = re.compile(r"(\d{1,5})[x,](\d{1,5})[x,](\d{1,5})")
FOOTAGE = re.compile(r"\s*(\d{1,5})\s*x\s*(\d{1,5})\s*(?:px)?\s*(?:at|@|,)\s*(\d{1,4}(?:\.\d{1,6})?)\s*(?:frames/s)?\s*")
MOST_SHOWN = 20
DATASETS = (".npz", ".tar", ".tar.gz", ".tgz")


def inspect(
    file: Path,
    kind: Annotated[str, typer.Option(help="model or dataset; by what is in the file when left out.")] = "",
    architecture: Annotated[str, typer.Option(help="Whose weights the file holds, when it does not say so itself.")] = "",
    in_shape: Annotated[str, typer.Option(help="Channels, height and width of its images, as 3x32x32; pictures are brought to "
                                               "it.")] = "",
    footage: Annotated[str, typer.Option(help="Of recorded detections without seqinfo.ini: the size of the picture and the frame "
                                              "rate, as '1920x1080 at 30'.")] = "",
    classes: Annotated[int | None, typer.Option(min=1, max=1 << 20, help="How many classes it tells apart.")] = None,
    data: Annotated[list[Path] | None, typer.Option(help="A file with weights of an ONNX model; may be given again.")] = None,
    most_tensors: Annotated[int, typer.Option(min=1, max=8, help="Tell cuts that up to so many results go across.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Keep the files of the house in this folder.")] = None,
) -> None:
    """What the portal would make of a file: one JSON object, or the refusal (exit status 2) in one sentence.

    `name` is what the file is called, `file` and others are what `--out` keeps.

    Of a network: input and output shapes, parameters, MACs, activation bytes, layers, cuts, and the parity with ONNX Runtime.
    """
    chosen = kind_of(file, kind)
    shape, filmed = shape_of(in_shape), footage_of(footage)
    if architecture and architecture not in architectures.names():
        raise Refused(f"architecture: got {architecture!r}; allowed: {', '.join(architectures.names())}")
    path = readable(file, chosen, alone=not data)
    with tempfile.TemporaryDirectory(prefix="edgeportal-") as scratch:
        folder = out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        given = together(path, data, Path(scratch)) if data else linked(path, Path(scratch))
        order = Order(kind=chosen, file=str(given), folder=str(folder.resolve()), name=path.stem.removesuffix(".tar")[:100],
                      architecture=architecture, classes=classes, in_shape=shape, footage=filmed)
        print(json.dumps(_named(_inspected(order, most_tensors), file, is_kept=out is not None)))


def kind_of(file: Path, said: str) -> Literal["model", "dataset"]:
    """As it was said, else a data set where the file begins like one."""
    if said not in ("", "model", "dataset"):
        raise Refused(f"kind: got {said!r}; allowed: model, dataset")
    if said:
        return "dataset" if said == "dataset" else "model"
    try:
        return "dataset" if firstlook.look("dataset", file.name, *_beginning(file)) else "model"
    except (firstlook.Unfit, OSError, RuntimeError, ValueError):
        return "dataset" if file.name.lower().endswith(DATASETS) else "model"


def shape_of(text: str) -> tuple[int, int, int] | None:
    if not text:
        return None
    found = SHAPE.fullmatch(text)
    if not found or "0" in found.groups():
        raise Refused(f"in-shape: got {text!r}; allowed: three whole numbers, as 3x32x32")
    first, second, third = map(int, found.groups())
    return first, second, third


def footage_of(text: str) -> tuple[float, float, float] | None:
    if not text:
        return None
    found = FOOTAGE.fullmatch(text)
    if not found:
        raise Refused(f"footage: got {text!r}; allowed: width and height in px and frames a second, as '1920x1080 at 30'")
    width, height, fps = map(float, found.groups())
    return width, height, fps


def readable(file: Path, kind: str, *, alone: bool = True) -> Path:
    """A file that can be read and begins like one of its kind: most wrong ones are told before torch is loaded."""
    try:
        path = file.resolve()
        head, size = _beginning(path)
    except (OSError, RuntimeError, ValueError):
        raise Refused(f"file: got {str(file)!r}; allowed: a file that can be read") from None
    try:
        firstlook.look(kind, path.name, head, size, alone=alone)
    except firstlook.Unfit as unfit:
        raise Refused(str(unfit)) from None
    return path


def _beginning(path: Path) -> tuple[bytes, int]:
    """The first bytes and how many there are in all."""
    with path.open("rb") as source:
        return source.read(firstlook.MOST_HEADER_BYTES + 8), path.stat().st_size


def linked(path: Path, folder: Path) -> Path:
    """A name of its own for the file: the inspection may move what it is given."""
    link = folder / "given"
    link.symlink_to(path)
    return link


def together(path: Path, data: list[Path], folder: Path) -> Path:
    """The model and its data files as the archive that a browser would send."""
    made = folder / "given"
    try:
        with zipfile.ZipFile(made, "w") as archive:
            for each in (path, *data):
                archive.write(each, each.name)
    except (OSError, ValueError):
        raise Refused(f"data: got {', '.join(map(str, data))}; allowed: files that can be read") from None
    return made


def _inspected(order: Order, most_tensors: int) -> dict[str, object]:
    from worker.inspection.inspecting import inspect

    try:
        found = inspect(order, step)
    except Unclear as unclear:
        raise Refused(str(unclear), *why(unclear)) from None
    except firstlook.Unfit as unfit:
        raise Refused(str(unfit)) from None
    told: dict[str, object] = found.model_dump(mode="json")
    if structure := told.pop("structure", None):
        known = Structure.model_validate_json((Path(order.folder) / str(structure)).read_bytes())
        cuts = known.parted(most_tensors) if most_tensors > 1 else known.cuts
        told |= known.model_copy(update={"cuts": cuts}).model_dump(mode="json")
    return told


def _named(told: dict[str, object], file: Path, *, is_kept: bool) -> dict[str, object]:
    """With the name of the file that was given. Recordings are taken as they came: where nothing is kept, that is the file."""
    own = {"file": str(file)} if told["kind"] == "recordings" and not is_kept else {}
    return {"kind": told["kind"], "name": file.name} | told | own


def step(name: str, detail: str = "") -> None:
    """What is done now, for a person who watches; a program is told nothing but the answer or the refusal."""
    if sys.stderr.isatty():
        print(f"{name} {detail}".strip(), file=sys.stderr)


def why(unclear: Unclear) -> list[str]:
    rows, more = unclear.findings.get("differences", [])[:MOST_SHOWN], unclear.findings.get("count", 0) - MOST_SHOWN
    lines = [f"  {row['tensor']}: {row['problem']} {row['expected']} {row['got']}".rstrip() for row in rows]
    lines += [f"  and {more:,} more"] if more > 0 else []
    suited, closest = unclear.findings.get("suited"), unclear.findings.get("closest")
    lines += [f"The weights fit: {', '.join(suited)}"] if suited else []
    return [*lines, f"Its tensors are named most like those of {closest}"] if closest else lines
