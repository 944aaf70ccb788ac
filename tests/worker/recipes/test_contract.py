"""What every recipe promises, tried on its example: new recipes are covered by being on the menu."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.portal import strain
from tests.worker.recipes.measured import given
from worker import menu
from worker.context import Context
from worker.dnn import architectures
from worker.events import Event, Finished, Log, Measured, Metric, Progress, VariantMade, parse
from worker.executor import execute
from worker.flags import resolve
from worker.params import Params
from worker.recipe import Recipe

LIMIT_S = 2.0
SILENCE_S = 1.0
every_recipe = pytest.mark.parametrize("name", list(menu.recipes()))


def start(name: str, folder: Path) -> Iterator[Event]:
    recipe = menu.get(name)
    params = recipe.params.model_validate(recipe.example)
    return execute(recipe, params, Context(folder, inputs=resolve(params) | given(recipe), seed=params.seed, threads=1))


@cache
def straight(name: str) -> tuple[list[Event], float, float]:
    """One undisturbed run: its events, its CPU seconds and the longest silence in them."""
    torch.set_num_threads(1)
    warm()
    events, silences = [], [0.0]
    begun = last = time.process_time()
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        for event in start(name, Path(folder)):
            events.append(event)
            silences.append(time.process_time() - last)
            last = time.process_time()
    return events, last - begun, max(silences)


@cache
def warm() -> None:
    """The first steps of a process import parts of torch and of ours; children of the portal are forked after that."""
    for module in ("pruning.comparison", "training.whole", "profiling.benchmark"):
        importlib.import_module(f"worker.{module}")
    importlib.import_module("torch.fx.experimental.symbolic_shapes")  # what torch computes shapes with, once it is asked to
    architectures.build("lenet5", seed=0)
    weight = torch.nn.Parameter(torch.zeros(1))
    torch.optim.SGD([weight]).step()
    torch.optim.Adam([weight]).step()


def clock(word: str) -> bool:
    """Whether a number of that name is another one every time: a time, a rate, what a process took of the machine, or what
    became of requests that came in real time."""
    return word == "verdict" or any(part in word for part in (
        "seconds", "latency", "load_ms", "import_ms", "inference_ms", "throughput", "memory_mb", "memory_bytes", "energy",
        "drive_"))


def numbers(events: list[Event]) -> dict[str, Any]:
    """Everything said that must not depend on the clock, as it was said first."""
    found: dict[str, Any] = {}
    for event in events:
        if isinstance(event, Metric) and not clock(event.name):
            found.setdefault(event.key, event.value)
        if isinstance(event, Measured) and not clock(event.metric):
            found.setdefault(event.key, (event.value, event.low, event.high))
        if isinstance(event, VariantMade):
            found.setdefault(event.key, (event.sha256, event.facts))
    return found | {"summary": timeless(summary(events))}


def summary(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {word: timeless(each) for word, each in value.items() if not clock(word)}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@every_recipe
def test_the_example_finishes(name: str) -> None:
    assert isinstance(straight(name)[0][-1], Finished), straight(name)[0][-1]


@every_recipe
def test_the_example_is_quick_and_never_silent(name: str) -> None:
    _, seconds, silence = straight(name)
    if seconds > LIMIT_S or silence > SILENCE_S:  # A neighbour that takes the cache doubles CPU seconds; not twice in a row.
        _, *again = straight.__wrapped__(name)
        seconds, silence = min(seconds, again[0]), min(silence, again[1])
    assert seconds <= LIMIT_S * strain()
    assert silence <= SILENCE_S * strain()


@every_recipe
def test_every_event_is_of_the_vocabulary(name: str) -> None:
    for event in straight(name)[0]:
        assert parse(event.model_dump_json()) == event


@every_recipe
def test_every_metric_a_chart_names_is_said(name: str) -> None:
    events = straight(name)[0]
    metrics = {event.name: event.labels for event in events if isinstance(event, Metric)}
    measured = {event.metric for event in events if isinstance(event, Measured)}
    for chart in menu.get(name).charts:
        if chart.kind == "tradeoff":
            assert {chart.x, *chart.y} <= measured
            continue
        assert {*chart.y, *([chart.line] if chart.line else [])} <= set(metrics), chart.title
        labels = [label for label in (chart.by, chart.x) if label and label != "step"]
        assert all(label in metrics[metric] for metric in chart.y for label in labels), chart.title


@every_recipe
def test_the_summary_has_a_verdict_and_its_variants_have_files(name: str) -> None:
    events = straight(name)[0]
    found = summary(events)
    assert isinstance(found["verdict"], str) and found["verdict"]
    made = {event.name: event for event in events if isinstance(event, VariantMade)}
    for variant in found.get("variants", []):
        assert (variant["file"], variant["sha256"]) == (made[variant["name"]].file, made[variant["name"]].sha256)


@every_recipe
def test_the_same_seed_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    assert numbers(list(start(name, tmp_path / "run"))) == numbers(straight(name)[0])


@every_recipe
def test_closing_it_half_way_leaves_nothing_outside_its_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = lasting(straight(name)[0]) // 2  # first: what a library makes once, when it is first used, is not the recipe's
    outside = [tmp_path / place for place in ("here", "tmp", "home")]
    for place in outside:
        place.mkdir()
    monkeypatch.chdir(outside[0])
    monkeypatch.setattr(tempfile, "tempdir", str(outside[1]))
    monkeypatch.setenv("HOME", str(outside[2]))
    running = start(name, tmp_path / "run")
    while half:
        half -= counts(next(running))
    running.close()  # type: ignore[attr-defined]
    assert [list(place.iterdir()) for place in outside] == [[], [], []]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "home", "run", "tmp"]


@every_recipe
@pytest.mark.kill
def test_killed_half_way_and_run_again_it_ends_with_the_same_numbers(name: str, tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(
        target=die_half_way, args=(name, tmp_path, lasting(straight(name)[0]) // 2))
    child.start()
    child.join(600)
    assert child.exitcode == -signal.SIGKILL
    before = [parse(line) for line in (tmp_path / "said").read_text().splitlines()]
    after = list(start(name, tmp_path / "run"))
    assert numbers(before + after) == numbers(straight(name)[0])
    assert contradictions(before, after) == []


def die_half_way(name: str, folder: Path, count: int) -> None:
    with (folder / "said").open("w") as said:
        for event in start(name, folder / "run"):
            print(event.model_dump_json(), file=said, flush=True)
            count -= counts(event)
            if not count:
                os.kill(os.getpid(), signal.SIGKILL)


def lasting(events: list[Event]) -> int:
    return sum(map(counts, events))


def counts(event: Event) -> bool:
    """What each run of the same says equally often: how many passes fit into a second is the machine's affair."""
    if isinstance(event, Metric) and event.name in ("latency_ms", "block_latency_ms"):
        return False
    return not isinstance(event, Progress)


def contradictions(before: list[Event], after: list[Event]) -> list[str]:
    """Facts that the second attempt says otherwise; the recorder keeps the first, so the page would mix two truths."""
    known = {event.key: event for event in before if isinstance(event, Measured | Metric)}
    return [event.key for event in after if isinstance(event, Measured | Metric) and event.key in known
            and known[event.key] != event and "phase_seconds" not in event.key]


@every_recipe
def test_every_parameter_has_help_and_few_are_essential(name: str) -> None:
    params: type[Params] = menu.get(name).params
    assert all(field.description for field in params.model_fields.values())
    essential = [field for field in params.model_fields.values()
                 if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("essential")]
    assert 2 <= len(essential) <= 7


@every_recipe
def test_its_presets_are_valid(name: str) -> None:
    recipe: Recipe = menu.get(name)
    for preset in recipe.presets.values():
        recipe.params.model_validate(recipe.example | preset)


@every_recipe
def test_no_parameter_shadows_an_option_of_the_command_line(name: str) -> None:
    assert not {"out", "threads", "preset", "profiles", "links", "help"} & set(menu.get(name).params.model_fields)


@pytest.mark.parametrize("name", [name for name in menu.recipes() if "learning_rate" in menu.get(name).params.live_fields()])
def test_a_learning_rate_changed_half_way_is_used_by_the_next_epochs(name: str, tmp_path: Path) -> None:
    recipe, page, events = menu.get(name), {}, []
    params = recipe.params.model_validate(recipe.example)
    context = Context(tmp_path / "run", inputs=resolve(params), seed=params.seed, changes=lambda: page)
    for event in execute(recipe, params, context):
        events.append(event)
        if isinstance(event, Metric) and event.name == "learning_rate" and event.step == 1:
            page["learning_rate"] = 0.01
    assert isinstance(events[-1], Finished)
    used = dict[str, dict[int | None, float | None]]()
    for event in events:
        if isinstance(event, Metric) and event.name == "learning_rate":
            used.setdefault(event.labels["variant"], {})[event.step] = event.value
    first, *later = used.values()
    assert first == {1: pytest.approx(0.05), 2: pytest.approx(0.01)}
    # Like is compared with like: a network trained after the change has the same rates, in those epochs that it has. A block is
    # not compared with the block before it: one that begins after the change begins with it.
    blocks = all(variant.startswith("block ") for variant in used)
    wanted = {1: pytest.approx(0.01), 2: pytest.approx(0.005)} if blocks else first
    assert all(rate == wanted[epoch] for rates in later for epoch, rate in rates.items())
    told = [f"learning rate is 0.01 from {unit} 2 on" for unit in ("epoch", "round")]
    assert any(isinstance(event, Log) and any(each in event.message for each in told) for event in events)


def test_every_recipe_that_trains_lets_its_learning_rate_be_changed() -> None:
    training = {name for name in menu.recipes() if "learning_rate" in menu.get(name).params.model_fields}
    assert training == {name for name in menu.recipes() if "learning_rate" in menu.get(name).params.live_fields()} != set()
