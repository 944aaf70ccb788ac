"""Archives of images as people have them: CIFAR's binary files and folders of pictures, in their true formats but small."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from worker import datasets
from worker.context import DatasetInput

Array = np.ndarray[Any, Any]
CIFAR_10_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def records(images: Array, *labels: Array) -> bytes:
    """CIFAR's: the labels of an image, a byte each, then its red, green and blue plane."""
    columns = [np.asarray(column, np.uint8)[:, None] for column in labels]
    return np.hstack([*columns, images.reshape(len(images), -1)]).astype(np.uint8).tobytes()


def noise(count: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32), np.uint8)


def cifar_10(images: Array | None = None, labels: Array | None = None, test: int = 20) -> dict[str, bytes]:
    """The files as they are distributed, in the order of the true archive: five batches, one to test with, the names."""
    images = noise(120) if images is None else images
    labels = np.arange(len(images)) % 10 if labels is None else labels
    train = np.array_split(np.arange(len(images) - test), 5)
    batch = {number: records(images[rows], labels[rows]) for number, rows in enumerate(train, 1)}
    files = {f"data_batch_{number}.bin": batch[number] for number in (1, 3, 4)}
    files["batches.meta.txt"] = ("\n".join(CIFAR_10_NAMES) + "\n\n").encode()
    files |= {"test_batch.bin": records(images[-test:], labels[-test:]), "readme.html": b"<html></html>"}
    files |= {f"data_batch_{number}.bin": batch[number] for number in (5, 2)}
    return {f"cifar-10-batches-bin/{name}": body for name, body in files.items()}


def cifar_100(count: int = 300, test: int = 100) -> dict[str, bytes]:
    images, fine = noise(count), np.arange(count) % 100
    names = "\n".join(f"thing {number}" for number in range(100)).encode()
    files = {"fine_label_names.txt": names, "coarse_label_names.txt": b"a\nb\n",
             "train.bin": records(images[:-test], fine[:-test] // 5, fine[:-test]),
             "test.bin": records(images[-test:], fine[-test:] // 5, fine[-test:])}
    return {f"cifar-100-binary/{name}": body for name, body in files.items()}


def digits() -> tuple[Array, Array]:
    """Images that a network can learn: the house's digits of 32x32."""
    data = datasets.load(DatasetInput("digits32"))
    parts = data.parts.values()
    return (np.concatenate([part.images.numpy() for part in parts]), np.concatenate([part.labels.numpy() for part in parts]))


def tape(files: Mapping[str, bytes], *, how: str = "w:gz", form: int = tarfile.GNU_FORMAT, folders: bool = True) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=how, format=form) as archive:  # type: ignore[call-overload]
        if folders:
            top = tarfile.TarInfo(next(iter(files)).partition("/")[0])
            top.type = tarfile.DIRTYPE
            archive.addfile(top)
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def folder(files: Mapping[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def picture(
    colour: Any = (200, 10, 30), size: tuple[int, int] = (8, 6), mode: str = "RGB", form: str = "PNG", **how: Any,
) -> bytes:
    """One picture of a single colour; `size` is width and height."""
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, form, **how)
    return out.getvalue()


def drawn(pixels: Array, form: str = "PNG", **how: Any) -> bytes:
    """One picture of these pixels, (height, width) or (height, width, 3)."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **how)
    return out.getvalue()


def classes(each: int = 10, names: tuple[str, ...] = ("cat", "dog")) -> dict[str, bytes]:
    """A folder for each class; the red of a picture is its number, the green its class."""
    return {f"{name}/{number}.png": picture((number, 50 * place, 0)) for place, name in enumerate(names)
            for number in range(each)}


def tiny_imagenet(each: int = 10) -> dict[str, bytes]:
    """The true layout: a train folder with classes, a val folder with a list, a test folder without labels, and the words."""
    classes = ("n01443537", "n01629819", "n01641577")
    files = {"wnids.txt": "\n".join(classes).encode(),
             "words.txt": b"n01443537\tgoldfish, Carassius auratus\nn01629819\tEuropean fire salamander\nn01641577\tbullfrog"}
    for place, name in enumerate(classes):
        files[f"train/{name}/{name}_boxes.txt"] = b"x"
        files |= {f"train/{name}/images/{name}_{n}.JPEG": picture((0, 90 * place, n), (64, 64), form="JPEG") for n in range(each)}
    for number in range(6):
        files[f"val/images/val_{number}.JPEG"] = picture((255, 90 * (number % 3), 0), (64, 64), form="JPEG")
        files[f"test/images/test_{number}.JPEG"] = picture((9, 9, 9), (64, 64), form="JPEG")
    files["val/val_annotations.txt"] = "".join(
        f"val_{number}.JPEG\t{classes[number % 3]}\t0\t0\t62\t62\n" for number in range(6)).encode()
    return {f"tiny-imagenet-200/{name}": body for name, body in files.items()}
