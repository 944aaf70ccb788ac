"""What a board needs of the workshop to measure: the modules of the measuring halves, none of which loads torch.

The agent's wheel carries these beside the menu, the recipes, the executor and what a context and an event are; a test imports
them where torch cannot be imported.
"""

from __future__ import annotations

MEASURING = frozenset(f"worker.profiling.{name}" for name in (
    "additivity", "blockwise", "board", "chain", "parts", "turns",
    "badge", "cold", "cooling", "engines", "fresh", "instruments", "intervals", "journal", "latency", "loading", "onnx", "power",
    "protocol", "pulse", "recall", "sampling", "saying", "sensors", "steps", "stopwatch", "sustained", "sysfs", "warming",
    "written",
))
