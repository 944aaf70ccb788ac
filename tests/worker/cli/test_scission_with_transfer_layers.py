"""`python -m worker scission` and a run of Scission with what runs of ScissionLite offer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from worker.__main__ import app
from worker.flags import Refused
from worker.planning.offers import Offer, written

HEADER = "model,block_index,input_layer,output_layer,second_prediction_s,output_size_bytes"
OFFER = Offer(network="small", after="1", layer="max-pool, int8", bytes=6_250, raw_bytes=100_000, down_s=0.004, convert_s=0.001,
              up_s=0.02, device="pi", accuracy=0.93, accuracy_whole=0.95, n=500, dataset="digits")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A megabyte a second: 600 ms on the pi, 250 split, 163.25 with the layer."""
    for name, first, last in (("device-pi", 0.1, 0.5), ("cloud-rack", 0.01, 0.05)):
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}\nsmall,0,0,1,{first},100000\nsmall,1,2,3,{last},10\n")
    (tmp_path / "network.csv").write_text("source,destination,ping(ms),bandwidth(mbps)\npi,rack,0,8\nrack,pi,0,8\n")
    (tmp_path / "offers").mkdir()
    (tmp_path / "offers/offers.json").write_bytes(written([OFFER]))
    return tmp_path


def said(folder: Path, *typed: str) -> Any:
    return CliRunner().invoke(app, ["scission", str(folder), "network.csv", "small", "-i", "0.9", *typed])


def test_the_best_plan_has_one_where_it_may_cost_what_it_costs(folder: Path) -> None:
    offers = ("--offers", str(folder / "offers/offers.json"))
    lines = said(folder, *offers, "--max-drop", "2").stdout.splitlines()
    assert lines[0] == ("[1] 0.1633s - 0.0063MB - Device(pi) = 0 - 1, Edge(None) = -1 - -1, Cloud(rack) = 2 - 3 - "
                        "TL(max-pool, int8 behind 1)")
    assert lines[1].startswith("[2] 0.6000s") and "TL(" not in lines[1]


def test_without_leave_or_offers_every_line_is_as_ever(folder: Path) -> None:
    plain = said(folder).stdout
    assert plain.startswith("[1] 0.2500s - 0.1000MB - Device(pi) = 0 - 1, Edge(None) = -1 - -1, Cloud(rack) = 2 - 3\n")
    offers = ("--offers", str(folder / "offers/offers.json"))
    assert said(folder, *offers).stdout == said(folder, *offers, "--max-drop", "1").stdout == plain
    assert said(folder, "--max-drop", "5").stdout == plain


def test_what_is_no_file_of_offers_is_refused_in_a_line(folder: Path) -> None:
    for path in (folder / "nowhere.json", folder / "network.csv"):
        answer = said(folder, "--offers", str(path), "--max-drop", "2")
        assert isinstance(answer.exception, Refused) and str(answer.exception).startswith("offers: ")


def test_a_run_of_scission_takes_the_same_file(folder: Path, tmp_path: Path) -> None:
    def summary(*typed: str) -> Any:
        found = CliRunner().invoke(app, [
            "run", "partitioning.scission", "--profiles", str(folder), "--links", "network.csv", "--model", "small", "--offers",
            str(folder / "offers/offers.json"), "--input-mb", "0.9", "--out", str(tmp_path / f"out{len(typed)}"), *typed])
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout.splitlines()[-1])["summary"]
    with_layer = summary("--max-drop", "2")
    assert (with_layer["transfer_layer"], with_layer["accuracy_before"], with_layer["accuracy_after"]) == (
        "max-pool, int8 behind 1", 0.95, 0.93)
    assert with_layer["best_ms"] == pytest.approx(163.25)
    assert summary()["transfer_layer"] is None and summary()["best_ms"] == pytest.approx(250)
