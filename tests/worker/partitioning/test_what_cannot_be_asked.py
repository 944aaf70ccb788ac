"""What cannot be asked is refused at its field, in a sentence; a question that can be asked is answered, never broken."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.worker.partitioning import answer_cases as cases
from worker.partitioning.answering import Unfit, answer
from worker.planning import Question
from worker.planning.question import MOST_PLANS
from worker.planning.rules import EXAMPLES
from worker.profile import NetworkProfile

SECONDS, SIZES = [[0.1, 0.4], [0.01, 0.04]], [600, 100, 10]
THERE = "there are pi and rack, and the tiers device, edge and cloud."


def faults(**more: object) -> dict[str, str]:
    question, profiles = cases.two(SECONDS, SIZES)
    with pytest.raises(Unfit) as caught:
        answer(Question.model_validate(question.model_dump() | more), profiles)
    return caught.value.faults


@pytest.mark.parametrize(("line", "said"), [
    ("use pi-5", f"Got 'pi-5'; {THERE}"), ("fog takes at most 5 ms", f"Got 'fog'; {THERE}"),
    ("blocks 3 in pi", "Got block 3; this network has 2 blocks here."),
    ("pi holds at most 5 MB", "Got a limit on memory; no profile says what every block's weights take (params_bytes)."),
    ("rack takes at most 5 J", "Got a limit on energy; no profile says what blocks take on rack (joules)."),
    ("all takes at most 5 J", "Got a limit on energy; no profile says what blocks take on pi and rack (joules)."),
    ("pi takes at most 5 W", "Got 'W'; takes at most is in ms, s, %, J."),
    ("blocks 2-1 in pi", "Got blocks 2-1; blocks are counted from 1, the smaller number first.")])
def test_a_rule_that_means_nothing_here_is_refused_with_what_is_allowed(line: str, said: str) -> None:
    assert faults(rules=("raw input stays", line)) == {"rules.1": said}


def test_every_bad_rule_is_told_at_once() -> None:
    assert list(faults(rules=("nonsense", "raw input stays", "use nobody"))) == ["rules.0", "rules.2"]


def test_more_sums_over_a_whole_plan_than_can_be_kept_in_time_are_refused() -> None:
    assert list(faults(rules=tuple(f"all sends at most {most} MB" for most in range(1, 6)))) == ["rules"]


@pytest.mark.parametrize(("changed", "field", "said"), [
    ({"objective": "energy"}, "objective", "No profile says what energy blocks take on pi and rack."),
    ({"places": [{"device": "pi", "tier": 0, "profile": "p"}] * 2, "roads": ()}, "places.1", "pi is there twice."),
    ({"places": [{"device": "pi", "tier": 0, "profile": "none"}], "roads": ()}, "places.0", "There is no profile of pi."),
    ({"roads": [{"sender": "pi", "receiver": "x", "latency_ms": 0, "bandwidth_mbps": 1}]}, "roads.0",
     "There is no device x; there are pi and rack."),
    ({"roads": [{"sender": "pi", "receiver": "rack", "latency_ms": 0, "bandwidth_mbps": 1}] * 2}, "roads.1",
     "The link from pi to rack is there twice."),
    ({"roads": [{"sender": "pi", "receiver": "pi", "latency_ms": 0, "bandwidth_mbps": 1}]}, "roads.0",
     "A link goes from one device to another, not from pi to itself."),
    ({"roads": [{"sender": "pi", "receiver": "rack", "latency_ms": 0, "bandwidth_mbps": 1e-300}]}, "roads.0",
     "The link from pi to rack is slower than one bit a second; leave it out."),
    ({"range": {"low": 2, "high": 2}}, "range", "A range goes from the smaller to the larger; got 2 to 2."),
    ({"range": {"low": 1e-300, "high": 2}}, "range", "A range lies between 1e-06 and 1e+07; got 1e-300 to 2."),
    ({"range": {"sender": "pi", "receiver": "cloud"}}, "range", "There is no link from pi to cloud to vary."),
    ({"range": {"sender": "pi"}}, "range", "There is no link from pi to nowhere to vary.")])
def test_a_question_that_contradicts_itself_is_refused_at_its_field(changed: dict[str, object], field: str, said: str) -> None:
    assert faults(**changed) == {field: said}


@some.composite
def questions(draw: some.DrawFn) -> tuple[Question, cases.Profiles]:
    """Whatever passes for a question, extreme numbers and all, with profiles that may not go together."""
    words = some.sampled_from(["pi", "rack", "edge", "all", "a  b", "2500"])
    names = draw(some.lists(words, min_size=1, max_size=4, unique=True))
    times = some.sampled_from([0.0, 1e-9, 0.01, 3600.0])
    sizes = some.sampled_from([0, 1, 1000, 10**12])

    def profile() -> NetworkProfile:
        blocks = [{"first": letter, "last": letter, "seconds": draw(times), "output_bytes": draw(sizes),
                   **draw(some.sampled_from([{}, {"joules": 1e6, "params_bytes": 10**12, "activation_bytes": 0}]))}
                  for letter in draw(some.sampled_from(["abcd", "abd", "d", "acbd", "xyd"]))]
        return NetworkProfile.model_validate({"network": "net", "blocks": blocks, "input_bytes": draw(some.none() | sizes)})

    pairs = [(a, b) for a in names for b in names if a != b]
    roads = [{"sender": a, "receiver": b, "latency_ms": draw(some.sampled_from([0, 5, 3.6e6])),
              "bandwidth_mbps": draw(some.sampled_from([1e-6, 1, 1e7]))} for a, b in pairs if draw(some.integers(0, 4))]
    lines = some.sampled_from([*EXAMPLES, *(f"{name} {what}" for name in names for what in (
        "takes at most 1e300 s", "takes at most 0 %", "holds at most 1 kB", "sends at most 1e300 MB", "takes at most 0 J"))])
    ranges = some.fixed_dictionaries({"low": some.sampled_from([1e-6, 0.5]), "high": some.sampled_from([1.5, 1e7]),
                                      "varying": some.sampled_from(["bandwidth", "latency"]), **draw(some.sampled_from(
                                          [{}, *({"sender": some.just(a), "receiver": some.just(b)} for a, b in pairs)]))})
    return Question.model_validate({
        "network": "net", "places": [{"device": name, "tier": draw(some.integers(0, 3)), "profile": name} for name in names],
        "roads": roads, "rules": draw(some.lists(lines, max_size=4)), "count": draw(some.sampled_from([1, 5, MOST_PLANS])),
        "objective": draw(some.sampled_from(["latency", "throughput", "energy", "bytes"])), "returns": draw(some.booleans()),
        "pareto": draw(some.booleans()), "range": draw(some.none() | ranges)}), {name: profile() for name in names}


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(questions())
def test_whatever_is_asked_is_answered_or_refused_in_a_sentence(asked: tuple[Question, cases.Profiles]) -> None:
    try:
        found = answer(*asked)
    except Unfit as unfit:
        assert unfit.faults and all(said.endswith(".") for said in unfit.faults.values())
        return
    assert type(found).model_validate_json(found.model_dump_json()) == found
    assert bool(found.plans) != bool(found.sorry) and len(found.natives) == len(asked[0].places)
