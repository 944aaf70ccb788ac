"""`python -m worker joint`: joint plans from files, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.evidence import DeviceFacts, Evidence, Seen
from worker.planning import joint_example as example
from worker.planning.offers import read, written

Cli = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example in files: two variants, all machines, their links, and what is offered for them."""
    names = example.networks()[:2]
    tiers = ("device", "edge", "cloud")
    evidence = Evidence(
        devices=tuple(DeviceFacts(id=each.name, name=each.name, tier=tiers[each.tier]) for each in example.MACHINES),
        profiles=tuple(Seen(device=each.name, profile=example.profiles()[example.key(name, each.name)])
                       for name in names for each in example.MACHINES))
    (tmp_path / "profiles.json").write_text(evidence.model_dump_json())
    (tmp_path / "offers.json").write_bytes(written([each for each in example.offers() if each.network in names]))
    lines = [f"{a},{b},{ms},{mbps}" for (one, other), (ms, mbps) in example.LINKS.items()
             for a, b in ((one, other), (other, one))]
    (tmp_path / "links.csv").write_text("\n".join(["source,destination,ping(ms),bandwidth(mbps)", *lines]))
    return tmp_path


def typed(folder: Path, *more: str) -> list[str]:
    return ["joint", str(folder / "profiles.json"), "--links", str(folder / "links.csv"), "--offers", str(folder / "offers.json"),
            *more]


def test_the_front_with_its_plans_and_the_choice(cli: Cli, folder: Path) -> None:
    code, out, err = cli(*typed(folder, "--deadline-ms", "100"))
    lines = out.splitlines()
    assert code == 0 and "emulated" in err
    assert sum(line.startswith("*") for line in lines) == 1
    assert "planned in full" in lines[-2] and "in one piece takes" in lines[-1]


def test_the_whole_answer_as_json(cli: Cli, folder: Path) -> None:
    code, out, _ = cli(*typed(folder, "--floor", "0.9", "--goal", "latency", "--rule", "raw input stays", "--json"))
    told = json.loads(out)
    chosen = told["versions"][told["chosen"]]
    assert code == 0 and chosen["accuracy"] >= 0.9
    assert all(stage["first"] > 1 or stage["device"] == "example board" for stage in chosen["plan"]["stages"])


def test_an_accuracy_that_is_typed_wins_and_needs_no_offers(cli: Cli, folder: Path) -> None:
    name = example.networks()[0]
    code, out, err = cli("joint", str(folder / "profiles.json"), "--links", str(folder / "links.csv"), "--json",
                         "--accuracy", f"{name}=0.5/90")
    told = json.loads(out)
    assert code == 0 and {each["variant"] for each in told["versions"]} == {name}
    assert "nobody knows how accurate it is" in err
    assert told["versions"][0]["n"] == 90


def test_what_cannot_be_kept_ends_with_one(cli: Cli, folder: Path) -> None:
    code, out, _ = cli(*typed(folder, "--deadline-ms", "1"))
    assert code == 1 and "Nothing comes within 1 ms" in out


@pytest.mark.parametrize(("more", "words"), [
    (["--deadline-ms", "nan"], "deadline-ms: got nan; allowed: a number of ms"), (["--floor", "nan"], "floor: got nan"),
    (["--deadline-ms=-1"], "deadline-ms: got -1"), (["--input-mb", "nan"], "input-mb: got nan"),
    (["--floor", "90"], "floor: got 90; allowed: 0 to 1, as 0.9 for nine images in ten"),
    (["--accuracy", "x"], "accuracy: got 'x'"), (["--accuracy", "unknown=0.5"], "There is no profile of unknown"),
    (["--rule", "edge takes ages"], "rules.0"), (["--goal", "fame"], "goal: got 'fame'"),
    (["--offers", "/nowhere/offers.json"], "offers: got"), (["--links", "/nowhere.csv"], "links: got")])
def test_what_is_typed_wrong_is_said_in_a_line(cli: Cli, folder: Path, more: list[str], words: str) -> None:
    code, _, err = cli(*typed(folder, *more))
    assert code == 2 and words in err


def test_a_file_that_holds_no_offers_is_refused() -> None:
    with pytest.raises(ValueError, match="no file of offers"):
        read(b'{"offers": [{"network": "x"}]}')
    assert read(written(example.offers()[:3])) == example.offers()[:3]


def test_no_torch_is_loaded(folder: Path) -> None:
    code = f"import sys; from worker.__main__ import app; app({typed(folder)!r}, standalone_mode=False)\n"
    wrapped = f"try:\n    {code.strip().replace('; app(', chr(10) + '    app(')}\nfinally:\n    print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", wrapped], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert said.stdout.splitlines()[-1] == "False", said.stderr[-2000:]
