"""`pruning.reconvene` on VGG-16 at p = 0.875 without training, five times from the command line."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

TIMES = 5
# Goals: how many times fewer parameters, within how many seconds, how many times faster.
SMALLEST, LARGEST, SECONDS, FASTER = 16.0, 16.4, 5.0, 2.5


def rows() -> Iterator[tuple[str, str]]:
    runs = [_run() for _ in range(TIMES)]
    summaries = [summary for summary, _, _ in runs]
    first = summaries[0]
    ratios = [one["params_before"] / one["params_after"] for one in summaries]
    speed = [one["latency_ms_before"] / one["latency_ms_after"] for one in summaries]
    inside, whole = ([run[i] for run in runs] for i in (1, 2))
    yield "parameters", (f"{first['params_before']:,} to {first['params_after']:,}: {ratios[0]:.2f}x fewer "
                         f"(goal {SMALLEST} to {LARGEST}){_missed(SMALLEST <= ratios[0] <= LARGEST)}")
    yield "MACs", f"{first['macs_before']:,} to {first['macs_after']:,}"
    yield "file", f"{first['size_bytes_before'] / 1e6:.1f} to {first['size_bytes_after'] / 1e6:.2f} MB"
    yield "seconds after imports", (f"{statistics.median(inside):.1f} (each: {_each(inside)}; goal {SECONDS:g})"
                                    f"{_missed(statistics.median(inside) < SECONDS)}")
    yield "seconds of the whole command", f"{statistics.median(whole):.1f} (each: {_each(whole)})"
    yield "seconds of pruning alone", f"{statistics.median(one['prune_seconds'] for one in summaries):.2f}"
    yield ("latency, ONNX Runtime, batch 1, one thread",
           f"{first['latency_ms_before']:.2f} to {first['latency_ms_after']:.2f} ms; {statistics.median(speed):.1f}x faster "
           f"(each: {_each(speed)}; goal {FASTER}){_missed(statistics.median(speed) >= FASTER)}")
    norms = sum(one["norms"] for one in summaries)
    yield "batch-norms left in what ONNX Runtime ran", f"{norms}: both networks are fused{_missed(not norms)}"


def _run() -> tuple[dict[str, Any], float, float]:
    with tempfile.TemporaryDirectory(prefix="ep-bench-") as folder:
        command = [sys.executable, "-m", "worker", "run", "pruning.reconvene", "--model", "vgg16", "--dataset", "digits32",
                   "--sparsity", "0.875", "--epochs", "0", "--out", folder]
        begun = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        took, last = time.monotonic() - begun, json.loads(done.stdout.splitlines()[-1])
        told: dict[str, Any] = last["summary"]
        return told | {"norms": sum(map(_norms, Path(folder).rglob("*.onnx")))}, last["seconds"], took


def _norms(file: Path) -> int:
    """How many batch-norms are nodes of their own once ONNX Runtime has loaded the file, as it does for every timing."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(file.with_suffix(".loaded"))
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return sum(node.op_type == "BatchNormalization" for node in onnx.load(options.optimized_model_filepath).graph.node)


def _missed(reached: bool) -> str:
    return "" if reached else " **MISSED**"


def _each(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
