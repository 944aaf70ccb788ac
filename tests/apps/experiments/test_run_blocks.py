"""The page of a run shows its blocks: what was said so far while it measures, its profile when it has left one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.catalog import blobs
from apps.experiments import recorder, run_blocks
from apps.experiments.models import Run, RunFile, Status
from apps.live.models import Saying
from tests.apps.cast import Cast
from worker.events import Metric
from worker.profile import MEDIA_TYPE, Block, NetworkProfile

NAMES = (("conv1", "relu1"), ("conv2", "relu2"), ("fc", "fc"))


@pytest.fixture
def run(cast: Cast) -> Run:
    return cast.run(Status.RUNNING, recipe="benchmarking.layers", params={"engine": "torch", "batch": 1})


def say(run: Run, *events: Metric) -> None:
    run.stream.append([Saying(each.type, each.model_dump(mode="json", exclude={"type"}), each.key) for each in events])


def sketch(run: Run) -> None:
    for number, (first, last) in enumerate(NAMES, 1):
        labels: dict[str, Any] = {"block": str(number)}
        say(run, Metric(name="block_output_bytes", value=100 * number, labels=labels | {"first": first, "last": last}),
            Metric(name="block_macs", value=1000 * number, labels=labels))


def time(run: Run, step: int, *milliseconds: float) -> None:
    say(run, *(Metric(name="block_latency_ms", value=ms, step=step, labels={"block": str(number)})
               for number, ms in enumerate(milliseconds, 1)))


def page(cast: Cast, run: Run, name: str = "run-blocks", query: str = "") -> str:
    client = Client()
    client.force_login(cast.alice)
    answer = client.get(reverse(name, args=[run.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_before_anything_is_timed_there_is_an_empty_place(cast: Cast, run: Run) -> None:
    sketch(run)
    assert 'id="blocks"' in page(cast, run) and "<table" not in page(cast, run)


def test_what_was_said_last_of_each_block_is_shown_while_it_runs(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 9, 9, 9)
    time(run, 12, 1, 3, 4)
    found = run_blocks.so_far(run)
    assert found and [(block.first, block.last) for block in found.blocks] == list(NAMES)
    assert [block.seconds for block in found.blocks] == pytest.approx([0.001, 0.003, 0.004])
    assert [block.output_bytes for block in found.blocks] == [100, 200, 300] and found.engine == "torch"
    shown = page(cast, run)
    assert "conv2 … relu2" in shown and ">3 ms<" in shown and ">50" in shown


def test_a_portion_that_is_not_all_there_yet_does_not_show_as_nought(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 1, 2)
    assert run_blocks.so_far(run) is None


def test_the_profile_that_it_left_is_shown_with_its_intervals(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 9, 9, 9)
    leave(run, NetworkProfile(network="net", blocks=(Block(first="a", last="b", seconds=0.002, low_s=0.0015, high_s=0.004,
                                                           output_bytes=10),)).model_dump_json())
    shown = page(cast, run)
    assert "a … b" in shown and ">1.50 to 4<" in shown and "conv1" not in shown


def leave(run: Run, body: str) -> None:
    recorder.folder(run).mkdir(parents=True)
    (recorder.folder(run) / "p.json").write_text(body)
    blob = blobs.keep(recorder.folder(run) / "p.json")
    RunFile.objects.create(run=run, path="p.json", name="p.json", media_type=MEDIA_TYPE, blob=blob)


def test_a_profile_that_cannot_be_read_leaves_what_was_said(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 1, 2, 3)
    leave(run, "no profile")
    assert "conv2 … relu2" in page(cast, run)


def test_the_whole_page_has_the_table_and_what_links_it(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 1, 2, 3)
    shown = page(cast, run, "run")
    assert "js/blocks" in shown and 'id="blocks-card"' in shown and 'data-block="3"' in shown
    assert shown.count("<h2 id=\"blocks-chart\"") == 0 and "Time of each block" in shown


def test_other_recipes_have_no_blocks_and_ask_for_none(cast: Cast) -> None:
    run = cast.run(Status.FINISHED, recipe="training.backprop")
    assert "js/blocks" not in page(cast, run, "run") and "<div" not in page(cast, run)
    assert run_blocks.context(run, {}) == {"by_block": False}


def test_the_order_is_the_address_s_and_nonsense_is_the_network_s(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 1, 3, 2)
    assert order(page(cast, run, query="?sort=ms&down=on")) == [2, 3, 1]
    assert order(page(cast, run, query="?sort=%00&page=x&block=99999999")) == [1, 2, 3]


def order(shown: str) -> list[int]:
    return [int(part.partition('"')[0]) for part in shown.split('data-block="')[1:]]


def test_many_blocks_take_no_more_queries_than_few(cast: Cast, run: Run) -> None:
    sketch(run)
    time(run, 6, 1, 2, 3)
    few = queries(cast, run)
    for number in range(4, 60):
        say(run, *made(number))
    assert queries(cast, run) == few


def made(number: int) -> list[Metric]:
    labels: dict[str, Any] = {"block": str(number)}
    return [Metric(name="block_output_bytes", value=1, labels=labels | {"first": "a", "last": "b"}),
            Metric(name="block_macs", value=1, labels=labels), Metric(name="block_latency_ms", value=1, step=6, labels=labels)]


def queries(cast: Cast, run: Run) -> int:
    with CaptureQueriesContext(connection) as asked:
        page(cast, run)
    return len(asked)
