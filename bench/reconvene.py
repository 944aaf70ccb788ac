"""`pruning.reconvene` on VGG-16 at p = 0.875 without training, five times from the command line."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

TIMES = 5


def rows() -> Iterator[tuple[str, str]]:
    runs = [_run() for _ in range(TIMES)]
    summaries = [summary for summary, _, _ in runs]
    first = summaries[0]
    ratios = [one["params_before"] / one["params_after"] for one in summaries]
    speed = [one["latency_ms_before"] / one["latency_ms_after"] for one in summaries]
    inside, whole = ([run[i] for run in runs] for i in (1, 2))
    yield "parameters", f"{first['params_before']:,} to {first['params_after']:,}: {ratios[0]:.2f}x fewer (goal 16.0 to 16.4)"
    yield "MACs", f"{first['macs_before']:,} to {first['macs_after']:,}"
    yield "file", f"{first['size_bytes_before'] / 1e6:.1f} to {first['size_bytes_after'] / 1e6:.2f} MB"
    yield "seconds after imports", f"{statistics.median(inside):.1f} (each: {_each(inside)}; goal 5)"
    yield "seconds of the whole command", f"{statistics.median(whole):.1f} (each: {_each(whole)})"
    yield "seconds of pruning alone", f"{statistics.median(one['prune_seconds'] for one in summaries):.2f}"
    yield ("latency, ONNX Runtime, batch 1, one thread",
           f"{first['latency_ms_before']:.2f} to {first['latency_ms_after']:.2f} ms; {statistics.median(speed):.1f}x faster "
           f"(each: {_each(speed)})")


def _run() -> tuple[dict[str, Any], float, float]:
    command = [sys.executable, "-m", "worker", "run", "pruning.reconvene", "--model", "vgg16", "--dataset", "digits32",
               "--sparsity", "0.875", "--epochs", "0", "--out", tempfile.mkdtemp(prefix="ep-bench-")]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    last = json.loads(done.stdout.splitlines()[-1])
    return last["summary"], last["seconds"], time.monotonic() - begun


def _each(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
