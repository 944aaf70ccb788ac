"""Rounds of federated learning: what is learnt whatever the way, what becomes of faults, and what a killed run goes on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context, DatasetInput, ModelInput
from worker.dnn import files
from worker.events import Event, Log, Metric

BOARDS = "pi: 0.5 GMAC/s, 75 Mbit/s, 2 ms; nano: 1 GMAC/s, 75 Mbit/s, 2 ms; jetson: 10 GMAC/s, 75 Mbit/s, 2 ms"
TWO_EDGES = "edge-a: 50 GMAC/s; edge-b: 50 GMAC/s"


def context(folder: Path, **more: Any) -> Context:
    torch.set_num_threads(1)
    return Context(folder, {"model": ModelInput("vgg5", "vgg5"), "dataset": DatasetInput("digits")}, seed=7, **more)


def said(recipe: str, folder: Path, changes: Any = None, **params: Any) -> tuple[list[Event], dict[str, Any]]:
    """Everything that a run says, and its summary."""
    found = menu.get(f"federated.{recipe}")
    asked = found.params(**{"model": "vgg5", "dataset": "digits", "clients": BOARDS, "rounds": 2, "batch_size": 64} | params)
    course, events = found.run(asked, context(folder, **({"changes": changes} if changes else {}))), []
    try:
        while True:
            events.append(next(course))  # type: ignore[call-overload]
    except StopIteration as end:
        return events, end.value


def numbers(events: list[Event], name: str, **labels: str) -> dict[int | None, float | None]:
    return {event.step: event.value for event in events if isinstance(event, Metric) and event.name == name
            and labels.items() <= event.labels.items()}


def warnings(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Log) and event.level == "warning"]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return files.load(folder / "federated.safetensors").network.state_dict()


def alike(one: Path, other: Path) -> bool:
    return all(torch.equal(tensor, weights(other)[name]) for name, tensor in weights(one).items())


def test_what_is_learnt_does_not_depend_on_who_trains_which_layers_where(tmp_path: Path) -> None:
    said("fedavg", tmp_path / "classic")
    said("fedavg", tmp_path / "split", after="features.3")
    said("fedadapt", tmp_path / "agent", updates=2)
    said("fedfly", tmp_path / "moves", edges=TWO_EDGES,
         moves="round 1 at 0 %: pi to edge-b; round 1 at 100 %: nano to edge-b; round 2 at 50 %: pi to edge-a")
    assert all(alike(tmp_path / "classic", tmp_path / other) for other in ("split", "agent", "moves"))


def test_a_move_saves_what_beginning_anew_would_do_twice(tmp_path: Path) -> None:
    events, _ = said("fedfly", tmp_path, edges=TWO_EDGES, moves="round 2 at 50 %: pi to edge-b", batch_size=8, rounds=2)
    assert numbers(events, "link_bytes", link="edge-a, edge-b") == numbers(events, "moved_bytes", client="pi")
    (moved,), (saved,) = (numbers(events, name, client="pi").values() for name in ("moved_seconds", "saved_seconds"))
    here, again = (numbers(events, "round_seconds", way=way)[2] for way in ("FedFly", "restart"))
    assert here is not None and again is not None and saved is not None and moved is not None
    assert saved == pytest.approx(again - here) and 0 < moved < 0.05
    # Half of the round is done twice: a third of the time of both, less what moving takes and the weights' way.
    assert 1 - here / again == pytest.approx(1 / 3, abs=0.03)


def test_who_vanishes_is_left_out_of_that_round_alone_and_the_others_wait_for_it_no_longer_than_their_patience(
    tmp_path: Path,
) -> None:
    events, summary = said("fedavg", tmp_path, faults="round 1: pi vanishes", patience=2.0)
    usual, late = (numbers(events, "round_seconds", way="classic")[number] for number in (2, 1))
    assert usual is not None and late == pytest.approx(2 * usual)
    (warning,) = warnings(events)
    assert "Round 1: nothing came from pi" in warning and "takes part again in the next one" in warning
    assert {event.labels["part"] for event in events if isinstance(event, Metric) and event.name == "lane_seconds"
            and event.step == 1 and event.labels["client"] == "pi"} >= {"lost"}
    assert summary["accuracy_after"] > 0.3


@pytest.mark.parametrize(("fault", "why"), [
    ("sends NaN", "numbers that are not finite"), ("sends wrong shapes", "is expected"),
    ("sends an old round", "it was of round 0, and this is round 1"), ("sends twice", "it came a second time")])
def test_what_cannot_be_averaged_is_left_out_with_its_reason(fault: str, why: str, tmp_path: Path) -> None:
    events, summary = said("fedavg", tmp_path, faults=f"round 1: jetson {fault}", rounds=1)
    (warning,) = warnings(events)
    assert warning.startswith("Round 1: what jetson sent is left out:") and why in warning
    assert summary["refused_updates"] == 1 and "left out: 1 update that could not be averaged" in summary["verdict"]
    lanes = {event.labels["part"] for event in events if isinstance(event, Metric) and event.name == "lane_seconds"
             and event.labels["client"] == "jetson"}
    assert ("left out" in lanes) == (fault != "sends twice")  # of that one the first counted
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path).values() if tensor.is_floating_point())


def test_one_that_sends_twice_counts_once(tmp_path: Path) -> None:
    said("fedavg", tmp_path / "once")
    said("fedavg", tmp_path / "twice", faults="rounds 1-2: pi sends twice")
    assert alike(tmp_path / "once", tmp_path / "twice")


def test_where_nobodys_weights_count_the_network_stays_as_it_was(tmp_path: Path) -> None:
    faults = "; ".join(f"round 2: {name} sends NaN" for name in ("pi", "nano", "jetson"))
    said("fedavg", tmp_path / "one", rounds=1, drop_after=1)
    events, _ = said("fedavg", tmp_path / "two", rounds=2, drop_after=1, faults=faults)
    assert alike(tmp_path / "one", tmp_path / "two")
    assert "nobody's weights counted, so the network stays as it was" in warnings(events)[-1]


@pytest.mark.parametrize(("recipe", "params"), [
    ("fedavg", {"averaging": "fedadam"}), ("fedadapt", {"updates": 2}),
    ("fedfly", {"edges": TWO_EDGES, "moves": "round 2 at 50 %: pi to edge-b"})])
def test_a_run_that_was_killed_between_two_rounds_ends_as_one_that_was_not(
    recipe: str, params: dict[str, Any], tmp_path: Path,
) -> None:
    whole, _ = said(recipe, tmp_path / "whole", rounds=3, **params)
    found = menu.get(f"federated.{recipe}")
    asked = found.params(**{"model": "vgg5", "dataset": "digits", "clients": BOARDS, "rounds": 3, "batch_size": 64} | params)
    course = found.run(asked, context(tmp_path / "killed"))
    for event in course:
        if isinstance(event, Metric) and event.name == "accuracy" and event.step == 2:
            break  # after what was said of round 2, before its checkpoint
    course.close()  # type: ignore[attr-defined]
    again, _ = said(recipe, tmp_path / "killed", rounds=3, **params)
    assert alike(tmp_path / "whole", tmp_path / "killed")
    told = {event.key: event.value for event in again if isinstance(event, Metric) and event.name != "phase_seconds"}
    assert told == {event.key: event.value for event in whole if isinstance(event, Metric) and event.name != "phase_seconds"}


def test_a_bandwidth_that_is_changed_while_it_runs_counts_from_the_next_round_on(tmp_path: Path) -> None:
    asked = iter(["", "jetson 1 Mbit/s"])

    def changes() -> dict[str, Any]:
        return {"bandwidth_now": next(asked, "jetson 1 Mbit/s")}

    events, _ = said("fedadapt", tmp_path, changes=changes, rounds=3, updates=20)
    assert list(numbers(events, "bandwidth_mbps", client="jetson").values()) == [75.0, 1.0, 1.0]
    assert [event.message for event in events if isinstance(event, Log) and event.message.startswith("From round")] == [
        "From round 2 on: jetson 1 Mbit/s."]
    shares = numbers(events, "share_on_device", client="jetson")
    slow, oracle = (numbers(events, "round_seconds", way=way)[3] for way in ("all behind features.3", "oracle"))
    agent = numbers(events, "round_seconds", way="FedAdapt")[3]
    assert slow is not None and oracle is not None and agent is not None
    assert shares[3] == 1.0 and agent < slow and agent <= 1.1 * oracle


def test_the_oracles_round_is_never_longer_than_anybodys_whatever_clients_have_to_do_and_to_send(tmp_path: Path) -> None:
    clients = "pi: 0.5 GMAC/s, 2 Mbit/s, 2 ms, 60 %; nano: 1 GMAC/s, 30 Mbit/s, 2 ms; jetson: 10 GMAC/s, 1 Mbit/s, 2 ms, 5 %"
    events, summary = said("fedadapt", tmp_path, clients=clients, updates=2, batch_size=16)
    oracle = summary["emulated_seconds"]["oracle"]
    assert all(oracle <= seconds + 1e-9 for seconds in summary["emulated_seconds"].values())
    assert numbers(events, "round_seconds", way="oracle")[1] == pytest.approx(oracle / 2)


def test_who_vanishes_goes_nowhere_and_nobody_goes_where_it_is(tmp_path: Path) -> None:
    events, _ = said("fedfly", tmp_path, edges=TWO_EDGES, faults="round 1: pi vanishes",
                     moves="round 1: pi to edge-b; round 1: nano to edge-a; round 2: pi to edge-b")
    assert {(event.step, event.labels["client"]) for event in events
            if isinstance(event, Metric) and event.name == "moved_bytes"} == {(2, "pi")}


def test_a_learning_rate_that_is_changed_while_it_runs_counts_from_the_next_round_on(tmp_path: Path) -> None:
    asked = iter([0.01, 0.01])
    events, _ = said("fedavg", tmp_path / "changed", changes=lambda: {"learning_rate": next(asked, 0.001)}, rounds=3,
                     drop_after=1)
    assert [event.message for event in events if isinstance(event, Log) and "learning rate" in event.message] == [
        "The learning rate is 0.001 from round 2 on; it was set to 0.01."]
    same, _ = said("fedavg", tmp_path / "not", rounds=3, drop_after=1)
    changed, kept = (numbers(each, "accuracy") for each in (events, same))
    assert changed[1] == kept[1] and changed[3] != kept[3]


def test_the_parts_of_each_lane_add_up_to_the_round(tmp_path: Path) -> None:
    events, _ = said("fedavg", tmp_path, after="features.3", edges="edge-a: 0.2 GMAC/s, 1 at once")
    whole = numbers(events, "round_seconds", way="split behind features.3")
    for client in ("pi", "nano", "jetson"):
        for number in (1, 2):
            parts = [event.value or 0 for event in events if isinstance(event, Metric) and event.name == "lane_seconds"
                     and event.step == number and event.labels["client"] == client]
            assert sum(parts) == pytest.approx(whole[number])
    assert any(event.labels["part"] == "queues" for event in events if isinstance(event, Metric) and event.name == "lane_seconds")


def test_of_many_clients_few_are_drawn_for_a_round_and_sixteen_have_lanes(tmp_path: Path) -> None:
    events, summary = said("fedavg", tmp_path, clients="phone x 40: 1 GMAC/s, 20 Mbit/s, 10 ms", taking_part=0.5, rounds=2)
    lanes = {(event.step, event.labels["client"]) for event in events
             if isinstance(event, Metric) and event.name == "lane_seconds"}
    assert summary["clients"] == 40 and len({client for _, client in lanes}) <= 16
    assert {client for number, client in lanes if number == 1} != {client for number, client in lanes if number == 2}
