"""Data sets are named by their first bytes, or refused with what to send instead, before the rest of them is sent."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from tests.worker.inspection import made
from worker.firstlook import Unfit, look

HEAD = 100_000


def arrays() -> bytes:
    out = io.BytesIO()
    np.savez(out, images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2)
    return out.getvalue()


NAMED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "cifar-10-binary.tar.gz": ("cifar-10-binary.tar.gz", lambda: made.tape(made.cifar_10(made.noise(2000))), "CIFAR-10, binary"),
    "the same unpacked": ("cifar.tar", lambda: made.tape(made.cifar_10(made.noise(2000)), how="w:"), "CIFAR-10, binary"),
    "cifar-100-binary.tar.gz": ("cifar-100-binary.tar.gz", lambda: made.tape(made.cifar_100()), "CIFAR-100, binary"),
    "CIFAR in a zip": ("cifar.zip", lambda: made.folder(made.cifar_10()), "CIFAR-10, binary"),
    "a single batch": ("data_batch_1.bin", lambda: made.records(made.noise(90), np.arange(90) % 10), "CIFAR-10, binary"),
    "a single batch of the other": ("x.bin", lambda: made.records(made.noise(90), np.arange(90) % 20, np.arange(90)),
                                    "CIFAR-100, binary"),
    "pictures": ("birds.zip", lambda: made.folder(made.classes()), "pictures in folders"),
    "Tiny ImageNet": ("tiny.zip", lambda: made.folder(made.tiny_imagenet()), "pictures in folders"),
    "arrays": ("d.npz", arrays, "NumPy arrays"),
}


@pytest.mark.parametrize("case", NAMED)
def test_it_is_named_by_its_beginning(case: str) -> None:
    name, make, said = NAMED[case]
    body = make()
    assert look("dataset", name, body[:HEAD], len(body)) == said


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "pickled CIFAR": ("cifar-10-python.tar.gz", made.tape({"cifar-10-batches-py/data_batch_4": b"\x80\x02}"}), "binary version"),
    "CIFAR for Matlab": ("cifar-10-matlab.tar.gz", made.tape({"cifar-10-batches-mat/test_batch.mat": b"x"}), "for Matlab"),
    "pictures in a tar": ("birds.tgz", made.tape(made.classes()), "go into a zip"),
    "a gzipped text": ("a.csv.gz", gzip.compress(b"a,b\n" * 500), "no tar archive in it"),
    "a Word document": ("a.docx", made.folder({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "neither an .npz"),
    "a binary file of another kind": ("weights.bin", bytes(range(256)) * 13, "neither an .npz"),
    "labels beyond all classes": ("data_batch_1.bin", made.records(made.noise(90), np.arange(90)), "neither an .npz"),
    "one picture": ("cat.png", made.picture(), "This is a picture"),
    "a RAR archive": ("a.rar", b"Rar!\x1a\x07\x00" + bytes(99), "RAR archive"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_data_set_is_told_what_to_send_instead(case: str) -> None:
    name, body, word = REFUSED[case]
    with pytest.raises(Unfit) as told:
        look("dataset", name, body[:HEAD], len(body))
    assert word in str(told.value) and str(told.value).endswith(".")


def test_a_data_set_is_no_model() -> None:
    for body in (made.tape(made.cifar_10()), made.tape(made.cifar_10(), how="w:")):
        with pytest.raises(Unfit, match="Send an ONNX model"):
            look("model", "cifar.tar.gz", body, len(body))


def test_no_more_than_a_megabyte_of_a_bomb_is_unpacked() -> None:
    body = gzip.compress(bytes(300_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(Unfit, match="no tar archive"):
            look("dataset", "a.tar.gz", body, len(body))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
