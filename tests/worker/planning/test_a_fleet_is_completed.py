"""What nobody typed of a fleet comes from profiles and links of devices of these names; what nobody knows is asked for."""

from __future__ import annotations

import pytest

from worker.evidence import DeviceFacts, Evidence, LinkFacts, Seen
from worker.planning.fleet import fleet, lacking
from worker.planning.fleets import read_clients, read_edges
from worker.profile import Block, NetworkProfile

PROFILE = NetworkProfile(network="vgg5", blocks=(Block(first="a", last="b", seconds=0.5, output_bytes=1, macs=10**9),
                                                 Block(first="c", last="d", seconds=1.5, output_bytes=1, macs=3 * 10**9)))
KNOWN = Evidence(devices=(DeviceFacts(id="1", name="pi"), DeviceFacts(id="2", name="edge-a")),
                 profiles=(Seen(device="1", profile=PROFILE),),
                 links=(LinkFacts(sender="1", receiver="2", latency_ms=10, bandwidth_mbps=40),))


def test_speed_and_link_are_those_of_the_device_of_that_name() -> None:
    found = fleet(read_clients("pi"), read_edges("edge-a: 50 GMAC/s"), KNOWN)
    (client,) = found.clients
    assert client.speed.macs_per_s == 2e9 and client.measured and not found.server("edge-a").measured
    # A link's latency is told there and back.
    assert (client.speed.mbps, client.speed.latency_ms) == (40.0, 5.0)


def test_what_is_typed_goes_before_what_is_known() -> None:
    (client,) = fleet(read_clients("pi: 7 GMAC/s, 3 Mbit/s, 9 ms"), read_edges("edge-a: 50 GMAC/s"), KNOWN).clients
    assert (client.speed.macs_per_s, client.speed.mbps, client.speed.latency_ms) == (7e9, 3.0, 9.0) and not client.measured


@pytest.mark.parametrize(("clients", "edges", "field", "why"), [
    ("nano: 20 Mbit/s", "edge-a: 1 GMAC/s", "clients", "How fast nano trains is not known"),
    ("pi", "edge-b: 1 GMAC/s", "clients", "The link of pi is not known"),
    ("pi", "edge-a", "edges", "How fast edge-a trains is not known")])
def test_what_nobody_knows_is_asked_for_at_its_field(clients: str, edges: str, field: str, why: str) -> None:
    asked = read_clients(clients), read_edges(edges)
    assert why in lacking(*asked, KNOWN)[field]
    with pytest.raises(ValueError, match=why):
        fleet(*asked, KNOWN)
