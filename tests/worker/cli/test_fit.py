"""`python -m worker fit`: which way of training fits a budget, and what is wrong with what was typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from worker.__main__ import app
from worker.dnn import architectures, files
from worker.flags import Refused, find, read
from worker.networks.fit_command import bytes_of

METHODS = ["training.backprop", "training.checkpointing", "training.local", "training.neuroflux"]


def answer(*words: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    done = CliRunner().invoke(app, ["fit", *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return json.loads(done.stdout)


def test_it_tells_of_each_method_whether_it_fits_with_which_batch_and_why_not() -> None:
    told = answer("--model", "lenet5", "--in-shape", "1x8x8", "--budget", "600kB", "--exits", "linear")
    assert list(told["methods"]) == METHODS and told["budget_bytes"] == 600_000 and told["origin"] == "predicted"
    for found in told["methods"].values():
        assert found["fits"] == (found["why_not"] is None) == (found["batch"] is not None)
        assert (found["fits"] and found["predicted_bytes"] <= told["usable_bytes"]) or found["needed_bytes"] > 600_000
    assert told["methods"]["training.backprop"]["fits"] and not told["methods"]["training.local"]["fits"]
    assert [block["last"] for block in told["methods"]["training.neuroflux"]["blocks"]] == [2, 4]


def test_a_file_with_a_network_is_asked_about_as_it_is(tmp_path: Path) -> None:
    made = architectures.build("lenet5", 3, (1, 8, 8), seed=1)
    files.save(made, tmp_path / "own.safetensors", in_shape=(1, 8, 8), classes=3, name="own")
    told = answer("--model", str(tmp_path / "own.safetensors"), "--budget", "50kB")
    assert told["in_shape"] == [1, 8, 8]
    assert all(not found["fits"] and "too small" in found["why_not"] for found in told["methods"].values())


@pytest.mark.parametrize(("words", "told"), [
    (("--model", "vgg17", "--budget", "1MB"), "model: got 'vgg17'"),
    (("--model", "lenet5", "--budget", "1MB"), "in-shape: missing"),
    (("--model", "vgg16", "--in-shape", "3x2x2", "--budget", "1MB"), "at least 16x16"),
    (("--model", "lenet5", "--in-shape", "1x8x8", "--budget", "much"), "budget: got 'much'"),
    (("--model", "lenet5", "--in-shape", "1x8x8", "--budget", "1MB", "--exits", "wide"), "exits: got 'wide'"),
    (("--model", "lenet5", "--in-shape", "1x8x8", "--budget", "1MB", "--margin", "nan"), "margin: got nan"),
])
def test_what_cannot_be_asked_is_refused_with_what_can(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(Refused) as refused:
        answer(*words)
    assert told in str(refused.value)


@pytest.mark.parametrize(("text", "size"), [("130MB", 130_000_000), ("1.5 GB", 1_500_000_000), ("500kB", 500_000), ("5B", 5),
                                            ("77", 77_000_000)])
def test_budgets_are_read_in_units_of_a_thousand(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "0", "-5MB", "5 MiB", "1e9", "five", "0.1B", "9" * 40, "130 \N{KELVIN SIGN}B",
                                  "\N{ARABIC-INDIC DIGIT THREE}MB"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="budget: got"):
        bytes_of(text)


def test_a_binary_unit_is_told_what_it_would_be() -> None:
    with pytest.raises(Refused, match=r"got '60MiB'; allowed: bytes, as 130MB .*; that would be 62.91MB"):
        bytes_of("60MiB")


@pytest.mark.parametrize(("typed", "mb"), [("60", 60), ("60MB", 60), ("1.5 GB", 1500), ("200kB", 0.2), ("0MB", 0)])
def test_a_recipe_reads_a_budget_by_the_same_rule(typed: str, mb: float) -> None:
    words = ["--model", "lenet5", "--dataset", "digits", "--budget-mb", typed]
    assert read(find("training.backprop"), words).model_dump()["budget_mb"] == mb


@pytest.mark.parametrize(("typed", "said"), [
    ("60MiB", "budget_mb: got '60MiB'; allowed: bytes, as 130MB"), ("five", "must be a number"),
    ("2e6GB", "must be a number, between 0 and 1,000,000; got 2e6GB"), ("9000GB", "must be between 0 and 1,000,000")])
def test_a_recipe_refuses_other_budgets_at_their_field(typed: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read(find("training.backprop"), ["--model", "lenet5", "--dataset", "digits", "--budget-mb", typed])
    assert said in str(refused.value)
