"""`python -m worker prune | export | diff`: one JSON object, or exit status 2 and one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from worker.flags import Refused
from worker.inspection.command import readable
from worker.networks.words import Architecture, Classes, Data, InShape, Network, Said, done, out_file, out_folder, untaken

FORMS = ("onnx", "safetensors", "slices")
FILES = (".onnx", ".safetensors")


def prune(
    file: Network,
    out: Annotated[Path, typer.Option(help="The smaller network's file: .onnx or .safetensors.")],
    channels: Annotated[float, typer.Option(help="Which share of its channels each layer keeps: 0.5 is half of them.")] = 0.5,
    round_to: Annotated[int, typer.Option(min=1, max=256, help="Keep a multiple of so many channels.")] = 1,
    architecture: Architecture = "", in_shape: InShape = "", classes: Classes = None, data: Data = None,
) -> None:
    """Keep a share of every layer's channels, those with the largest weights, and write the smaller network.

    Layers that are tied together keep the same channels. The answers change: train the network afterwards.
    The JSON object tells parameters and MACs before and after, which channels each layer keeps, why a layer keeps more than
    was asked for, the file's SHA-256, and how far ONNX Runtime's answers are from the smaller network's.
    """
    if not 0 < channels <= 1:
        raise Refused(f"channels: got {channels}; allowed: more than 0 and at most 1")
    said, path = Said(architecture, in_shape, classes, data).checked(), out_file(out, FILES, [file])
    with said.order(file) as order:
        from worker.networks import pruning

        _tell(done(lambda: pruning.prune(order, channels, round_to, path)))


def export(
    file: Network,
    to: Annotated[str, typer.Option(help="onnx, safetensors, or slices: head and tail of a cut as two ONNX files.")],
    out: Annotated[Path | None, typer.Option(
        help="The file to be written; for slices a folder. Left out: beside FILE, under a name that is not taken.")] = None,
    after: Annotated[str, typer.Option(help="For slices: the layer behind which the network is cut.")] = "",
    fold: Annotated[bool, typer.Option("--fold", help="For onnx: batch-norm as a part of the layer before it.")] = False,
    architecture: Architecture = "", in_shape: InShape = "", classes: Classes = None, data: Data = None,
) -> None:
    """Write a network as ONNX, as EdgePortal's safetensors, or as two slices.

    `inspect FILE` tells at which layers a network can be cut. The JSON object tells each file's SHA-256, its input and output
    shapes, and how far ONNX Runtime's answers are from the network's; a file that answers differently is not written.
    """
    if to not in FORMS:
        raise Refused(f"to: got {to!r}; allowed: {', '.join(FORMS)}")
    if bool(after) != (to == "slices"):
        raise Refused("after: slices need --after LAYER, the layer to be cut behind" if not after else
                      f"after: got {after!r}; only --to slices takes it")
    if fold and to != "onnx":
        raise Refused("fold: only --to onnx takes it")
    said = Said(architecture, in_shape, classes, data).checked()
    if out is None:
        readable(file, "model", alone=not data)
        out = untaken(file, "-slices" if to == "slices" else f"{'-folded' if fold else ''}.{to}")
    path = out_folder(out) if to == "slices" else out_file(out, (f".{to}",), [file])
    with said.order(file) as order:
        from worker.networks import exporting

        _tell(done(lambda: exporting.export(order, to, path, after, fold)))


def diff(
    one: Network, other: Network,
    table: Annotated[bool, typer.Option("--table", help="A table for people instead of JSON.")] = False,
    architecture: Architecture = "", in_shape: InShape = "", classes: Classes = None,
) -> None:
    """What became of each layer of the first network in the second: removed, narrowed, widened, changed, the same, added.

    Layers are matched by their names. The options hold for whichever file does not say it itself.
    """
    said = Said(architecture, in_shape, classes).checked()
    with said.order(one) as first, said.order(other) as second:
        from worker.networks import comparing

        found = done(lambda: comparing.compare(first, second))
        if table:
            print("\n".join(comparing.lines(found)))
        else:
            _tell(found.model_dump(mode="json"))


def _tell(answer: object) -> None:
    print(json.dumps(answer, allow_nan=False))

