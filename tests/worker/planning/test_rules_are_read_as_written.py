"""A rule's one way of writing is read as the same rule; what cannot be read is refused with what a rule looks like."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from worker.planning.rules import EXAMPLES, FACTORS, LINES, MOST_BLOCK, UNITS, Rule, Verb, read

GUIDE = (Path(__file__).resolve().parents[3] / "docs/partitioning.md").read_text()
PLACES = some.sampled_from(["device", "edge", "cloud", "pi-4", "the rack (2)", "2500"])
BLOCKS = some.sets(some.integers(1, MOST_BLOCK), min_size=1, max_size=12).map(lambda found: tuple(sorted(found)))


@some.composite
def every(draw: some.DrawFn) -> Rule:
    verb = draw(some.sampled_from(["raw input stays", "use", "leave out", "in", "not in", "takes", "sends", "holds", "crossing"]))
    if verb in ("in", "not in"):
        return Rule(verb, draw(PLACES), blocks=draw(BLOCKS))  # type: ignore[arg-type]
    if verb in UNITS:
        unit = draw(some.sampled_from(UNITS[verb]))
        most = float(f"{draw(some.floats(0, 1e6)):.12g}")
        is_whole = (verb, unit) == ("takes", "J") or verb == "sends"
        return Rule(verb, draw(PLACES | some.just("all") if is_whole else PLACES), most * FACTORS[unit], unit)  # type: ignore[arg-type]
    if verb == "crossing":
        return Rule("crossing", most=float(draw(some.integers(0, 10**6))))
    return Rule("raw input stays") if verb == "raw input stays" else Rule(verb, draw(PLACES))  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(every())
def test_a_rule_written_and_read_again_is_the_same(rule: Rule) -> None:
    again = read(str(rule))
    assert str(again) == str(rule) and (again.verb, again.where, again.unit, again.blocks) == (
        rule.verb, rule.where, rule.unit, rule.blocks)
    assert again.most == pytest.approx(rule.most, rel=1e-11)


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_read(line: str) -> None:
    assert str(read(line)) == line


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_reference_is_read_and_stands_in_the_guide(line: str) -> None:
    assert str(read(line)) == line and f"| `{line}` | {LINES[line]} |" in GUIDE


def test_the_reference_has_every_kind_of_rule_and_every_limit() -> None:
    found = [read(line) for line in LINES]
    assert {rule.verb for rule in found} == set(get_args(Verb))
    assert {(rule.verb, rule.where == "all") for rule in found if rule.unit} == {
        (verb, is_all) for verb in UNITS for is_all in (False, True)} - {("holds", True)}


@pytest.mark.parametrize(("line", "rule"), [
    ("  RAW  input stays ", Rule("raw input stays")), ("blocks 3-5,9 in edge", Rule("in", "edge", blocks=(3, 4, 5, 9))),
    ("block 2 not in pi-4", Rule("not in", "pi-4", blocks=(2,))), ("leave out cloud", Rule("leave out", "cloud")),
    ("edge takes at most 50ms", Rule("takes", "edge", 0.05, "ms")), ("edge takes at most 2 j", Rule("takes", "edge", 2.0, "J")),
    ("pi 4 holds at most 2 gb", Rule("holds", "pi 4", 2e9, "GB")), ("all sends at most 1e3 kB", Rule("sends", "all", 1e6, "kB")),
    ("at most 3 crossing tensors", Rule("crossing", most=3.0))])
def test_a_line_is_read_as_it_is_meant(line: str, rule: Rule) -> None:
    assert read(line) == rule


@pytest.mark.parametrize(("line", "said"), [
    ("", "a rule is a line such as"), ("use", "a rule is a line such as"), ("edge takes 50 ms", "a rule is a line such as"),
    ("edge takes at most 50 MB", "takes at most is in ms, s, %, J"), ("edge takes at most 1e999 s", "too large"),
    ("edge sends at most 5 ms", "sends at most is in MB, kB, B"), ("blocks 0 in edge", "counted from 1"),
    ("blocks 5-3 in edge", "counted from 1"), ("blocks 5001 in edge", "counted from 1"),
    ("all takes at most 50 ms", "of a whole plan"), ("all holds at most 5 MB", "of a whole plan"),
    ("edge takes at most -5 ms", "a rule is a line such as"), ("at most 1.5 crossing tensors", "a rule is a line such as"),
    ("edge\x00", "a rule is a line such as")])
def test_what_nobody_can_read_is_refused_with_what_is_allowed(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(line)
