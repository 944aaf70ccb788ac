"""CIFAR's binary archives, as they are distributed, become data sets: all images, their labels, the official test part."""

from __future__ import annotations

import tarfile
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.worker.inspection import made
from tests.worker.inspection.desk import Desk
from worker import datasets
from worker.firstlook import Unfit
from worker.inspection.order import DatasetFound


def found(desk: Desk, body: bytes, name: str = "cifar.tar.gz") -> tuple[DatasetFound, datasets.Data]:
    answer = desk.dataset(desk.file(body, name))
    assert isinstance(answer, DatasetFound)
    return answer, datasets.read(desk.folder / "out" / answer.file)


def rows(part: datasets.Part) -> list[tuple[bytes, int]]:
    return [(image.numpy().tobytes(), int(label)) for image, label in zip(part.images, part.labels, strict=True)]


PACKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar.gz": made.tape,
    "tar": lambda files: made.tape(files, how="w:"),
    "pax": lambda files: made.tape(files, form=tarfile.PAX_FORMAT),
    "the oldest tar": lambda files: made.tape(files, how="w:", form=tarfile.USTAR_FORMAT, folders=False),
    "zip": made.folder,
    "packed zip": lambda files: made.folder(files, 8),
}


@pytest.mark.parametrize("how", PACKERS)
def test_cifar_10_becomes_a_data_set_however_it_is_packed(desk: Desk, how: str) -> None:
    images = made.noise(120)
    answer, data = found(desk, PACKERS[how](made.cifar_10(images)))
    assert answer.counts == {"train": 90, "validation": 10, "test": 20} and answer.in_shape == (3, 32, 32)
    assert answer.labels == made.CIFAR_10_NAMES and data.channel_order == "RGB"
    assert rows(data.parts["test"]) == [(image.tobytes(), n % 10) for n, image in enumerate(images[100:], 100)]
    train = {*rows(data.parts["train"]), *rows(data.parts["validation"])}
    assert train == {(image.tobytes(), n % 10) for n, image in enumerate(images[:100])}


def test_the_same_images_give_the_same_file_however_they_are_packed(desk: Desk) -> None:
    made_of = set()
    for pack in PACKERS.values():
        found(desk, pack(made.cifar_10()))
        made_of.add((desk.folder / "out" / "data.safetensors").read_bytes().replace(b"cifar.tar.gz", b""))
    assert len(made_of) == 1


def test_the_batches_come_by_their_numbers_and_not_as_they_lie_in_the_archive(desk: Desk) -> None:
    images = made.noise(120)
    _, data = found(desk, made.tape(made.cifar_10(images)))
    place = {image.tobytes(): number for number, image in enumerate(images)}
    order = [place[body] for body, _ in rows(data.parts["train"])]
    assert order == sorted(order)


def test_validation_is_dealt_out_of_train_with_each_class_in_its_proportion_and_test_stays(desk: Desk) -> None:
    answer, data = found(desk, made.tape(made.cifar_10(made.noise(1020))))
    assert data.parts["validation"].labels.bincount().tolist() == [10] * 10
    assert any("no validation part: 10% of each class of train" in note for note in answer.notes)


def test_cifar_100_has_its_fine_labels_and_that_is_said(desk: Desk) -> None:
    answer, data = found(desk, made.tape(made.cifar_100()))
    assert (answer.classes, answer.labels[7], answer.counts["test"]) == (100, "thing 7", 100)
    assert torch.equal(data.parts["test"].labels, torch.arange(100))
    assert any("100 fine labels are the classes; the 20 coarse" in note for note in answer.notes)


def test_a_single_batch_is_split_like_any_other_data(desk: Desk) -> None:
    body = made.cifar_10()["cifar-10-batches-bin/data_batch_1.bin"] * 5
    answer, _ = found(desk, body, "data_batch_1.bin")
    assert answer.counts == {"train": 70, "validation": 10, "test": 20} and answer.labels == list("0123456789")


def test_other_names_and_fewer_classes_are_those_of_the_file(desk: Desk) -> None:
    files = made.cifar_10(labels=np.arange(120) % 3) | {"cifar-10-batches-bin/batches.meta.txt": b"a\nb\nc\n"}
    answer, _ = found(desk, made.tape(files))
    assert (answer.classes, answer.labels) == (3, ["a", "b", "c"])


def test_missing_batches_and_files_nobody_needs_are_told(desk: Desk) -> None:
    files = made.cifar_10()
    files["cifar-10-batches-bin/notes.txt"] = files.pop("cifar-10-batches-bin/data_batch_4.bin")[:9]
    answer, _ = found(desk, made.tape(files))
    assert "Warning: It has 4 of CIFAR-10's 5 training batches." in answer.notes and "Not used: notes.txt." in answer.notes


def test_what_a_mac_leaves_in_an_archive_is_passed_over(desk: Desk) -> None:
    answer, _ = found(desk, made.tape(made.cifar_10() | {"cifar-10-batches-bin/._data_batch_1.bin": b"x"}))
    assert answer.counts["train"] == 90 and not any("Not used" in note for note in answer.notes)


def broken(**changed: bytes | None) -> bytes:
    files = {name.rpartition("/")[2]: body for name, body in made.cifar_10().items()}
    files |= {name.replace("__", "."): body for name, body in changed.items() if body is not None}
    return made.tape({name: body for name, body in files.items() if changed.get(name.replace(".", "__"), b"") is not None},
                     folders=False)


def with_label(label: int) -> bytes:
    return made.records(made.noise(20), np.array([1] * 17 + [label] + [1] * 2))


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a record that is cut": (lambda: broken(data_batch_3__bin=made.records(made.noise(20), np.ones(20))[:-1]),
                             "data_batch_3.bin has 61,459 bytes, which is no multiple of the 3,073"),
    "an empty batch": (lambda: broken(data_batch_3__bin=b""), "data_batch_3.bin has 0 bytes"),
    "a label of another set": (lambda: broken(data_batch_2__bin=with_label(12)),
                               "label in row 17 of data_batch_2.bin is 12; there are 10 classes"),
    "the test part alone": (lambda: made.tape({"test_batch.bin": with_label(1)}, folders=False), "files to train on are missing"),
    "both sets": (lambda: made.tape(made.cifar_10() | made.cifar_100()), "CIFAR-10 and CIFAR-100 together"),
    "a batch twice": (lambda: made.tape(made.cifar_10() | {"more/test_batch.bin": with_label(1)}), "test_batch.bin twice"),
    "no such file": (lambda: made.tape({"a/read.me": b"x"}), "no file of CIFAR's binary version"),
    "the pickled version": (lambda: made.tape({"cifar-10-batches-py/data_batch_1": b"\x80\x04."}), "never opened here"),
    "the version for Matlab": (lambda: made.tape({"cifar-10-batches-mat/test_batch.mat": b"x"}), "for Matlab"),
    "one name": (lambda: broken(batches__meta__txt=b"cat\n"), "batches.meta.txt has 1 names; CIFAR's files tell 2 to 256"),
    "a name that turns the text": (lambda: broken(batches__meta__txt="a\n\u202eb\n".encode()), "line 2 of batches.meta.txt"),
    "names of a megabyte": (lambda: broken(batches__meta__txt=b"a\n" * 500_000), "1,000,000 bytes; at most 100,000"),
    "pictures in a tar": (lambda: made.tape(made.classes()), "pictures go into a zip"),
    "few images": (lambda: made.tape({"data_batch_1.bin": made.records(made.noise(5), np.arange(5))}, folders=False),
                   "is 5; at least 10"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_with_its_file_row_and_both_numbers(desk: Desk, case: str) -> None:
    make, word = CASES[case]
    with pytest.raises(Unfit) as told:
        desk.dataset(desk.file(make(), "cifar.tar.gz"))
    assert word in str(told.value) and str(told.value).endswith(".")
    assert not (desk.folder / "out" / "unpacked").exists()


def test_an_archive_is_unpacked_to_disk_and_never_held_in_memory(desk: Desk) -> None:
    """Of 92 MB, unpacked twice and written again; the limit is some pieces of 4 MB, counted as numbers of 8 bytes."""
    path = desk.file(made.tape(made.cifar_10(np.tile(made.noise(3000), (10, 1, 1, 1)))))
    tracemalloc.start()
    try:
        desk.dataset(path)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
