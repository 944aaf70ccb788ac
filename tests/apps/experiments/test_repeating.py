"""One line that repeats an experiment: what it launches is what ran, through the API and in a shell."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from apps.experiments import actions
from apps.experiments.models import Experiment, Run
from apps.experiments.studies import Own
from tests.apps.cast import Cast
from tests.apps.experiments.network import network

MAGNITUDE, RANDOM, CHANNELS = "pruning.magnitude", "pruning.random", "pruning.l1_channels"


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def study(cast: Cast, sweep: dict[str, list[Any]], repeat: int = 1, **more: Any) -> Experiment:
    return actions.launch_sweep(cast.alice, cast.team, MAGNITUDE, {**network(cast), **more}, sweep, repeat,
                                compare_with={RANDOM: Own(), CHANNELS: Own({"min_channels": 4}, {"channels": [0.25, 0.5]})})


def line(client: Client, experiment: Experiment, name: str) -> str:
    found = re.search(rf'<code id="{name}">(.*?)</code>', client.get(f"/experiments/{experiment.pk}/").content.decode(), re.S)
    return unescape(found[1]) if found else ""


def asked(experiment: Experiment) -> list[tuple[str, dict[str, Any]]]:
    return list(experiment.runs.order_by("number").values_list("recipe", "params"))


SWEEPS = [({"sparsity": [0.5, 0.75]}, 3), ({"seed": [3, 11, 12], "optimiser": ["sgd", "adam"]}, 1), ({}, 1),
          ({"reference": [True, False], "sparsity": [0.5, 0.9]}, 2)]


@pytest.mark.parametrize(("sweep", "repeat"), SWEEPS)
def test_the_api_line_launches_the_same_runs(cast: Cast, alice: Client, sweep: dict[str, list[Any]], repeat: int) -> None:
    experiment = study(cast, sweep, repeat)
    words = shlex.split(line(alice, experiment, "curl"))
    body = json.loads(words[words.index("-d") + 1])
    answer = alice.post("/api/experiments", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    again = Experiment.objects.get(pk=answer.json()["id"])
    assert sorted(map(repr, asked(again))) == sorted(map(repr, asked(experiment)))


@pytest.mark.parametrize(("sweep", "repeat"), SWEEPS)
def test_the_shell_line_runs_every_run_in_a_folder_of_its_own(
    cast: Cast, alice: Client, sweep: dict[str, list[Any]], repeat: int,
) -> None:
    experiment = study(cast, sweep, repeat)
    shown = line(alice, experiment, "shell").replace(".venv/bin/python -m worker run", "printf '%s\\0' run")
    said = subprocess.run(["bash", "-euc", shown], capture_output=True, text=True, check=True).stdout
    runs = [words.split("\0") for words in said.split("run\0")[1:]]
    assert len(runs) == experiment.runs.count() == len({words[words.index("--out") + 1] for words in runs})
    given = [(words[0], {flag: value for flag, value in pairwise(words) if flag.startswith("--")}, words)
             for words in runs]
    for recipe, params in asked(experiment):
        assert sum(recipe == name and all(_says(flags, words, field, value) for field, value in params.items()
                                          if field not in ("model", "dataset")) for name, flags, words in given) == 1


def _says(flags: dict[str, str], words: list[str], field: str, value: Any) -> bool:
    flag = field.replace("_", "-")
    if isinstance(value, bool):
        return (f"--{flag}" if value else f"--no-{flag}") in words
    return flags.get(f"--{flag}", "") == ("" if value is None else str(value))


def test_what_somebody_named_cannot_leave_its_word(cast: Cast, alice: Client) -> None:
    from apps.catalog.models import RegisteredModel

    values = network(cast)
    RegisteredModel.objects.update(name="x'; touch /tmp/owned; $(id) \"`")
    experiment = actions.launch_sweep(cast.alice, cast.team, MAGNITUDE, values, {"sparsity": [0.5, 0.75]})
    shown = line(alice, experiment, "shell").replace(".venv/bin/python", "printf '%s\\n'")
    said = subprocess.run(["bash", "-euc", shown], capture_output=True, text=True, check=True)
    assert said.stdout.count("x'; touch /tmp/owned; $(id) \"`") == 2 and not said.stderr


def test_a_line_that_would_not_say_the_same_is_not_shown(cast: Cast, alice: Client) -> None:
    experiment = study(cast, {"sparsity": [0.5, 0.75]}, 2)
    experiment.runs.latest("number").delete()
    assert line(alice, experiment, "curl") == line(alice, experiment, "shell") == ""
    Run.objects.filter(experiment=experiment).update(recipe="pruning.gone")
    assert "no single line makes the same" in alice.get(f"/experiments/{experiment.pk}/").content.decode()
