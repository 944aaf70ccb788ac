"""Where the arithmetic runs, and how it is kept repeatable."""

from __future__ import annotations

import torch


def settle(*, threads: int, seed: int) -> None:
    """Fix what a run's numbers depend on; called once, before anything is computed."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def working(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Where and how a network trains fastest: with channels last an epoch takes a tenth to a quarter less."""
    return _laid(network.to(device), torch.channels_last)


def resting(network: torch.nn.Module) -> torch.nn.Module:
    """Where and how a network is timed and saved."""
    return _laid(network.cpu(), torch.contiguous_format)


def _laid(network: torch.nn.Module, layout: torch.memory_format) -> torch.nn.Module:
    moved: torch.nn.Module = network.to(memory_format=layout)  # type: ignore[call-overload]
    return moved


def chosen() -> torch.device:
    """A graphics processor where there is one; nothing needs it."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
