"""A run whose frames the portal carried says so wherever its numbers stand, and that a direct link was predicted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.worker.partitioning.slices_built import Built, built, heard
from worker.context import HostInput
from worker.events import Log, Measured
from worker.orders import Order
from worker.partitioning.slicing import streaming
from worker.partitioning.slicing.asked import Asked, asked

DIRECT = "A link that the portal relays is predicted as a direct link"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(tmp_path_factory.mktemp("relayed"), links="pi to edge: 0 ms, 1 Gbit/s; edge to cloud: 0 ms, 1 Gbit/s")


def test_summary_verdict_and_file_say_relayed(given: Built) -> None:
    what = replace(given.what, emulated=False, relayed=(2,))
    summary, events = heard(streaming.here(what, given.context))
    kept = json.loads((given.context.workdir / "slices.json").read_text())
    assert summary["links_are"] == kept["links_are"] == "relayed" and kept["each_link_is"] == ["relayed", "real"]
    assert "over 2 links, 1 of them relayed by the portal; " in summary["verdict"]
    assert "ms were predicted for a direct link, " in summary["verdict"]
    assert DIRECT in summary["predicted_rests_on_seconds"] and DIRECT in kept["predicted_rests_on"]
    devices = {event.origin: event.device for event in events
               if isinstance(event, Measured) and event.metric == "split_latency_ms_p50"}
    assert devices == {"predicted": "pi → edge → cloud", "measured": "pi → edge → cloud, relayed by the portal"}
    said = [event.message for event in events if isinstance(event, Log)]
    assert any(line.startswith("Link pi to edge: ") and line.endswith(", relayed by the portal.") for line in said)


def test_the_parts_that_are_relayed_are_those_of_the_hosts(given: Built) -> None:
    direct = HostInput(part=3, device="cloud", run="r", addresses=("10.0.0.1",), port=1, pin="", token="t")
    context = replace(given.context, hosts=(replace(direct, part=2, device="edge", relayed="some-slice"), direct))

    def of(*, emulated: bool) -> Asked:
        order = Order(files=(), facts={
            "network": given.what.variant.as_summary(), "pieces": list(given.what.pieces), "different": 1,
            "links": [vars(link) for link in given.what.links], "dataset": "digits"})
        return asked(order, engine="onnxruntime", images=6, warmup=0, context=context, emulated=emulated)

    assert of(emulated=False).links_are == ["relayed", "real"]
    assert of(emulated=True).links_are == ["emulated", "emulated"]
