"""A large data set stays in its file: training over it takes no memory of its own for it, and processes share its pages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.worker.datasets.test_dataset_files import part_of, small
from worker import datasets
from worker.context import Context
from worker.datasets import Part
from worker.events import Metric
from worker.training.loop import train
from worker.training.settings import Settings

IMAGES = 20_000
BYTES = IMAGES * 3 * 32 * 32


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """61 MB of images, a class each other one."""
    many = Part(torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8), torch.arange(IMAGES) % 2)
    few = part_of(many, 100)
    data = replace(small(), in_shape=(3, 32, 32), mean=(0.5,) * 3, std=(0.3,) * 3, channel_order="RGB",
                   parts={"train": many, "validation": few, "test": few})
    file = tmp_path_factory.mktemp("data") / "data.safetensors"
    datasets.save(data, file)
    return file


def own_bytes() -> int:
    """What this process holds of its own: pages of mapped files, which the kernel may drop, do not count."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found.group(1)) * 1000


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_an_epoch_over_a_large_data_set_copies_none_of_it(path: Path, tmp_path: Path, augment: str) -> None:
    torch.set_num_threads(1)
    network = torch.fx.symbolic_trace(torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(48, 2)))
    data = datasets.read(path)
    settings = Settings(epochs=4, batch_size=128, augment=augment)  # type: ignore[arg-type]
    held = []
    for event in train(network, data, settings, variant="net", checkpoints=Context(tmp_path).checkpoints):
        if isinstance(event, Metric) and event.name == "loss":
            held.append(own_bytes())
    assert max(held) - held[0] < BYTES / 10


def mappings(path: Path) -> Iterator[dict[str, int]]:
    """What the kernel says of each stretch of memory that is this file."""
    for stretch in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text()):
        if str(path) in stretch.partition("\n")[0]:
            yield {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"(\w+):\s+(\d+) kB", stretch)}


def test_two_processes_that_read_one_data_set_share_its_pages(path: Path) -> None:
    mine = datasets.read(path)
    int(mine.parts["train"].images.sum(dtype=torch.int64))
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        theirs = datasets.read(path)
        int(theirs.parts["train"].images.sum(dtype=torch.int64))
        found = list(mappings(path))
        os.write(tell, f"{sum(one['Shared_Clean'] for one in found)} {sum(one['Private_Dirty'] for one in found)}".encode())
        os._exit(0)
    shared, dirty = map(int, os.read(told, 100).split())
    os.waitpid(child, 0)
    assert shared > 0.9 * BYTES and dirty == 0


def test_reading_takes_no_more_room_in_the_address_space_than_the_file_has(path: Path) -> None:
    """A run's address space is limited: a file that is mapped twice would count twice."""
    before = sum(one["Size"] for one in mappings(path))
    data = datasets.read(path)
    assert sum(one["Size"] for one in mappings(path)) - before < 1.1 * BYTES
    assert len(data.parts["train"]) == IMAGES
