"""A run whose bandwidths were changed while it went on says what repeats it: the same changes, planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.worker.federated.test_federated_rounds import BOARDS, alike, context
from worker import menu
from worker.events import Event, Log, Metric
from worker.params import Retraced
from worker.planning.rates_changed import WANTED

PARAMS = menu.get("federated.fedavg").params
TYPED = ["", "pi 5 Mbit/s", "pi 5 Mbit/s; jetson 1 Mbit/s", "jetson 1 Mbit/s"]


def begun(**more: Any) -> dict[str, Any]:
    asked = {"model": "vgg5", "dataset": "digits", "clients": BOARDS, "rounds": len(TYPED), "batch_size": 64, **more}
    return PARAMS.model_validate(asked).model_dump(mode="json")


def ran(folder: Path, params: dict[str, Any], **given: Any) -> list[Event]:
    found = menu.get("federated.fedavg")
    return list(found.run(found.params.model_validate(params), context(folder, **given)))


def told(events: list[Event]) -> list[Metric]:
    return [each for each in events if isinstance(each, Metric) and each.name == WANTED]


def typed(*texts: str) -> Any:
    """What stands in the page's field round by round, the last of it from then on."""
    left = list(texts)
    return lambda: {"bandwidth_now": left.pop(0) if len(left) > 1 else left[0]}


def wanted(number: int, mbps: float, end: str = "first", client: str = "pi") -> Metric:
    return Metric(name=WANTED, value=mbps, step=number, labels={"client": client, "end": end})


def retraced(*metrics: Metric, now: str, **more: Any) -> Retraced:
    return PARAMS.retraced(begun(**more), {"bandwidth_now": now}, metrics)


def test_what_repeats_it_learns_the_same_in_the_same_time(tmp_path: Path) -> None:
    asked = begun(after="features.3")
    # A round reads what is changed twice: its bandwidths and its learning rate.
    once = ran(tmp_path / "once", asked, changes=typed(*(each for each in TYPED for _ in "ab")))
    again = PARAMS.retraced(asked, {"bandwidth_now": TYPED[-1]}, told(once))
    assert again.values["changes"] == "rounds 2-3: pi 5 Mbit/s; rounds 3-4: jetson 1 Mbit/s"
    assert again.values["bandwidth_now"] == "" and not again.notes
    twice = ran(tmp_path / "twice", dict(again.values))
    assert alike(tmp_path / "once", tmp_path / "twice") and not told(twice)
    assert numbers(once) == numbers(twice)


def numbers(events: list[Event]) -> dict[str, float | None]:
    return {each.key: each.value for each in events if isinstance(each, Metric) and each.name not in (WANTED, "phase_seconds")}


def test_a_run_that_was_killed_as_it_took_a_change_says_it_all_the_same(tmp_path: Path) -> None:
    course = menu.get("federated.fedavg").run(PARAMS.model_validate(begun()), context(
        tmp_path, changes=typed("", "", "pi 5 Mbit/s")))
    for event in course:
        if isinstance(event, Log) and event.message.startswith("From round 2 on"):
            break
    course.close()  # type: ignore[attr-defined]
    assert told(ran(tmp_path, begun(), changes=typed("pi 5 Mbit/s"))) == [wanted(2, 5.0)]


def test_planned_changes_stay_and_those_of_the_page_go_before_them() -> None:
    found = retraced(wanted(2, 5.0), wanted(3, 5.0, "last"), now="", changes="rounds 1-4: pi 50 Mbit/s")
    assert found.values["changes"] == "rounds 1-4: pi 50 Mbit/s; rounds 2-3: pi 5 Mbit/s"


def test_what_was_set_before_it_began_and_never_changed_is_said_as_it_was_set() -> None:
    found = retraced(wanted(1, 5.0), now="pi 5 Mbit/s")
    assert (found.values["bandwidth_now"], found.values["changes"], found.notes) == ("pi 5 Mbit/s", "", ())


def test_of_what_no_round_has_taken_yet_it_is_said_that_it_is_not_in_there() -> None:
    found = retraced(wanted(2, 5.0), now="pi 9 Mbit/s")
    assert found.values["changes"] == "rounds 2-4: pi 5 Mbit/s" and found.values["bandwidth_now"] == ""
    assert found.notes == ("The bandwidths that were set last are not in the line: no round told that it began with them.",)
    assert retraced(now="pi 9 Mbit/s", bandwidth_now="pi 7 Mbit/s").values["bandwidth_now"] == "pi 7 Mbit/s"


def test_more_changes_than_lines_are_not_said() -> None:
    every = [wanted(number, 1.0 + number % 2, end) for number in range(1, 300) for end in ("first", "last")]
    found = retraced(*every, now="", rounds=400)
    assert found.values["changes"] == "" and found.notes[0].startswith("Bandwidths were changed too often")


@pytest.mark.parametrize("recipe", ["federated.fedavg", "training.backprop"])
def test_of_a_value_that_no_parameter_gives_rounds_to_it_is_said(recipe: str) -> None:
    found = menu.get(recipe).params.retraced({"learning_rate": 0.1}, {"learning_rate": 0.01}, [])
    assert found.values == {"learning_rate": 0.01}
    assert found.notes == ("Learning rate was changed while it ran, and no parameter says when: in the line its last value "
                           "counts from the beginning.",)
