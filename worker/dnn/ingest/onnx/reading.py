"""From the bytes of an ONNX file to a network of the house, compared with the file before it is handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from onnx import NodeProto, ValueInfoProto, helper
from torch import fx

from worker.dnn.effort import MOST_ACTIVATION_BYTES, MOST_OPERATIONS, affordable, operations
from worker.dnn.export.parity import Parity
from worker.dnn.ingest.onnx import comparing, meanings, structures
from worker.dnn.ingest.onnx.activating import ACTIVATING
from worker.dnn.ingest.onnx.calculating import CALCULATING
from worker.dnn.ingest.onnx.convolving import CONVOLVING
from worker.dnn.ingest.onnx.cutting import CUTTING
from worker.dnn.ingest.onnx.embodying import fill, outlined
from worker.dnn.ingest.onnx.folding import FOLDS, all_known, fold
from worker.dnn.ingest.onnx.gates import Gate, gate
from worker.dnn.ingest.onnx.merging import has_merged, merged
from worker.dnn.ingest.onnx.moving import MOVING
from worker.dnn.ingest.onnx.normalising import NORMALISING
from worker.dnn.ingest.onnx.opening import Opened, opened, refuse_strangers
from worker.dnn.ingest.onnx.pooling import POOLING
from worker.dnn.ingest.onnx.reducing import REDUCING
from worker.dnn.ingest.onnx.resizing import RESIZING
from worker.dnn.ingest.onnx.sheet import Sheet
from worker.dnn.ingest.onnx.values import BatchMixed, Call, Flow, Known, Merged, Value
from worker.dnn.ingest.restoring import restorable
from worker.dnn.shapes import Shape
from worker.firstlook import Unfit, printable
from worker.reasons import is_ours

OPERATORS: dict[str, Callable[[Sheet, Call], Any]] = {
    **CONVOLVING, **NORMALISING, **ACTIVATING, **CALCULATING, **MOVING, **CUTTING, **REDUCING, **POOLING, **RESIZING,
}
KNOWN = frozenset(OPERATORS) | frozenset(FOLDS)
MOST_BATCH_FACTOR = 4
BATCH = "The file takes exactly {count:,} images at a time, more than can be compared here: export it for any batch, or for one."
FOLDED = ("None of its convolutions has batch-norm, which exporters fold away: a training that starts 'restored' gives it to "
          "{count:,} of them again.")
# How many fixed numbers are made of others, before the file is refused; what only looks at them anew costs nothing.
MOST_FOLDED = 1_000_000_000
_VIEWS = frozenset({"Constant", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Shape", "Flatten"})
# What numbers and lists that do not fit together raise, wherever they are first used.
_ODD = (TypeError, KeyError, IndexError, OverflowError, ZeroDivisionError, AttributeError, RuntimeError, AssertionError)
# Weights that one look at keep the name of the tensor they were made from.
_SAME = frozenset({"Identity", "Transpose", "Cast", "Reshape", "Unsqueeze", "Squeeze"})


@dataclass(frozen=True)
class Read:
    """A network for images of `in_shape`, what its reader should know of it, and how far it is from the file's answers."""

    network: fx.GraphModule
    in_shape: Shape
    name: str
    notes: list[str]
    parity: Parity


def read(body: bytes, in_shape: Shape | None = None) -> Read:
    """The network in the file, in evaluation mode, its weights trainable.

    Raises Unfit in one sentence; SizeUnknown when the file leaves the images' size open and `in_shape` does not tell it.
    """
    try:
        file = opened(body)
        sheet, at = _drawn(file, gate(file, in_shape))
        return _checked(file, body, at, sheet)
    except ValueError as error:
        if isinstance(error, Unfit) or not is_ours(error):
            raise
        raise Unfit(str(error)) from error  # of the internal form: a layer that it does not know with these arguments


def _checked(file: Opened, body: bytes, at: Gate, sheet: Sheet) -> Read:
    """ONNX Runtime first: its copies of the weights are gone before ours are made."""
    network = outlined(sheet, len(body))
    _check_batch(at, affordable(network, at.in_shape).activation_bytes, operations(network, at.in_shape))
    images = comparing.images((at.samples, *at.in_shape))
    theirs = comparing.answers_of_file(body, at.for_file(images))
    fill(sheet, network)
    parity = comparing.compared(network, images, theirs)
    return Read(network, at.in_shape, printable(file.graph.name), [*at.notes, *_folded(network)], parity)


def _check_batch(at: Gate, activation_bytes: int, count: int) -> None:
    """A file that fixes its batch is run with all of it."""
    if at.samples * max(activation_bytes / MOST_ACTIVATION_BYTES, count / MOST_OPERATIONS) > MOST_BATCH_FACTOR:
        raise Unfit(BATCH.format(count=at.samples))


def _folded(network: fx.GraphModule) -> list[str]:
    """Exporters fold batch-norm away; a training from initialisation may want it."""
    count = restorable(network)
    return [FOLDED.format(count=count)] if count > 1 else []


def _drawn(file: Opened, at: Gate) -> tuple[Sheet, Gate]:
    """A graph that says it takes any batch but was written for one image is read as one for one image."""
    try:
        return _drawn_for(file, at), at
    except BatchMixed:
        if at.batch is not None:
            raise
        single = at.for_one_image()
        return _drawn_for(file, single), single


def _drawn_for(file: Opened, at: Gate) -> Sheet:
    sheet = Sheet((2, 3) if at.batch is None else (at.batch, at.batch))
    desk = _Desk(file, sheet, {name: Known.of(array) for name, array in file.constants.items()}, turned=at.turned)
    desk.values[at.name] = sheet.begin(printable(at.name) or "images", at.in_shape)
    for number, node in enumerate(file.graph.node):
        desk.work(node, number)
    sheet.graph.output(desk.result(file.graph.output).node)
    sheet.sweep()
    meanings.recognise(sheet)
    structures.recognise(sheet)
    return sheet


@dataclass
class _Desk:
    """What every name of the graph stands for so far."""

    file: Opened
    sheet: Sheet
    values: dict[str, Value]
    origins: dict[str, str] = field(default_factory=dict)
    turned: frozenset[str] = frozenset()
    folded: int = 0

    def work(self, node: NodeProto, number: int) -> None:
        refuse_strangers(node, KNOWN)
        call = self._call(node, number)
        if self.turned.intersection(call.names):
            call = replace(call, inputs=[_channels_first(value) for value in call.inputs])
            if call.op == "Transpose":
                self.values[call.outputs[0]] = call.flow()
                return
        found = self._done(call)
        if len(found) < len([name for name in call.outputs if name]):
            raise call.refuse("gives results that are not known here")
        for name, value in zip(call.outputs, found, strict=False):
            if name and name in self.values:
                raise call.refuse(f"gives a result named {printable(name)!r}, which there is already")
            if name and value is not None:
                self.values[name] = value
        if call.op in _SAME and call.outputs[0]:
            self.origins[call.outputs[0]] = call.origins[0]

    def _call(self, node: NodeProto, number: int) -> Call:
        missing = next((name for name in node.input if name and name not in self.values), None)
        told = node.name or f"{node.op_type}_{number}"
        if missing is not None or not node.output:
            read = f"{printable(missing or 'nothing')!r}, which nothing before it gives"
            raise Unfit(f"The node {printable(told)} ({printable(node.op_type)}) reads {read}.")
        attributes = {entry.name: _plain(helper.get_attribute_value(entry)) for entry in node.attribute}
        return Call(node.op_type, told, self.file.opset, attributes, [self.values.get(name) for name in node.input],
                    list(node.input), list(node.output), [self.origins.get(name, name) for name in node.input])

    def _done(self, call: Call) -> list[Value | None]:
        try:
            if call.op in FOLDS and all_known(call.inputs):
                return self._folded(call)
            if has_merged(call):
                return _listed(merged(self.sheet, call, OPERATORS.get(call.op)))
            if call.op not in OPERATORS:
                raise call.refuse("works on results of the network; it is read for fixed numbers only")
            found = OPERATORS[call.op](self.sheet, call)
        except _ODD as error:
            raise call.refuse("has inputs or attributes that do not fit together") from error
        except ValueError as error:
            raise error if isinstance(error, Unfit) else call.refuse("does not fit what it is given") from error
        return _listed(found)

    def _folded(self, call: Call) -> list[Value | None]:
        """Numbers of numbers, while they are not too many: a few nodes can ask for any amount of them."""
        found = list(fold(call))
        if call.op not in _VIEWS:
            self.folded += sum(value.one.size for value in (*call.inputs, *found) if isinstance(value, Known))
        if self.folded > MOST_FOLDED:
            raise call.refuse(f"is one of many that calculate with fixed numbers: over {MOST_FOLDED:,} together")
        return [*found]

    def result(self, outputs: Iterable[ValueInfoProto]) -> Flow:
        (name,) = [output.name for output in outputs]
        value = self.values.get(name)
        if isinstance(value, Merged):
            raise BatchMixed("The output of the ONNX file does not keep the samples of a batch apart.")
        if not isinstance(value, Flow):
            raise Unfit("The output of the ONNX file does not depend on its input.")
        return value


def _channels_first(value: Value | None) -> Value | None:
    """Fixed numbers that spread over images with their channels last, as they spread over those with channels first."""
    if not isinstance(value, Known) or not 1 <= value.one.ndim <= 4 or not value.is_fixed:
        return value
    full = value.one.reshape((1,) * (4 - value.one.ndim) + value.one.shape)
    return Known.of(np.ascontiguousarray(full.transpose(0, 3, 1, 2)))


def _listed(found: Any) -> list[Value | None]:
    return found if isinstance(found, list) else [found]


def _plain(value: Any) -> Any:
    """Attributes as Python's own: texts and lists."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if not isinstance(value, str | int | float) and hasattr(value, "__len__") else value
