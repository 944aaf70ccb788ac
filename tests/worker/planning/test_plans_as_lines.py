"""Plans and links as lines: what is written is read again as the same, and what nobody could run is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.evidence import DeviceFacts, Evidence, LinkFacts
from worker.planning.answer import HopSaid, PlanSaid, StageSaid
from worker.planning.parted import LinkAsked, PartAsked, between, needed, plan_lines, read_links, read_plan

NAMES = st.text("abcxyz -:.,0189()", min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(
    lambda name: name and " until" not in name and not name.startswith("until"))
LAYERS = st.text("abcxyz.0189_", min_size=1, max_size=12).filter(lambda name: name != "input")


@given(st.lists(st.tuples(NAMES, LAYERS), min_size=1, max_size=6, unique_by=(lambda pair: pair[0], lambda pair: pair[1])))
def test_a_plan_that_is_written_is_read_as_the_same(told: list[tuple[str, str]]) -> None:
    parts = (*(PartAsked(*each) for each in told[:-1]), PartAsked(told[-1][0]))
    assert read_plan("; ".join(map(str, parts))) == parts == read_plan("\n".join(map(str, parts)))


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True), st.floats(0, 60_000), st.floats(0.001, 1e6))
def test_a_link_that_is_written_is_read_as_the_same(names: list[str], latency_ms: float, mbps: float) -> None:
    link = LinkAsked(names[0], names[1], float(f"{latency_ms:.12g}"), float(f"{mbps:.12g}"))
    assert read_links(str(link), names) == (link,)


@pytest.mark.parametrize(("text", "said"), [
    ("", "is empty"), ("a; b", "got 'a' as line 1 of 2"), ("a until x", "got 'a until x' as line 1 of 1"),
    ("a until x; a", "names 'a' twice"), ("a until x; b until x; c", "ends two parts behind 'x'"),
    ("a until x; b until input; c", "only the first part may hold no more than the input"), ("a\u200b", "cannot be shown"),
    ("; ".join(f"d{number} until l{number}" for number in range(16)) + "; last", "at most 16 parts; got 17"),
    ("a" * 121, "a name has 1 to 120 characters")])
def test_a_plan_that_cannot_be_run_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_plan(text)


@pytest.mark.parametrize(("text", "said"), [
    ("a to b", "a line is such as"), ("a to b: 20 ms", "a line is such as"), ("a to b: 20 ms, 20 MB/s", "a line is such as"),
    ("a to c: 20 ms, 20 Mbit/s", "the parts are a, b"), ("a to a: 20 ms, 20 Mbit/s", "the parts are a, b"),
    ("a to b: 90 s, 20 Mbit/s", "allowed: 0 to 60000 ms"), ("a to b: 1 ms, 0 Mbit/s", "0.001 to 1000000 Mbit/s"),
    ("a to b: 1 ms, 1 Mbit/s; a to b: 2 ms, 1 Mbit/s", "says 'a to b' twice")])
def test_a_link_that_cannot_be_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_links(text, ["a", "b"])


def test_units_are_read_and_a_name_may_look_like_a_way() -> None:
    (link,) = read_links("box to rack to cloud: 0.02 s, 1.5 Gbit/s", ["box to rack", "cloud"])
    assert link == LinkAsked("box to rack", "cloud", 20.0, 1500.0)
    assert link.seconds(1_500_000) == pytest.approx(0.02 + 0.008)


def test_what_is_typed_wins_over_what_the_team_keeps_and_what_nobody_knows_is_named() -> None:
    parts = read_plan("a until x; b until y; c until z; d")
    kept = Evidence(devices=tuple(DeviceFacts(id=name.upper(), name=name) for name in "abcd"), links=(
        LinkFacts(sender="A", receiver="B", latency_ms=1, bandwidth_mbps=1),
        LinkFacts(sender="B", receiver="C", latency_ms=2, bandwidth_mbps=2),
        LinkFacts(sender="D", receiver="C", latency_ms=3, bandwidth_mbps=3)))
    assert needed(parts) == [("a", "b"), ("b", "c"), ("c", "d")]
    found, lacking = between(parts, read_links("a to b: 9 ms, 9 Mbit/s", ["a", "b"]), kept)
    assert found == [LinkAsked("a", "b", 9, 9), LinkAsked("b", "c", 2, 2)] and lacking == ["c to d"]


def test_a_plan_of_the_planner_becomes_lines_and_where_it_sends_the_raw_input_that_is_a_part() -> None:
    stages = (StageSaid(device="edge", tier=1, first=1, last=2, first_layer="c", last_layer="p", ms=1),
              StageSaid(device="cloud", tier=2, first=3, last=4, first_layer="d", last_layer="e", ms=1))
    hops = (HopSaid(sender="edge", receiver="cloud", cut=2, bytes=1, tensors=1, ms=1),)
    raw = HopSaid(sender="pi", receiver="edge", cut=0, bytes=1, tensors=1, ms=1)
    told = {"key": "k", "words": "w", "stages": stages, "latency_ms": 1, "compute_ms": 1, "transfer_ms": 1, "per_second": 1,
            "bytes": 1}
    assert "; ".join(map(str, plan_lines(PlanSaid(**told, hops=hops)))) == "edge until p; cloud"
    assert "; ".join(map(str, plan_lines(PlanSaid(**told, hops=(raw, *hops))))) == "pi until input; edge until p; cloud"
