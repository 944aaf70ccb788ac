"""What a person changes on the page reaches the training in a run's own process, and a later attempt of the run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from worker import menu
from worker.forkserver import Child, ForkServer
from worker.job import InputFile, Job

EPOCHS = 4000


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.stop()


def job(folder: Path, **changes: Any) -> Job:
    recipe = menu.get("training.backprop")
    params = recipe.params(model="lenet5", dataset="digits", epochs=EPOCHS).model_dump()
    inputs = {"model": InputFile(kind="model", name="lenet5"), "dataset": InputFile(kind="dataset", name="digits")}
    return Job(recipe=recipe.name, params=params, inputs=inputs, workdir=str(folder), memory_bytes=8 << 30,
               file_bytes=1 << 30, cpu_s=300, **changes)


def rates(child: Child, seconds: float = 180) -> Iterator[tuple[int, float]]:
    """Epoch and learning rate, as they are heard."""
    until = time.monotonic() + seconds
    while not child.gone and time.monotonic() < until:
        for said in child.lines(0.2):
            event = said.get("event", {})
            assert event.get("type") != "failed", event
            if event.get("name") == "learning_rate":
                yield event["step"], event["value"]


def test_a_change_on_the_page_is_used_within_a_few_epochs_and_by_the_next_attempt(
    server: ForkServer, tmp_path: Path,
) -> None:
    child = server.spawn(job(tmp_path))
    try:
        heard = rates(child)
        assert next(heard) == (1, pytest.approx(0.05))
        child.ask(live={"learning_rate": 0.01})
        changed = next(epoch for epoch, value in heard if value == pytest.approx(0.01, rel=1e-9))
        assert changed < EPOCHS // 2
    finally:
        child.kill()
        child.close()
    second = server.spawn(job(tmp_path, live_params={"learning_rate": 0.01}, attempt=2))
    try:
        again = dict(value for value, _ in zip(rates(second), range(changed + 2), strict=False))
        assert again[1] == pytest.approx(0.05) and again[changed] == pytest.approx(0.01, rel=1e-9)
        assert again[changed + 1] < 0.01
    finally:
        second.kill()
        second.close()
