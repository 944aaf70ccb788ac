"""Data sets: fixed train, validation and test parts with all a network must know about them."""

from __future__ import annotations

from worker.context import DatasetInput
from worker.datasets import digits
from worker.datasets.data import Data, Part, normalise
from worker.datasets.files import read, save

__all__ = ["Data", "Part", "load", "names", "normalise", "read", "save"]

_BUILT_IN = {"digits": digits.small, "digits32": digits.large}


def names() -> list[str]:
    """The built-in data sets."""
    return sorted(_BUILT_IN)


def load(dataset_input: DatasetInput) -> Data:
    """The data set a run was given: a file of the house, else a built-in one by name.

    Raises ValueError for an unknown name or a broken file.
    """
    if dataset_input.file is not None:
        return read(dataset_input.file)
    if dataset_input.name not in _BUILT_IN:
        raise ValueError(f"There is no data set {dataset_input.name!r}; there are {', '.join(names())}.")
    return _BUILT_IN[dataset_input.name]()
