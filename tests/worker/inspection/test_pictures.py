"""A zip with a folder of pictures for each class becomes a data set: every usual layout, every usual kind of picture."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.worker.inspection import made
from tests.worker.inspection.corpus import LIBRARY_WORDS
from tests.worker.inspection.desk import Desk
from worker import datasets
from worker.firstlook import Unfit
from worker.inspection.order import DatasetFound, Unclear


def found(desk: Desk, files: dict[str, bytes], **more: Any) -> tuple[DatasetFound, datasets.Data]:
    answer = desk.dataset(desk.file(made.folder(files), "pictures.zip"), **more)
    assert isinstance(answer, DatasetFound)
    return answer, datasets.read(desk.folder / "out" / answer.file)


def seen(data: datasets.Data, part: Any) -> list[tuple[list[int], int]]:
    """The first pixel of each image, and its label."""
    rows = data.parts[part]
    return [(image[:, 0, 0].tolist(), int(label)) for image, label in zip(rows.images, rows.labels, strict=True)]


@pytest.mark.parametrize("root", ["", "animals/", "a/b/c/"])
def test_folders_of_classes_are_split_and_keep_their_labels_and_pixels(desk: Desk, root: str) -> None:
    answer, data = found(desk, {root + name: body for name, body in made.classes(50).items()})
    assert answer.counts == {"train": 70, "validation": 10, "test": 20} and answer.labels == ["cat", "dog"]
    assert answer.in_shape == (3, 6, 8) and data.channel_order == "RGB"
    pixels = sorted(pixel for part in data.parts for pixel in seen(data, part))
    assert pixels == sorted(([n, 50 * place, 0], place) for place in (0, 1) for n in range(50))
    assert any("70, 10 and 20 %" in note for note in answer.notes)


def test_train_val_and_test_folders_are_the_parts(desk: Desk) -> None:
    files = {f"set/{part}/{name}": body for part, each in (("train", 8), ("valid", 3), ("Test", 4))
             for name, body in made.classes(each).items()}
    answer, data = found(desk, files)
    assert answer.counts == {"train": 16, "validation": 6, "test": 8}
    assert seen(data, "test") == [([n, 50 * place, 0], place) for place in (0, 1) for n in range(4)]


def test_tiny_imagenets_layout_is_read_its_val_part_is_the_test_and_its_unlabelled_test_is_left_out(desk: Desk) -> None:
    answer, data = found(desk, made.tiny_imagenet())
    assert answer.counts == {"train": 27, "validation": 3, "test": 6} and answer.in_shape == (3, 64, 64)
    assert answer.labels == ["goldfish", "European fire salamander", "bullfrog"]
    assert data.parts["test"].labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert all(abs(pixel[1] - 90 * label) < 9 for part in data.parts for pixel, label in seen(data, part))
    assert "The 6 pictures in test have no labels and were left out." in answer.notes
    assert any("val part became the test part" in note for note in answer.notes)


def test_classes_that_are_numbers_come_in_the_order_of_the_numbers(desk: Desk) -> None:
    files = {f"{number}/{n}.png": made.picture((n, number, 0)) for number in range(12) for n in range(3)}
    answer, data = found(desk, files)
    assert answer.labels == [str(number) for number in range(12)]
    assert all(pixel[1] == label for part in data.parts for pixel, label in seen(data, part))


def test_two_classes_of_one_word_keep_their_folders_beside_it(desk: Desk) -> None:
    files = {"w/train/" + name: body for name, body in made.classes(9, ("n1", "n2", "n3")).items()}
    answer, _ = found(desk, files | {"w/words.txt": b"n1\tcrane, bird\nn2\tcrane\n"})
    assert answer.labels == ["crane (n1)", "crane (n2)", "n3"]


def test_the_same_pictures_give_the_same_file_however_they_were_packed(desk: Desk) -> None:
    files = made.classes(20)
    bodies = set()
    for order in (list(files), sorted(files, reverse=True)):
        found(desk, {name: files[name] for name in order})
        bodies.add((desk.folder / "out" / "data.safetensors").read_bytes())
    assert len(bodies) == 1


GREY_RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


def one(desk: Desk, body: bytes, ending: str = "png", others: bytes = made.picture(), **more: Any) -> tuple[list[str], Any]:
    """Notes, and the image that came of a picture among others, as (channels, height, width)."""
    files = {f"{name}/{number}.png": others for name in ("b", "c") for number in range(9)}
    answer, data = found(desk, files | {f"a/odd.{ending}": body}, **more)
    for part in data.parts.values():
        for image, label in zip(part.images, part.labels, strict=True):
            if label == 0:
                return answer.notes, image.numpy()
    raise AssertionError("it is gone")


def test_a_grey_picture_among_coloured_ones_has_its_channel_three_times(desk: Desk) -> None:
    notes, image = one(desk, made.drawn(GREY_RAMP))
    assert (image == GREY_RAMP).all() and image.shape == (3, 6, 8)
    assert "1 of its pictures were grey: their channel was repeated three times." in notes


def test_pictures_that_are_all_grey_have_one_channel(desk: Desk) -> None:
    _, image = one(desk, made.drawn(GREY_RAMP), others=made.picture(7, mode="L"))
    assert image.shape == (1, 6, 8) and (image[0] == GREY_RAMP).all()


def test_what_can_be_seen_through_is_laid_on_white(desk: Desk) -> None:
    half = np.zeros((6, 8, 4), np.uint8)
    half[:, :4] = (9, 8, 7, 255)
    notes, image = one(desk, made.drawn(half))
    assert (image[:, :, :4] == np.array([9, 8, 7])[:, None, None]).all() and (image[:, :, 4:] == 255).all()
    assert any("transparent" in note for note in notes)


def test_cmyk_becomes_rgb(desk: Desk) -> None:
    notes, image = one(desk, made.picture((0, 255, 255, 0), mode="CMYK", form="JPEG", quality=100), "jpg")
    assert image[0].min() > 245 and image[1:].max() < 10 and any("CMYK" in note for note in notes)


def test_of_16_bits_the_upper_8_are_kept(desk: Desk) -> None:
    deep = (GREY_RAMP.astype(np.uint16) << 8) + 200
    notes, image = one(desk, made.drawn(deep))
    assert (image == GREY_RAMP).all() and any("16 bits" in note for note in notes)


def test_colours_from_a_palette_and_black_and_white_are_taken_as_what_they_show(desk: Desk) -> None:
    palette = Image.new("P", (8, 6), 1)
    palette.putpalette([0, 0, 0, 11, 22, 33])
    _, image = one(desk, made.drawn(np.zeros((6, 8), np.uint8)))
    assert image.max() == 0
    out = io.BytesIO()
    palette.save(out, "PNG")
    _, image = one(desk, out.getvalue())
    assert image[:, 0, 0].tolist() == [11, 22, 33]


def test_a_photograph_taken_on_its_side_is_put_upright(desk: Desk) -> None:
    """Orientation 6: its rows were columns, from right to left."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.zeros((8, 6), np.uint8)
    lying[:4] = 250
    notes, image = one(desk, made.drawn(np.repeat(lying[..., None], 3, 2), "JPEG", exif=exif, quality=100), "jpeg")
    assert image.shape == (3, 6, 8) and image[:, :, :4].max() < 20 and image[:, :, 4:].min() > 230
    assert not any("another size" in note for note in notes)


@pytest.mark.parametrize(("form", "ending"), [("BMP", "bmp"), ("WEBP", "webp"), ("JPEG", "JPG")])
def test_the_other_formats_are_read_as_well(desk: Desk, form: str, ending: str) -> None:
    _, image = one(desk, made.picture((40, 90, 160), form=form), ending)
    assert np.abs(image[:, 0, 0].astype(int) - [40, 90, 160]).max() < 6


def test_litter_and_texts_are_passed_over(desk: Desk) -> None:
    litter = {"__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", "dog/Thumbs.db": b"x", "cat/list.txt": b"x", "read.md": b"x"}
    answer, _ = found(desk, made.classes() | litter)
    assert sum(answer.counts.values()) == 20


def differing() -> dict[str, bytes]:
    return made.classes(9) | {"cat/wide.png": made.picture((77, 77, 77), size=(40, 10))}


def test_pictures_of_differing_sizes_are_asked_about_with_the_likely_answer(desk: Desk) -> None:
    with pytest.raises(Unclear) as told:
        found(desk, differing())
    assert "have 2 sizes: 18 of 19 have 6x8, and cat/wide.png has 10x40 (height x width)" in str(told.value)
    assert (told.value.mend, told.value.findings) == ("in_shape", {"in_shape": [3, 6, 8]})


def test_with_a_size_they_are_scaled_to_cover_it_and_cut_and_that_is_said(desk: Desk) -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 14:26] = 255  # The square in the middle, and a pixel more at each side for what looks at its neighbours.
    answer, data = found(desk, made.classes(9) | {"cat/wide.png": made.drawn(wide)}, in_shape=(3, 5, 5))
    assert answer.in_shape == (3, 5, 5)
    whites = [image for part in data.parts.values() for image in part.images if image.min() == 255]
    assert len(whites) == 1
    assert "19 of its pictures had another size: they were scaled to cover 5x5, and what stood over was cut off." in answer.notes


def test_grey_may_be_asked_for(desk: Desk) -> None:
    answer, data = found(desk, made.classes(), in_shape=(1, 6, 8))
    assert answer.in_shape == (1, 6, 8) and data.channel_order == "grey"


def test_more_than_is_kept_is_asked_about_with_both_numbers(desk: Desk) -> None:
    with pytest.raises(Unclear, match="19 images of 3x1000x1000 have 57,000,000 bytes; at most 9,000,000 are kept"):
        found(desk, differing(), in_shape=(3, 1000, 1000), unpacked_bytes=9_000_000)


def test_a_large_photograph_is_made_small_without_its_size_in_memory_for_each(desk: Desk) -> None:
    """40 photographs of 3 MB when decoded; the most at once is a few of them."""
    noise = np.random.default_rng(1).integers(0, 256, (1000, 1000, 3), np.uint8)
    files = {f"{name}/{n}.jpg": made.drawn(noise, "JPEG", quality=30) for name in ("a", "b") for n in range(20)}
    path = desk.file(made.folder(files), "photographs.zip")
    files.clear()
    tracemalloc.start()
    try:
        desk.dataset(path, in_shape=(3, 32, 32))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def bomb() -> bytes:
    """A PNG that says it has 100,000 x 100,000 pixels."""
    body = bytearray(made.picture())
    at = body.index(b"IHDR") + 4
    body[at:at + 8] = (100_000).to_bytes(4, "big") * 2
    body[at + 13:at + 17] = zlib.crc32(body[at - 4:at + 13]).to_bytes(4, "big")
    return bytes(body)


def linked() -> bytes:
    out = made.folder(made.classes())
    held = io.BytesIO(out)
    with zipfile.ZipFile(held, "a") as archive:
        entry = zipfile.ZipInfo("cat/link.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return held.getvalue()


PIXELS = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
PHOTO, NOISE = made.drawn(PIXELS, "JPEG"), made.drawn(PIXELS)
SPLIT = {f"train/{name}": body for name, body in made.classes().items()}
CASES: dict[str, tuple[dict[str, bytes] | bytes, str]] = {
    "a picture of 10,000,000,000 pixels": (made.classes() | {"cat/bomb.png": bomb()},
                                           "cat/bomb.png has 100,000x100,000 pixels; at most"),
    "a cut JPEG": (made.classes() | {"dog/cut.jpg": PHOTO[:len(PHOTO) // 2]}, "dog/cut.jpg is cut off or damaged"),
    "a cut PNG": (made.classes() | {"dog/cut.png": NOISE[:len(NOISE) // 2]}, "dog/cut.png is cut off or damaged"),
    "a program called .png": (made.classes() | {"dog/no.png": b"\x7fELF" + bytes(99)}, "dog/no.png is no JPEG, PNG"),
    "an empty picture": (made.classes() | {"dog/empty.png": b""}, "dog/empty.png is no JPEG"),
    "a drawing": (made.classes() | {"dog/a.svg": b"<svg/>"}, "the archive holds dog/a.svg"),
    "a GIF": (made.classes() | {"dog/a.gif": b"GIF89a"}, "the archive holds dog/a.gif"),
    "a TIFF called .png": (made.classes() | {"dog/a.png": made.picture(form="TIFF")}, "dog/a.png is no JPEG"),
    "one class": (made.classes(20, ("cat",)), "of 1 class; 2 to 65,536"),
    "no folder": (made.classes() | {"stray.png": made.picture()}, "stray.png lies in no folder of a class"),
    "no train": ({f"test/{name}": body for name, body in made.classes().items()}, "none called train"),
    "a stranger beside train": (SPLIT | {"cats/1.png": made.picture()}, "Beside the folder train lies 'cats'"),
    "a class nobody teaches": (SPLIT | {"test/cow/1.png": made.picture()}, "of the class 'cow', of which there are none"),
    "a val part without labels": (SPLIT | {"val/1.png": made.picture()}, "val/1.png lies in no folder"),
    "a picture the list does not name": (made.tiny_imagenet() | {"tiny-imagenet-200/val/images/val_9.JPEG": made.picture()},
                                         "tells no class of the picture"),
    "a path out of the archive": (made.classes() | {"../cat/1.png": made.picture()}, "leads out"),
    "an absolute path": (made.classes() | {"/etc/cat/1.png": made.picture()}, "leads out"),
    "an archive in it": (made.classes() | {"cat/more.tar.gz": b"x"}, "another archive"),
    "two names that differ in case only": (made.classes() | {"CAT/1.png": made.picture()}, "same name"),
    "a link": (linked(), "no ordinary file"),
    "few pictures": (made.classes(4), "is 8; at least 10"),
    "a name that turns the text": (made.classes() | {"c\u202eat/1.png": made.picture()}, "no plain text"),
    "nothing but texts": ({"a/1.txt": b"x", "b/2.txt": b"x"}, "neither an .npz"),
    "a list of 30 MB": (made.tiny_imagenet() | {"tiny-imagenet-200/val/val_annotations.txt": b"x\ty\n" * 7_500_000},
                        "30,000,000 bytes; at most 20"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_with_the_pictures_name_and_in_our_words(desk: Desk, case: str) -> None:
    files, word = CASES[case]
    body = files if isinstance(files, bytes) else made.folder(files)
    with pytest.raises(Unfit) as told:
        desk.dataset(desk.file(body, "pictures.zip"), in_shape=(3, 6, 8))
    assert word in str(told.value), str(told.value)
    assert str(told.value).isprintable() and not any(library in str(told.value) for library in (*LIBRARY_WORDS, "PIL"))
    assert not Path(desk.folder / "out" / "unpacked").exists()


@pytest.mark.parametrize("seed", range(60))
def test_a_picture_with_a_few_bytes_changed_is_taken_or_refused_and_breaks_nothing(desk: Desk, seed: int) -> None:
    chance = np.random.default_rng(seed)
    body = bytearray([PHOTO, made.drawn(GREY_RAMP), made.picture(form="WEBP"), made.picture(form="BMP")][seed % 4])
    for at in chance.integers(4, len(body), 1 + seed % 3):
        body[at] = chance.integers(256)
    ending = ("jpg", "png", "webp", "bmp")[seed % 4]
    try:
        one(desk, bytes(body), ending, in_shape=(3, 6, 8))
    except Unfit as unfit:
        assert f"a/odd.{ending}" in str(unfit)
