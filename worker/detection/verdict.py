"""What came of a run, in numbers and in a sentence: also where ROMA loses, and to whom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from worker.detection.asked import Asked, Stage
from worker.detection.lines import ORACLE, ROMA
from worker.detection.newest import RULES
from worker.detection.playing import Told, shares
from worker.detection.study import Outcome
from worker.wording import NOISY, counted

# The difference of two accuracies below which nobody is called better.
SAME = 0.005
AS_GOOD = "the same as"


def summary(asked: Asked, there: Stage, told: Told) -> dict[str, Any]:
    roma = _named(told[asked.rule], ROMA)
    served = dict(zip(there.study.names, (round(each, 4) for each in shares(roma, there)), strict=True))
    facts: dict[str, Any] = {
        "frames": there.frames, "rule": asked.rule, "processed_frames": len(roma.steps),
        "changes": sum(one.detector != other.detector for one, other in pairwise(roma.steps)), "served_share": served,
        "detections": "recorded" if asked.recordings else "emulated", "clock": _clock(asked), "origin": asked.origin}
    if asked.measured:
        facts["latency_ms"] = {each.name: round(each.latency_ms, 4) for each in asked.detectors}
        facts["latency_from"] = {name: str(found) for name, found in asked.measured.items()}
    if there.truth is None:
        return facts | {"verdict": _without_truth(asked, there, served) + _noise(asked)}
    accuracy = {f"accuracy_{rule}": {each.name: each.accuracy for each in found} for rule, found in told.items()}
    lost = _lost(there, told[asked.rule])
    verdict = _verdict(asked, there, told[asked.rule], lost)
    return facts | accuracy | {"lost_scenes": lost, "verdict": f"{verdict}{_other_rule(asked, there, told)}{_noise(asked)}"}


def _noise(asked: Asked) -> str:
    """Whose times are not to be built on."""
    noisy = [name for name, found in asked.measured.items() if found.noisy]
    return f"; {NOISY} of {', '.join(noisy)}: other work disturbed what the run rests on" if noisy else ""


def _clock(asked: Asked) -> str:
    """Emulated where it drifts: then nobody measured all of it."""
    if not asked.measured:
        return "emulated"
    return "measured" if len(asked.measured) == len(asked.detectors) and not asked.drift else "partly measured"


def _named(found: list[Outcome], name: str) -> Outcome:
    return next(each for each in found if each.name == name)


def _without_truth(asked: Asked, there: Stage, served: dict[str, float]) -> str:
    ordered = sorted(served.items(), key=lambda each: -each[1])
    most = ", ".join(f"{name} in {100 * share:.0f} %" for name, share in ordered if share)
    return (f"ROMA, aiming at the {asked.rule} rule, would have shown {most} of {counted(there.frames, 'frame')}; "
            "how accurate that is nobody knows without truth")


def _verdict(asked: Asked, there: Stage, found: list[Outcome], lost: list[dict[str, Any]]) -> str:
    names, best, roma = there.study.names, _best(there, found), _named(found, ROMA)
    others = [each for each in found if each.name not in (*names, ROMA)]
    single = _against(roma, best, f"the best single detector, {best.name}")
    against = [single, *(_against(roma, each, each.name) for each in others)]
    said = f"ROMA: {roma.accuracy or 0:.3f} real-time AP ({asked.rule} rule, {asked.origin}), {', '.join(against)}"
    return f"{said}{_worst(there, lost)}"


def _best(there: Stage, found: list[Outcome]) -> Outcome:
    """The best single detector."""
    return max((_named(found, name) for name in there.study.names), key=lambda each: each.accuracy or 0)


def _against(roma: Outcome, other: Outcome, name: str) -> str:
    mine, theirs, where = roma.accuracy or 0, other.accuracy or 0, _where(roma, other)
    if where == AS_GOOD:
        return f"{where} {name}"
    by = f"{100 * abs(mine / theirs - 1):.0f} % " if theirs else ""
    return f"{by}{where} {name} ({theirs:.3f})"


def _where(roma: Outcome, other: Outcome) -> str:
    more = (roma.accuracy or 0) - (other.accuracy or 0)
    return AS_GOOD if abs(more) < SAME else "above" if more > 0 else "below"


def _other_rule(asked: Asked, there: Stage, told: Told) -> str:
    """Where ROMA stands under the rule that was not asked for, in words alone: numbers of both rules never stand together."""
    (rule,) = (each for each in RULES if each != asked.rule)
    best = _best(there, told[rule])
    where = _where(_named(told[rule], ROMA), best)
    return f"; under the {rule} rule, whose numbers have charts of their own, it is {where} the best single detector, {best.name}"


def _lost(there: Stage, found: list[Outcome]) -> list[dict[str, Any]]:
    """The scenes on which somebody else without the truth was better, and who was best, the worst first."""
    lost = []
    for name, begin, end in there.scenes if len(there.scenes) > 1 else ():
        values = {each.name: each.judged.within(begin, end) or 0 for each in found if each.judged and each.name != ORACLE}
        best = max(values, key=values.__getitem__)
        if values[best] - values[ROMA] > SAME:
            lost.append({"scene": name, "to": best, "accuracy": values[ROMA], "accuracy_of_best": values[best]})
    return sorted(lost, key=lambda each: each["accuracy"] - each["accuracy_of_best"])


def _worst(there: Stage, lost: list[dict[str, Any]]) -> str:
    if not lost:
        return ""
    worst = lost[0]
    which = f"{worst['scene']!r}, {worst['to']} ({worst['accuracy']:.3f} against {worst['accuracy_of_best']:.3f})"
    # Whoever is best on one scene need not be on the next: that is no contradiction to being ahead over all.
    return f"; on {len(lost)} of {counted(len(there.scenes), 'scene')} alone some other way is ahead, most clearly on {which}"
