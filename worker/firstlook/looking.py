"""What a file is, by its first bytes: a wrong one is told in one sentence before the rest of it is sent. No torch here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.firstlook import data, graphs, sentences, tape
from worker.firstlook.sentences import Unfit
from worker.firstlook.tensors import header, is_complete, is_safetensors

NETWORK, DATASET = "edgeportal.network", "edgeportal.dataset"
LEGACY_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"

# Files that people take for something else, by how they begin: (where, bytes, what to call them).
STRANGERS = (
    (0, b"\x89HDF", "an HDF5 (Keras) file"), (4, b"TFL3", "a TensorFlow Lite file"), (0, b"GGUF", "a GGUF file"),
    (0, b"\x1f\x8b", "a gzip archive"), (0, b"7z\xbc\xaf", "a 7z archive"), (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"), (0, b"%PDF", "a PDF"), (0, b"\x89PNG", "a picture"), (0, b"\xff\xd8\xff", "a picture"),
    (0, b"GIF8", "a picture"), (0, b"BZh", "a bzip2 archive"), (0, b"\xfd7zXZ", "an xz archive"), (0, b"\x7fELF", "a program"),
    (0, b"PAR1", "a Parquet file"), (0, b"MZ", "a program"),
)


def look(kind: str, name: str, head: bytes, size: int, *, alone: bool = True) -> str:
    """Unfit when the beginning `head` of a file of `size` bytes shows that it is no `kind` ("model" or "dataset").

    Of a data set, what it is in a few words, where that can be seen. A short beginning shows little; the inspection of the
    whole file decides. `alone`: no file with weights comes with it.
    """
    thing = "model" if kind == "model" else "data set"
    _is_text(head, thing)
    if kind == "dataset" and (tape.is_gzip(head) or tape.is_tape(head)):
        return data.of_tape(head)
    for where, magic, called in STRANGERS:
        if head[where:where + len(magic)] == magic:
            raise Unfit(f"This is {called}. {_wanted(kind)}")
    if is_safetensors(head, size):
        return _of_safetensors(kind, head, size)
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(kind, name, list(entries(head)), whole=len(head) >= size)
    if head.startswith(b"\x93NUMPY"):
        raise Unfit(sentences.ONE_ARRAY if kind == "dataset" else sentences.ARRAYS)
    return _of_rest(kind, name, head, size, alone=alone) if len(head) >= 8 else ""


def _wanted(kind: str) -> str:
    return sentences.SEND_MODEL if kind == "model" else sentences.SEND_DATASET


def _is_text(head: bytes, thing: str) -> None:
    start = head[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<svg")):
        raise Unfit(sentences.WEB_PAGE.format(thing=thing))
    if start.startswith(b"version https://git-lfs"):
        raise Unfit(sentences.LFS.format(thing=thing))


def _of_safetensors(kind: str, head: bytes, size: int) -> str:
    metadata = header(head, size).get("__metadata__", {}) if is_complete(head, size) else None
    if kind == "dataset" and metadata is not None and DATASET not in metadata:
        raise Unfit(sentences.WEIGHTS if NETWORK in metadata else sentences.NO_DESCRIPTION)
    if kind == "model" and metadata and DATASET in metadata:
        raise Unfit("This is a data set that EdgePortal wrote. Drop it on the Data page.")
    return "a data set of EdgePortal" if kind == "dataset" else ""


def entries(head: bytes) -> Iterator[str]:
    """The names in the local headers of a zip that can be seen in its beginning."""
    for found in re.finditer(rb"PK\x03\x04.{22}(..)..", head, re.DOTALL):
        length = int.from_bytes(found.group(1), "little")
        if 0 < length <= 512:
            yield head[found.end():found.end() + length].decode("utf-8", "replace")


def _of_zip(kind: str, name: str, names: list[str], *, whole: bool) -> str:
    if kind == "dataset":
        if any(each.endswith(("data.pkl", ".onnx")) for each in names):
            raise Unfit(sentences.WEIGHTS)
        found = data.of_names(names, whole=whole)
        if whole and not found:
            raise Unfit(sentences.NO_DATASET)
        return found  # What it is, only the directory at the end can tell for sure.
    if any(each.endswith(".npy") for each in names[:1]):
        raise Unfit(sentences.ARRAYS)
    if name.lower().endswith(".zip") or is_bundle(names):
        return ""  # An ONNX model with its data files, which again the directory tells.
    told = program(names)
    if told:
        raise Unfit(told)
    return ""


def is_bundle(names: list[str]) -> bool:
    """Whether an archive with these entries is an ONNX model with its data files: nothing else in it is ever opened."""
    return any(each.lower().endswith(".onnx") for each in names)


def program(names: list[str]) -> str:
    """Which kind of program a torch archive with these entries is, in one sentence; empty for a plain state_dict."""
    if any(re.search(r"(^|/)(code/|constants\.pkl)", name) for name in names):
        return sentences.TORCHSCRIPT
    if any(re.search(r"(^|/)(archive_format|models/|serialized_exported_program|aotinductor)", name) for name in names):
        return sentences.PT2
    return ""


def _of_rest(kind: str, name: str, head: bytes, size: int, *, alone: bool) -> str:
    if kind == "model" and head.startswith(LEGACY_TORCH):
        return ""
    records = data.of_records(name, head, size) if kind == "dataset" else ""
    if records:
        return records
    if head[:1] == b"\x80" and head[1] in range(2, 6):
        raise Unfit(sentences.PICKLE if kind == "model" else sentences.NO_DATASET)
    is_onnx = graphs.looks_like_onnx(head)
    if kind == "dataset":
        raise Unfit(sentences.WEIGHTS if is_onnx else sentences.NO_DATASET)
    if is_onnx:
        seen = graphs.glance(head, size)
        if alone:
            graphs.alone(seen)
        return ""
    raise Unfit(sentences.NO_ONNX if name.lower().endswith(".onnx") else sentences.NO_MODEL)
