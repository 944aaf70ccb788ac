"""Both engines time what they are given, and find a network as fast as its twin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from worker.dnn import architectures, export
from worker.profiling import eager, onnx
from worker.profiling.stopwatch import Plan, Timing, clock

# What comes between while one of the two has its turn need not look like noise.
TRIES = 4
PLAN = Plan(warmup=3, least=40, seconds=0.2, rounds=8)


def alike(one: Timing, two: Timing) -> bool:
    return 0.8 <= one.p50_ms / two.p50_ms <= 1.25 or "noisy" in (one.badge, two.badge)


def finish(calls: dict[str, object]) -> dict[str, Timing]:
    running = clock(calls, PLAN)  # type: ignore[arg-type]
    while True:
        try:
            next(running)
        except StopIteration as end:
            found: dict[str, Timing] = end.value
            return found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    export.to_onnx(architectures.build("lenet5", seed=1), (3, 32, 32), path)
    return path


def test_two_identical_files_are_equally_fast_or_the_machine_is_noisy(file: Path) -> None:
    calls = {name: onnx.runner(file, batch=1, threads=1) for name in ("one", "two")}
    assert any(alike(*finish(calls).values()) for _ in range(TRIES))


def test_two_identical_networks_are_equally_fast_or_the_machine_is_noisy() -> None:
    networks = {name: architectures.build("lenet5", seed=1) for name in ("one", "two")}
    calls = {name: eager.runner(net, (3, 32, 32), batch=1, threads=1) for name, net in networks.items()}
    assert any(alike(*finish(calls).values()) for _ in range(TRIES))


def test_the_working_directory_does_not_matter(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    relative = Path(os.path.relpath(file))
    call = onnx.runner(relative, batch=2, threads=1)
    monkeypatch.chdir(tmp_path)
    call()


def test_the_batch_is_the_one_asked_for(file: Path) -> None:
    answers = onnx.runner(file, batch=5, threads=1)()
    assert isinstance(answers, list) and answers[0].shape == (5, 10)


def test_eager_times_the_network_as_it_is_used() -> None:
    network = architectures.build("resnet20", width=0.25, seed=1).train()
    answer = eager.runner(network, (3, 32, 32), batch=3, threads=1)()
    assert isinstance(answer, torch.Tensor) and answer.shape == (3, 10)
    assert not network.training and not answer.requires_grad


def test_timing_onnx_files_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import worker.profiling.onnx, worker.profiling.stopwatch, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
