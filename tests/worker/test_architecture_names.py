"""The list of architectures that needs no torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker import architectures
from worker.dnn import architectures as built


def test_the_light_list_names_exactly_what_can_be_built() -> None:
    assert architectures.names() == built.names()


def test_each_is_described_in_one_line() -> None:
    assert all(line.endswith(".") and len(line) < 120 for line in architectures.ARCHITECTURES.values())


@pytest.mark.parametrize(("name", "title"), [("resnet20", "ResNet-20"), ("vgg11", "VGG-11"),
                                             ("yolo_tiny_backbone", "yolo tiny backbone")])
def test_each_has_a_title(name: str, title: str) -> None:
    assert architectures.title(name) == title


@pytest.mark.parametrize("name", architectures.names())
def test_the_least_size_is_the_smallest_that_can_be_built(name: str) -> None:
    least = architectures.least_side(name)
    built.outline(name, 10, (3, least, least))
    with pytest.raises(ValueError, match=f"needs images of at least {least}x{least} pixels"):
        built.outline(name, 10, (3, least, least - 1))


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md"])
def test_each_is_named_where_people_look(file: str) -> None:
    text = (Path(__file__).parents[2] / file).read_text()
    assert [name for name in architectures.names() if f"`{name}`" not in text] == []
