"""The lines that repeat a run say what was changed while it ran with its rounds, and leave out what does not count."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.experiments.models import Run, Status
from apps.live.models import Saying
from tests.apps.cast import Cast
from tests.apps.recorded import LINES, kept
from worker import menu
from worker.planning.rates_changed import told

CLIENTS = "pi: 0.5 GMAC/s, 75 Mbit/s, 2 ms; jetson: 10 GMAC/s, 75 Mbit/s, 2 ms"


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def asked(cast: Cast, recipe: str, live: dict[str, Any] | None = None, **values: Any) -> Run:
    params = menu.get(recipe).params.model_validate(values).model_dump(mode="json")
    return cast.run(Status.RUNNING, recipe=recipe, params=params, live_params=live or {}, attempt=1)


def text(client: Client, run: Run) -> str:
    return unescape(client.get(f"/runs/{run.pk}/").content.decode())


def words(page: str) -> list[str]:
    """The words of the line for a terminal."""
    found = re.search(r'<code id="command">(.*?)</code>', page)
    assert found
    return shlex.split(found[1])


def test_bandwidths_that_were_changed_while_it_ran_stand_in_both_lines_with_their_rounds(cast: Cast, alice: Client) -> None:
    run = asked(cast, "federated.fedavg", {"bandwidth_now": "pi 5 Mbit/s"}, model="m", dataset="d", clients=CLIENTS, rounds=20)
    said = [*told(4, {"pi": 1.0}, {}), *told(7, {"pi": 5.0}, {"pi": 1.0})]
    run.stream.append([Saying(each.type, each.model_dump(mode="json", exclude={"type"}), each.key) for each in said])
    page = text(alice, run)
    line = words(page)
    assert line[line.index("--changes") + 1] == "rounds 4-6: pi 1 Mbit/s; rounds 7-20: pi 5 Mbit/s"
    assert "--bandwidth-now" not in line and page.count("rounds 4-6: pi 1 Mbit/s; rounds 7-20: pi 5 Mbit/s") == 2
    assert "are not in the line" not in page


def test_a_change_that_no_round_has_taken_is_said_beside_the_line(cast: Cast, alice: Client) -> None:
    run = asked(cast, "federated.fedavg", {"bandwidth_now": "pi 5 Mbit/s"}, model="m", dataset="d", clients=CLIENTS)
    page = text(alice, run)
    assert not {"--changes", "--bandwidth-now"} & set(words(page))
    assert "The bandwidths that were set last are not in the line: no round told that it began with them." in page


def test_a_change_that_no_parameter_can_say_is_said_beside_the_line(cast: Cast, alice: Client) -> None:
    run = asked(cast, "training.backprop", {"learning_rate": 0.001}, model="m", dataset="d")
    page = text(alice, run)
    line = words(page)
    assert line[line.index("--learning-rate") + 1] == "0.001"
    assert "Learning rate was changed while it ran, and no parameter says when" in page
    assert "was changed while it ran" not in text(alice, asked(cast, "training.backprop", model="m", dataset="d"))


def test_what_does_not_count_beside_recordings_is_left_out(cast: Cast, alice: Client, tmp_path: Path) -> None:
    line = words(text(alice, asked(cast, "detection.roma", recordings=str(kept(cast, tmp_path).pk), detectors=LINES)))
    assert {"--recordings", "--calibration", "--detectors"} <= set(line) and not {"--scenes", "--fps"} & set(line)
    line = words(text(alice, asked(cast, "detection.roma", detectors=LINES)))
    assert {"--scenes", "--fps"} <= set(line) and "--calibration" not in line
