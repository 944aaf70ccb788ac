# ruff: noqa: E501  tables of cases are read by their rows
"""The hostile files that the tests build: what each tries, and its bytes. A canary is a file that appears when one of them ran."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.worker.inspection import hostile_onnx

LIBRARY_WORDS = ("weights_only", "Traceback", "pickle.", "torch.load", "zipfile", "/work", "/tmp", "RuntimeError", "Error:", "onnxruntime", " at 0x")


def is_ours(sentence: str) -> bool:
    """One sentence for a person: no library's text, no path, nothing that a terminal would act upon."""
    plain = sentence.isprintable() and sentence[-1:] in (".", ":", ")") and len(sentence) < 450
    return plain and "stumble" not in sentence and not any(word in sentence for word in LIBRARY_WORDS)


class Bomb:
    """Unpickled by anything that runs pickles, it makes the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def header(tensors: dict[str, Any], data: bytes = b"", **metadata: str) -> bytes:
    head = json.dumps(tensors | ({"__metadata__": metadata} if metadata else {})).encode()
    return struct.pack("<Q", len(head)) + head + data


def tensor(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def archive(entries: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as file:
        for name, body in entries.items():
            file.writestr(name, body)
    return out.getvalue()


def torch_file(thing: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    torch.save(thing, out, **how)
    return out.getvalue()


def scripted() -> bytes:
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), out)
    return out.getvalue()


def exported_program() -> bytes:
    out = io.BytesIO()
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),)), out)
    return out.getvalue()


def described(name: str) -> bytes:
    """A file of the house whose input is called like that."""
    nodes = [{"name": name, "op": "input", "kind": "", "arguments": {}, "inputs": []},
             {"name": "r", "op": "layer", "kind": "ReLU", "arguments": {}, "inputs": [name]},
             {"name": "f", "op": "layer", "kind": "Flatten", "arguments": {"start_dim": 1, "end_dim": -1}, "inputs": ["r"]},
             {"name": "output", "op": "output", "kind": "", "arguments": {}, "inputs": ["f"]}]
    about = {"spec": {"version": 1, "nodes": nodes}, "in_shape": [1, 2, 2], "classes": 4, "name": "n", "trained": 0}
    return header({}, **{"edgeportal.network": json.dumps(about)})


def deflated() -> bytes:
    """The same archive, its zeros packed 1000 to 1."""
    plain = zipfile.ZipFile(io.BytesIO(torch_file({"w": torch.zeros(8_000_000)})))
    return archive({name: plain.read(name) for name in plain.namelist()}, zipfile.ZIP_DEFLATED)


def encrypted() -> bytes:
    body = bytearray(archive({"images.npy": b"x" * 50}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(magic) + at] |= 1
    return bytes(body)


def linked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        entry = zipfile.ZipInfo("images.npy")
        entry.external_attr = 0o120777 << 16
        file.writestr(entry, "/etc/passwd")
    return out.getvalue()


def npy(array: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **how)
    return out.getvalue()


def lying_count(entry: str = "archive/data.pkl") -> bytes:
    body = bytearray(archive({entry: b"x" * 50}))
    at = body.rindex(b"PK\x05\x06")
    body[at + 8:at + 12] = b"\xf0\xff\xf0\xff"
    return bytes(body)


MODELS: dict[str, Callable[[Path], bytes]] = {
    "a pickle that runs a command": lambda canary: pickle.dumps(Bomb(canary)),
    "a state_dict with a command in it": lambda canary: torch_file({"w": torch.zeros(2), "x": Bomb(canary)}),
    "the same in the old format": lambda canary: torch_file({"x": Bomb(canary)}, _use_new_zipfile_serialization=False),
    "a whole network": lambda _: torch_file(torch.nn.Linear(2, 2)),
    "TorchScript": lambda _: scripted(),
    "a .pt2 archive": lambda _: archive({"net/archive_format": b"pt2", "net/models/model.json": b"{}", "net/data/sample": b"x"}),
    "a .pt2 archive that torch.export wrote": lambda _: exported_program(),
    "a .pt2 archive of the older layout": lambda canary: archive({"serialized_exported_program.json": b"{}", "serialized_state_dict.pt": pickle.dumps(Bomb(canary)),
                                                                   "version": b"7"}),
    "a .pt2 archive with a pickle among its weights": lambda canary: archive({"net/archive_format": b"pt2", "net/data/weights/model.pt": pickle.dumps(Bomb(canary))}),
    "a .pt2 archive with compiled code": lambda _: archive({"net/data/aotinductor/model/net.so": b"\x7fELF", "net/archive_format": b"pt2"}),
    "a .pt2 archive whose shapes are a program": lambda canary: archive({"net/archive_format": b"pt2", "net/models/model.json": json.dumps(
        {"expr_str": f"__import__('os').system('touch {canary}')"}).encode()}),
    "a network whose names run": lambda canary: described("x=__import__('os')"),
    "a network whose input is no name": lambda _: described("0"),
    "a tensor of 10^12 numbers over 4 bytes": lambda _: torch_file({"w": torch.zeros(1).expand(10**12)}),
    "many names of one storage": lambda _: torch_file({f"w{n}": torch.zeros(10**6).view(10**6) if n == 0 else shared(n)
                                                       for n in range(4000)}),
    "a bomb of zeros": lambda _: deflated(),
    "a promise of much memory in a pickle": lambda _: archive({"archive/data.pkl": b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x0c\x85R.",
                                                        "archive/version": b"3"}),
    "an archive with two million entries": lambda _: lying_count(),
    "an encrypted archive": lambda _: encrypted(),
    "a path out of the archive": lambda _: archive({"../../etc/passwd": b"x"}),
    "an archive in an archive": lambda _: archive({"archive/data.pkl": b"x", "b.zip": archive({"a": b"x"})}),
    "two entries of one name": lambda _: archive({"archive/data.pkl": b"x", "ARCHIVE/data.pkl": b"y"}),
    "nothing": lambda _: b"",
    "one byte": lambda _: b"\x80",
    "a cut state_dict": lambda _: torch_file({"w": torch.zeros(5000)})[:9000],
    "a flipped state_dict": lambda _: torch_file({"w": torch.zeros(5000)}).replace(b"torch", b"t\xffrch", 1),
    "a web page": lambda _: b"<html><script>alert(1)</script></html>",
    "a pointer": lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9",
    "an empty ONNX": lambda _: b"\x08\x08\x12\x00" + bytes(20),
    "a header of 10 GB": lambda _: struct.pack("<Q", 10**10) + b"{" + bytes(50),
    "a header of a million tensors": lambda _: header({f"t{n}": tensor(0, 0, [0]) for n in range(12_000)}),
    "a header that nests 20,000 deep": lambda _: struct.pack("<Q", 40_000) + b'{"a":' + b"[" * 19_990 + b"]" * 19_990 + b"}" + bytes(30),
    "tensors that overlap": lambda _: header({"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, bytes(12)),
    "bytes behind the tensors": lambda _: header({"a": tensor(0, 8, [2])}, bytes(8) + b"<script>"),
    "a shape that overflows": lambda _: header({"a": tensor(0, 8, [2**40, 2**40])}, bytes(8)),
    "a type nobody knows": lambda _: header({"a": tensor(0, 8, [2], "F7")}, bytes(8)),
    "a type that is a list": lambda _: header({"a": {"dtype": [], "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
    "a name that is a path": lambda _: header({"../../evil<script>": tensor(0, 8, [2])}, bytes(8)),
    "a name that turns the text": lambda _: header({"\u202eevil": tensor(0, 8, [2])}, bytes(8)),
    "a name of 10 kB": lambda _: header({"a" * 10_000: tensor(0, 8, [2])}, bytes(8)),
    "two tensors of one name": lambda _: struct.pack("<Q", 122) + (
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.ljust(122)
        + bytes(8)),
    "a network that describes nonsense": lambda _: header({}, **{"edgeportal.network": '{"spec": {"nodes": 1}}'}),
    "a data set": lambda _: archive({"images.npy": npy(np.zeros((20, 8, 8), np.uint8))}),
}

_storage = torch.zeros(10**6)


def shared(_: int) -> torch.Tensor:
    return _storage[:]


GOOD = {"images": np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8), "labels": np.arange(20) % 2}


def npz(**changed: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **{name: array for name, array in (GOOD | changed).items() if array is not None})
    return out.getvalue()


def with_headers(**headers: bytes) -> bytes:
    return archive({f"{name}.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text for name, text in headers.items()})


DATA: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "an array of objects": (lambda canary: npz(images=np.array([Bomb(canary)] * 20, dtype=object)), "object arrays"),
    "1 MB that becomes 1 GiB": (lambda _: archive({"images.npy": npy(np.zeros((60_000, 28, 28), np.uint8)), "labels.npy": b"x"},
                                                  zipfile.ZIP_DEFLATED), "at most 100 times"),
    "more than is unpacked": (lambda _: npz(images=np.zeros((20, 400, 400), np.uint8)), "at most 2,000,000"),
    "a path out of the archive": (lambda _: archive({"../../images.npy": b"x"}), "leads out"),
    "an absolute path": (lambda _: archive({"/etc/images.npy": b"x"}), "leads out"),
    "a link": (lambda _: linked(), "no ordinary file"),
    "an encrypted entry": (lambda _: encrypted(), "encrypted"),
    "names that differ in case only": (lambda _: archive({"images.npy": b"x", "Images.npy": b"x"}), "same name"),
    "a million entries": (lambda _: lying_count("images.npy"), "at most 10,100"),
    "an archive in it": (lambda _: archive({"images.npy": b"x", "more.npz": b"x"}), "another archive"),
    "a text in it": (lambda _: archive({"images.npy": npy(GOOD["images"]), "read.me": b"x"}), "no NumPy array"),
    "more images than labels": (lambda _: npz(labels=np.arange(19) % 2), "20 images and 19 labels"),
    "labels of too many sides": (lambda _: npz(labels=np.zeros((20, 2), int)), "20x2"),
    "a negative label": (lambda _: npz(labels=np.array([0, 1] * 9 + [0, -3])), "row 19 is -3"),
    "a label without a name": (lambda _: npz(labels=np.array([0, 1] * 9 + [0, 7]), label_names=np.array(["a", "b"])), "row 19 is 7; there are 2"),
    "labels that are no whole numbers": (lambda _: npz(labels=np.linspace(0, 1, 20)), "float64"),
    "one class": (lambda _: npz(labels=np.zeros(20, int)), "1 class"),
    "no rows": (lambda _: npz(images=np.zeros((0, 8, 8), np.uint8), labels=np.zeros(0, int)), "no images"),
    "one row": (lambda _: npz(images=np.zeros((1, 8, 8), np.uint8), labels=np.zeros(1, int)), "is 1; at least 10"),
    "no number in an image": (lambda _: npz(images=np.full((20, 8, 8), np.nan, np.float32)), "row 0 holds nan"),
    "images from 0 to 255 as floats": (lambda _: npz(images=GOOD["images"].astype(np.float32)), "row 0 holds 2; save 0 to 255"),
    "complex images": (lambda _: npz(images=np.zeros((20, 8, 8), complex)), "complex128"),
    "half floats": (lambda _: npz(images=np.zeros((20, 8, 8), np.float16)), "float16"),
    "dates": (lambda _: npz(labels=np.zeros(20, "M8[s]")), "M8"),
    "bytes in the other order": (lambda _: npz(images=np.zeros((20, 8, 8), ">f4")), ">f4"),
    "two channels": (lambda _: npz(images=np.zeros((20, 8, 8, 2), np.uint8)), "8x8x2"),
    "five sides": (lambda _: npz(images=np.zeros((2, 2, 2, 2, 2), np.uint8)), "at most 4"),
    "no labels": (lambda _: npz(labels=None), "no labels"),
    "nothing of use": (lambda _: npz(images=None, labels=None, film=np.zeros(3)), "holds film"),
    "a mean of 125": (lambda _: npz(mean=np.array([125.3]), std=np.array([0.2])), "125.3"),
    "a mean too many": (lambda _: npz(mean=np.zeros(3)), "1 number"),
    "an unknown channel order": (lambda _: npz(channel_order="HSV"), "HSV"),
    "40 GB in a header": (lambda _: with_headers(images=b"{'descr':'|u1','fortran_order':False,'shape':(40000000000,)}\n"), "40,000,000,000"),
    "a header that is a program": (lambda canary: with_headers(images=b"__import__('os').system('touch x')\n"), "no header"),
    "a header of negative sides": (lambda _: with_headers(images=b"{'descr':'|u1','fortran_order':False,'shape':(-1,8,8)}\n"), "-1x8x8"),
    "a long header": (lambda _: with_headers(images=b" " * 30_000 + b"{}"), "no header"),
    "a cut archive": (lambda _: npz()[:1500], "cut off"),
    "a damaged archive": (lambda _: npz().replace(bytes(range(64, 90)), bytes(26), 1), "damaged"),
    "a film": (lambda _: b"\x00\x00\x00\x18ftypmp42" + bytes(99), "neither"),
    "weights": (lambda _: torch_file({"w": torch.zeros(3)}), "Models page"),
}


# Networks: every one is refused, in one sentence.
NETWORKS: dict[str, Callable[[Path], bytes]] = MODELS | hostile_onnx.HOSTILE
