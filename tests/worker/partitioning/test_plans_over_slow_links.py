"""Links over which an image would take longer than anybody waits are refused before anything runs, with the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.partitioning.slices_built import PLAN, built
from worker.evidence import DeviceFacts, Evidence, LinkFacts
from worker.planning import parted
from worker.planning.parted import between, read_links, read_plan, refuse_slow

NAMES = ["a", "b", "c"]


def test_a_run_refuses_a_message_that_would_take_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parted, "MOST_TRANSFER_S", 1.0)  # As ten minutes are for a large network.
    slow = "pi to edge: 4 ms, 1 kbit/s; edge to cloud: 2 ms, 100 Mbit/s"
    with pytest.raises(ValueError, match=r"of [\d,]+ bytes would take \d+ s over the link pi to edge: 4 ms") as refused:
        built(tmp_path, plan=PLAN, links=slow, images=1)
    assert "; 1 s are allowed" in str(refused.value)


def test_a_link_of_the_registry_counts_as_one_that_was_typed() -> None:
    parts = read_plan("a until input; b")
    devices = tuple(DeviceFacts(id=name, name=name) for name in NAMES)
    evidence = Evidence(devices=devices, links=(LinkFacts(sender="a", receiver="b", latency_ms=1, bandwidth_mbps=0.001),))
    links, _ = between(parts, (), evidence)
    refuse_slow(links, [74_000, 40])
    with pytest.raises(ValueError, match="A message of 76,000 bytes would take 608 s over the link a to b"):
        refuse_slow(links, [76_000, 40])


def test_links_that_are_too_slow_only_together_are_refused_too() -> None:
    links = read_links("a to b: 1 ms, 1 kbit/s; b to c: 1 ms, 1 kbit/s", NAMES)
    with pytest.raises(ValueError, match="An image would take 640 s over the 2 links of the plan together; 600 s are allowed"):
        refuse_slow(links, [40_000, 40_000, 40])
