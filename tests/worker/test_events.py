"""Events are a closed vocabulary; a fact has a key, so that saying it twice is harmless."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from worker.events import Facts, FileMade, Finished, Log, Measured, Metric, Progress, VariantMade, parse

FACTS = Facts(size_bytes=1, params=2, macs=3, activation_bytes=4)


@pytest.mark.parametrize("event", [
    Log(message="hello"), Progress(done=1, total=2, stage="epochs"), Metric(name="loss", value=0.1, step=3),
    FileMade(path="a.json", name="a"), VariantMade(name="v", file="v.safetensors", sha256="0", facts=FACTS),
    Measured(variant="v", metric="accuracy", value=0.5, unit="fraction"), Finished(seconds=1.0),
])
def test_an_event_survives_the_way_over_a_line_of_json(event: Log) -> None:
    assert parse(event.model_dump_json()) == event


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_becomes_a_gap(value: float) -> None:
    assert Metric(name="loss", value=value).value is None
    assert Measured(variant="v", metric="m", value=value, unit="", low=value).low is None


def test_what_is_not_in_the_vocabulary_is_refused() -> None:
    for line in ('{"type":"gossip"}', '{"type":"log","message":"m","mood":"good"}', "[]", ""):
        with pytest.raises(ValueError):
            parse(line)


def test_events_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Log(message="hello").message = "bye"  # type: ignore[misc]


def test_the_key_of_a_metric_is_name_step_and_labels_in_any_order() -> None:
    one = Metric(name="a", value=1, step=2, labels={"x": 1, "y": "z"})
    two = Metric(name="a", value=9, step=2, labels={"y": "z", "x": 1})
    assert one.key == two.key != Metric(name="a", value=1, step=3, labels={"x": 1, "y": "z"}).key


def test_the_key_of_a_measurement_is_all_that_it_depends_on() -> None:
    usual = {"variant": "v", "metric": "m", "value": 1.0, "unit": "ms"}
    assert Measured(**usual).key == Measured(**(usual | {"value": 2.0})).key
    for field, value in {"engine": "torch", "threads": 2, "batch": 8, "device": "pi", "split": "test"}.items():
        assert Measured(**usual).key != Measured(**(usual | {field: value})).key
