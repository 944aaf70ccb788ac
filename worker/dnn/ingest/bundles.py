"""An ONNX model out of an upload: one file, or a zip of one model and its data files, merged. Nothing else is opened."""

from __future__ import annotations

import mmap
import posixpath
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from worker import archives, firstlook
from worker.firstlook import Unfit, graphs, printable
from worker.firstlook.sentences import LEADS_OUT

# One protobuf message cannot be larger than 2 GiB.
MOST_BYTES = 1_900_000_000
LONGEST_NUMBER = 18
NEVER_READ = ("__MACOSX/", ".DS_Store")
DAMAGED = "The archive is damaged: its entry {name!r} cannot be unpacked."
MISSING = "The model wants its weights from {name!r}, which is not in the archive: zip it together with the model."
UNNAMED = "The archive holds {name!r}, which the model does not name: zip the model and its data files, nothing else."
UNPARSED = "The ONNX file is damaged: it cannot be read as a model."
TOO_LARGE = "The model has {got:,} bytes with its weights; an ONNX model may have {most:,}."


def is_onnx(path: Path, most_bytes: int) -> bool:
    """Whether the file is an ONNX model, or an archive with one; Unfit for an archive that cannot be opened."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head.startswith(b"PK\x03\x04"):
        return graphs.looks_like_onnx(head)
    with archives.opened(path, most_bytes) as archive:
        return firstlook.is_bundle(archive.namelist())


def read(path: Path, most_bytes: int) -> bytes:
    """The model as one file's bytes, counted and measured, none of its weights elsewhere. Unfit in one sentence."""
    most = min(most_bytes, MOST_BYTES)
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            return _merged(path, most)
    _fits(path.stat().st_size, most)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as seen:
        graphs.alone(graphs.outline(seen))
    return path.read_bytes()


def _fits(size: int, most: int) -> None:
    if size > most:
        raise Unfit(TOO_LARGE.format(got=size, most=most))


def _merged(path: Path, most: int) -> bytes:
    with archives.opened(path, most) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_never_read(entry.filename)]
        models = [entry for entry in entries if entry.filename.lower().endswith(".onnx")]
        if len(models) != 1:
            raise Unfit(f"The archive holds {len(models)} ONNX models; one is taken at a time.")
        body = _unpacked(archive, models[0], most)
        if graphs.outline(body).separate is None:
            _nothing_else(entries, {models[0].filename})
            return body
        return _with_its_data(archive, entries, models[0], body, most)


def _is_never_read(name: str) -> bool:
    return name.startswith(NEVER_READ[0]) or posixpath.basename(name) == NEVER_READ[1]


def _nothing_else(entries: Iterable[zipfile.ZipInfo], wanted: set[str]) -> None:
    other = next((entry.filename for entry in entries if entry.filename not in wanted), None)
    if other is not None:
        raise Unfit(UNNAMED.format(name=printable(other)))


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """An entry's bytes, counted while they are unpacked: its directory may lie."""
    _fits(entry.file_size, most)
    try:
        with archive.open(entry) as source:
            body = source.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise Unfit(DAMAGED.format(name=printable(entry.filename))) from error
    if len(body) != entry.file_size:
        raise Unfit(DAMAGED.format(name=printable(entry.filename)))
    return body


def _with_its_data(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], model: zipfile.ZipInfo, body: bytes,
                   most: int) -> bytes:
    found = _parsed(body)
    separate = [tensor for tensor in tensors(found) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    places = [_Place(tensor, posixpath.dirname(model.filename)) for tensor in separate]
    # Many tensors may point at the same bytes: what they are together is known before any is read.
    _fits(len(body) + sum(place.length for place in places), most)
    there = {entry.filename: entry for entry in entries}
    for place in places:
        if place.name not in there:
            raise Unfit(MISSING.format(name=printable(place.location)))
    _nothing_else(entries, {model.filename, *(place.name for place in places)})
    for name in sorted({place.name for place in places}):
        data = memoryview(_unpacked(archive, there[name], most))
        for place in places:
            if place.name == name:
                place.fill(data)
    return bytes(found.SerializeToString())


def _parsed(body: bytes) -> onnx.ModelProto:
    found = onnx.ModelProto()
    try:
        found.ParseFromString(body)
    except DecodeError as error:
        raise Unfit(UNPARSED) from error
    return found


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model, wherever it stands."""
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)
        yield from _of_attributes(function.attribute_proto)
    for training in model.training_info:
        yield from _of_graph(training.initialization)
        yield from _of_graph(training.algorithm)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    yield from _of_sparse(graph.sparse_initializer)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        yield from _of_attributes(node.attribute)


def _of_attributes(attributes: Iterable[onnx.AttributeProto]) -> Iterator[onnx.TensorProto]:
    for attribute in attributes:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        yield from _of_sparse([*([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
                               *attribute.sparse_tensors])
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            yield from _of_graph(graph)


def _of_sparse(found: Iterable[onnx.SparseTensorProto]) -> Iterator[onnx.TensorProto]:
    for each in found:
        yield each.values
        yield each.indices


class _Place:
    """Where a tensor's bytes lie: in which file of the upload, from where, and how many."""

    def __init__(self, tensor: onnx.TensorProto, folder: str) -> None:
        self.tensor = tensor
        said: dict[str, str] = {}
        for entry in tensor.external_data:
            if entry.key in said:
                raise self._odd("says twice where its weights lie")
            said[entry.key] = entry.value
        self.location = said.get("location", "")
        self.name = posixpath.normpath(posixpath.join(folder, _plain(self.location)))
        self.offset = self._number(said.get("offset", "0"))
        self.length = self._size()
        if self._number(said.get("length", str(self.length))) != self.length:
            raise self._odd(f"takes {self.length:,} bytes by its shape and says that it has others")

    def _odd(self, what: str) -> Unfit:
        return Unfit(f"The tensor {printable(self.tensor.name)!r} of the ONNX file {what}.")

    def _number(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
            raise self._odd("says no place where its weights could lie")
        return int(text)

    def _size(self) -> int:
        size = graphs.ITEM_BYTES.get(self.tensor.data_type)
        if size is None:
            raise self._odd("is of a type that no data file holds")
        for side in self.tensor.dims:
            size *= side
        return size

    def fill(self, data: Any) -> None:
        """Put the bytes where the model itself would have them."""
        if self.offset + self.length > len(data):
            raise self._odd(f"should reach to byte {self.offset + self.length:,} of {printable(self.location)!r}, "
                            f"which has {len(data):,}")
        for field in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data", "external_data"):
            self.tensor.ClearField(field)
        self.tensor.raw_data = bytes(data[self.offset:self.offset + self.length])
        self.tensor.data_location = onnx.TensorProto.DEFAULT


def _plain(location: str) -> str:
    """A name in the folder of the model or below; Unfit for what leads anywhere else."""
    if graphs.leads_out(location):
        raise Unfit(LEADS_OUT.format(name=printable(location)))
    return location
