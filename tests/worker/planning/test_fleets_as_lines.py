"""Clients, edge servers and what happens to them as lines: read as they are written, and refused in words at the line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.planning.fleets import (
    Client,
    Edge,
    Fault,
    Move,
    Rate,
    read_clients,
    read_edges,
    read_faults,
    read_moves,
    read_rates,
    read_rates_now,
)

NAMES, EDGES = ["pi3-1", "the pi to the left", "jetson"], ["edge-a", "edge-b"]


def test_a_client_is_a_name_and_what_is_known_of_it_in_any_order() -> None:
    found = read_clients("pi3-1: 75 Mbit/s, 0.5 GMAC/s, 30 %, 2 ms, at edge-b\nkitchen", EDGES)
    assert found == (Client("pi3-1", 5e8, 75.0, 2.0, "edge-b", 30.0), Client("kitchen"))


def test_many_alike_are_one_line() -> None:
    assert [each.name for each in read_clients("phone x 3: 1 GMAC/s, 20 Mbit/s")] == ["phone-1", "phone-2", "phone-3"]


def test_edge_servers_changes_moves_and_faults_are_read() -> None:
    assert read_edges("edge-a: 50 GMAC/s; edge-b: 900 MMAC/s, 4 at once") == (Edge("edge-a", 5e10), Edge("edge-b", 9e8, 4))
    assert read_rates("rounds 11-20: pi3-1 5 Mbit/s", NAMES) == (Rate("pi3-1", 5.0, 11, 20),)
    assert read_rates_now("the pi to the left: 500 kbit/s", NAMES) == (Rate("the pi to the left", 0.5),)
    assert read_moves("round 5 at 90 %: the pi to the left to edge-b; round 2: jetson to edge-a", NAMES, EDGES) == (
        Move(2, 0.5, "jetson", "edge-a"), Move(5, 0.9, "the pi to the left", "edge-b"))
    assert read_faults("rounds 3-4: jetson sends an old round", NAMES) == (Fault("jetson", "sends an old round", 3, 4),)


@pytest.mark.parametrize(("text", "why"), [
    ("", "is empty"), ("pi: fast", "got 'pi: fast'"), ("pi: 1 GMAC/s, 2 GMAC/s", "got 'pi: 1 GMAC/s, 2 GMAC/s'"),
    ("pi; pi", "names 'pi' twice"), ("pi: 0 GMAC/s", "a speed is from"), ("pi: 0 Mbit/s", "a bandwidth is from"),
    ("pi: 99999 s", "a latency is from"), ("pi: at edge-z", "the edge servers are edge-a, edge-b"),
    ("pi: 0 %", "a share is above 0"),
    ("pi: 60 %; nano: 50 %", "gives 110 % of the images away"), ("pi: 60 %; nano: 30 %", "gives 90 % of the images away"),
    ("pi x 6000", "there are 1 to 5,000 clients"), ("pi x 4000; nano x 4000", "has at most 5,000 clients; got 8,000"),
    ("pi\u202e: 1 GMAC/s", "cannot be shown")])
def test_a_client_that_cannot_be_read_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_clients(text, EDGES)


@pytest.mark.parametrize(("read", "text", "why"), [
    (lambda text: read_rates(text, NAMES), "pi3-1 5 Mbit/s", "a line is such as 'rounds 11-20"),
    (lambda text: read_rates(text, NAMES), "rounds 5-2: pi3-1 5 Mbit/s", "a line is such as"),
    (lambda text: read_rates(text, NAMES), "round 0: pi3-1 5 Mbit/s", "a line is such as"),
    (lambda text: read_rates(text, NAMES), "round 1: pi9 5 Mbit/s", "the clients are pi3-1"),
    (lambda text: read_rates_now(text, NAMES), "round 1: pi3-1 5 Mbit/s", "the clients are pi3-1"),
    (lambda text: read_moves(text, NAMES, EDGES), "round 2 at 120 %: jetson to edge-a", "0 to 100 %"),
    (lambda text: read_moves(text, NAMES, EDGES), "round 2: jetson to edge-z", "the edge servers are edge-a, edge-b"),
    (lambda text: read_moves(text, NAMES, EDGES), "round 2: jetson to edge-a; round 2 at 50 %: jetson to edge-b", "twice"),
    (lambda text: read_faults(text, NAMES), "round 2: jetson explodes", "a client vanishes, sends NaN"),
    (lambda text: read_faults(text, NAMES), "round 2: toaster vanishes", "the clients are pi3-1")])
def test_what_happens_to_nobody_or_never_is_refused(read: object, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(text)  # type: ignore[operator]


speeds, rates, times = st.floats(1e-6, 1e6), st.floats(0.001, 1e6), st.floats(0, 60_000)


@given(st.builds(Client, st.sampled_from(NAMES), speeds.map(lambda each: float(f"{each:.12g}") * 1e9),
                 rates.map(lambda each: float(f"{each:.12g}")), times.map(lambda each: float(f"{each:.12g}")),
                 st.sampled_from(["", *EDGES])))
def test_what_is_written_is_read_again_as_it_was(client: Client) -> None:
    (found,) = read_clients(str(client), EDGES)
    assert (found.name, found.mbps, found.latency_ms, found.edge) == (client.name, client.mbps, client.latency_ms, client.edge)
    assert found.macs_per_s == pytest.approx(client.macs_per_s, rel=1e-9)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for read in (lambda: read_clients(text, EDGES), lambda: read_edges(text), lambda: read_rates(text, NAMES),
                 lambda: read_rates_now(text, NAMES), lambda: read_moves(text, NAMES, EDGES), lambda: read_faults(text, NAMES)):
        try:
            read()
        except ValueError as why:
            assert str(why)
