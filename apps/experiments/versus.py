"""What an experiment's page says of recipes against each other: baseline, budget and test as the address asks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest

from apps.experiments.arms import BUDGETS, Left, Match, Setting, arms_of, matched
from apps.experiments.contest import MEASURES, Verdict, by_setting, verdicts
from apps.experiments.paired import too_few
from apps.experiments.spread import OF_SOME, Combination, known
from apps.experiments.studies import RECIPE
from worker.wording import counted

MOST_ARMS, MOST_LEFT, WITHIN = 12, 40, 5.0
MEASURE_WORDS = {"accuracy": "accuracy", "latency_ms": "latency p50", "seconds": "seconds of pruning and training",
                 **OF_SOME}
PRUNING = ("pruning.", "portfolio.")
KEPT = ("sort", "down", "colour")  # of the address, what else the page shows by
SCALES = {"accuracy": (100.0, "points"), "latency_ms": (1.0, "ms"), "seconds": (1.0, "s"), "sent_bytes": (1e-3, "kB"),
          "measured_memory_bytes": (1e-6, "MB")}


class Question(NamedTuple):
    """What the address asks; `error` says what is wrong with the tolerance, which is then the usual one."""

    baseline: str
    hold: str
    within: float
    measure: str
    typed: str
    error: str


class Answer(NamedTuple):
    """Who goes with whom, who is left out, and what the tests say."""

    question: Question
    arms: list[str]
    matches: list[Match]
    left: list[Left]
    verdicts: list[Verdict]
    by_setting: list[Verdict]

    @property
    def heading(self) -> str:
        """`at equal parameters (within 5 %)`."""
        hold = self.question.hold
        return f"at equal {BUDGETS[hold]}" + (f" (within {self.question.within:g} %)" if hold else "")


def answered(asked: Mapping[str, str], combinations: Sequence[Combination], by: str, names: Iterable[str]) -> Answer | None:
    """None where nothing is compared: fewer than two arms, or more than a page can show. `names`: all arms, measured or not."""
    arms = arms_of(combinations, by, names)
    if not 2 <= len(arms) <= MOST_ARMS:
        return None
    question = _question(asked, list(arms))
    matches, left = matched(arms, question.baseline, question.hold, question.within / 100)
    others = [arm for arm in arms if arm != question.baseline]
    return Answer(question, list(arms), matches, left, verdicts(matches, others, question.measure),
                  by_setting(matches, others, question.measure) if len(matches) > 1 else [])


def _question(asked: Mapping[str, str], arms: Sequence[str]) -> Question:
    typed = asked.get("within", "").strip()
    within, error = _tolerance(typed)
    baseline, hold, measure = asked.get("baseline", ""), asked.get("hold", ""), asked.get("measure", "")
    return Question(baseline if baseline in arms else arms[0], hold if hold in BUDGETS else "", within,
                    measure if measure in MEASURES else "accuracy", typed[:40] or f"{within:g}", error)


def _tolerance(typed: str) -> tuple[float, str]:
    try:
        number = float(typed.replace("%", "") or WITHIN)
    except ValueError:
        number = math.nan
    if 0 <= number <= 100:
        return number, ""
    return WITHIN, f"must be a number, at least 0 and at most 100; got {typed[:40]}"


def _words(combinations: Sequence[Combination]) -> dict[str, str]:
    """What can be tested of these, in words; seconds are of pruning where something was pruned."""
    pruned = any(run.recipe.startswith(PRUNING) for each in combinations for run, _ in each.rows)
    seconds = MEASURE_WORDS["seconds"] if pruned or not combinations else "seconds of training"
    return {name: MEASURE_WORDS[name] for name in known(MEASURE_WORDS, combinations)} | {"seconds": seconds}


def shown(request: HttpRequest, combinations: Sequence[Combination], by: str, names: Iterable[str]) -> dict[str, Any]:
    """The same for the page's templates."""
    answer = answered(request.GET.dict(), combinations, by, names)
    if answer is None:
        return {"versus": None, "paired": []}
    question, tested = answer.question, sum(each.test is not None for each in answer.verdicts)
    (scale, unit), words = SCALES[question.measure], _words(combinations)
    return {"paired": [_drawn(each, scale) for each in answer.verdicts if each.test], "versus": {
        "by": by.replace("_", " "), "question": question, "arms": answer.arms, "holds": BUDGETS,
        "measures": words,
        "some": [(name, OF_SOME[name]) for name in known(OF_SOME, combinations)],
        "held": BUDGETS[question.hold], "kept": [(name, request.GET[name]) for name in KEPT if request.GET.get(name)],
        "all_exact": all(each.test is None or each.test.is_exact for each in answer.verdicts),
        "heading": answer.heading, "measure": words.get(question.measure, MEASURE_WORDS[question.measure]), "unit": unit,
        "matches": [_rows(match, answer.arms, question.hold, known(OF_SOME, combinations))
                    for match in answer.matches if match.beside],
        "left": answer.left[:MOST_LEFT], "left_out": max(0, len(answer.left) - MOST_LEFT),
        "verdicts": [_row(each, scale) | {"why": _why(each, answer.left)} for each in answer.verdicts],
        "few": _too_few(answer.verdicts),
        "by_setting": [_row(each, scale) for each in answer.by_setting],
        "seeds": sorted({seed for each in answer.verdicts for seed in each.differences}),
        "tested": tested, "tested_words": _counted(tested, by),
        "tested_by_setting": sum(each.test is not None for each in answer.by_setting)}}


def _counted(number: int, by: str) -> str:
    """`2 recipes`, `1 value of channels`: names of fields have no plural."""
    return counted(number, by) if by == RECIPE else f"{counted(number, 'value')} of {by.replace('_', ' ')}"


COLUMNS = ("params", "nonzero", "macs", "epochs", "accuracy", "latency_ms", "seconds", *OF_SOME)


def _rows(match: Match, arms: Sequence[str], hold: str, some: Sequence[str]) -> dict[str, Any]:
    """The baseline's setting and those beside it, in the order of the arms."""
    every = [match.base, *(match.beside[arm] for arm in arms if arm in match.beside)]
    return {"label": match.base.label, "rows": [_line(each, match.base, hold, some) for each in every]}


def _line(each: Setting, base: Setting, hold: str, some: Sequence[str]) -> dict[str, Any]:
    one, other = base.of(hold) if hold else None, each.of(hold) if hold else None
    apart = other.mean / one.mean - 1 if one and other and one.mean and each is not base else None
    return {"arm": each.arm, "label": each.label, "is_base": each is base, "apart": apart, "noise": each.each.qualified,
            "variant": each.each.variant_id, **{name: each.of(name) for name in COLUMNS},
            "some": [each.of(name) for name in some]}


def _row(each: Verdict, scale: float) -> dict[str, Any]:
    test = each.test
    return {"each": each, "n": test.n if test else 0, "mean": test.mean * scale if test else None,
            "low": test.low * scale if test and test.low is not None else None,
            "high": test.high * scale if test and test.high is not None else None,
            "p": test.p if test else None}


def _why(each: Verdict, left: Sequence[Left]) -> str:
    """Why an arm has no pairs, where every setting of it that was left out has the same reason; else the first one."""
    whys = [] if each.test else list(dict.fromkeys(out.why for out in left if each.arm in (out.setting.arm, out.against)))
    return whys[0] + (f", and {len(whys) - 1} more reasons" if len(whys) > 1 else "") if whys else ""


def _too_few(every: Sequence[Verdict]) -> str:
    """That no test here could show a difference, with so few seeds; nothing where one could, or where none was made."""
    tests = [each.test.n for each in every if each.test]
    return too_few(max(tests), len(tests)) if tests else ""


def _drawn(each: Verdict, scale: float) -> dict[str, Any]:
    """For the chart: the mean with its interval, and each seed's difference."""
    row = _row(each, scale)
    return {"arm": each.arm, "n": row["n"], "mean": row["mean"], "low": row["low"], "high": row["high"], "p": row["p"],
            "p_holm": each.p_holm, "words": each.words,
            "seeds": [[seed, each.differences[seed] * scale] for seed in each.seeds]}


def told(answer: Answer) -> dict[str, Any]:
    """The same for the API."""
    question = answer.question
    return {"arms": answer.arms, "baseline": question.baseline, "hold": question.hold, "within": question.within,
            "measure": question.measure,
            "matches": [[_setting(each, match.base) for each in (match.base, *match.beside.values())]
                        for match in answer.matches if match.beside],
            "left_out": [{"arm": each.setting.arm, "setting": each.setting.label, "beside": each.against, "why": each.why}
                         for each in answer.left],
            "tests": [_test(each) for each in answer.verdicts], "tests_by_setting": [_test(each) for each in answer.by_setting]}


def _setting(each: Setting, base: Setting) -> dict[str, Any]:
    numbers = {name: spread._asdict() if (spread := each.of(name)) else None for name in COLUMNS}
    return {"arm": each.arm, "setting": each.label, "is_baseline": each is base, "noisy": bool(each.each.noise), **numbers}


def _test(each: Verdict) -> dict[str, Any]:
    return {"arm": each.arm, "of": each.of, "seeds": each.seeds, "differences": [each.differences[seed] for seed in each.seeds],
            "n": each.test.n if each.test else 0, "p_holm": each.p_holm, "noisy": each.is_noisy, "conclusion": each.words,
            **{name: getattr(each.test, name, None) for name in ("mean", "low", "high", "p")}}
