"""One thread: the machine is shared, and forked children of other tests must find no pool of threads."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
