"""Where the arithmetic runs, and how it is kept repeatable."""

from __future__ import annotations

import torch


def settle(*, threads: int, seed: int) -> None:
    """Fix what a run's numbers depend on; called once, before anything is computed."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def chosen() -> torch.device:
    """A graphics processor where there is one; nothing needs it."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
