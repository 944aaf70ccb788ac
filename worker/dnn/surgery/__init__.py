"""Removing channels physically: every coupled tensor stays consistent, the network answers as before."""

from __future__ import annotations

from worker.dnn.surgery.choosing import prune_channels
from worker.dnn.surgery.keeping import free_outputs, keep_channels
from worker.dnn.surgery.masking import apply_masks
from worker.dnn.surgery.plainness import Policy
from worker.dnn.surgery.shrinking import LayerCollapse, Shrunk, shrink

__all__ = ["LayerCollapse", "Policy", "Shrunk", "apply_masks", "free_outputs", "keep_channels", "prune_channels", "shrink"]
