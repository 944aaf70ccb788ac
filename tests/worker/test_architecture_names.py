"""The list of architectures that needs no torch."""

from __future__ import annotations

from worker import architectures
from worker.dnn import architectures as built


def test_the_light_list_names_exactly_what_can_be_built() -> None:
    assert architectures.names() == built.names()


def test_each_is_described_in_one_line() -> None:
    assert all(line.endswith(".") and len(line) < 120 for line in architectures.ARCHITECTURES.values())
