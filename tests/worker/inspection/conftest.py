from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.worker.inspection.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    torch.set_num_threads(1)
    return Desk(tmp_path)
