"""An answer holds against counting out every plan: its plans, its natives, its conflicts, whatever the rules."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.worker.partitioning import answer_cases as cases
from tests.worker.partitioning import planner_cases
from worker.partitioning.answering import answer
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.checking import faults
from worker.partitioning.posing import posed

SEEDS = pytest.mark.parametrize("seed", range(40))
MOST = 3


def chosen(given: cases.Problem, seed: int) -> dict[str, c.Constraint]:
    """Up to three of all rules; at times so many that nothing keeps them."""
    every = cases.rules(given, seed)
    chance = np.random.default_rng(seed)
    many = int(chance.choice([0, 1, 2, 3, 6]))
    whole = (c.ShareIn, c.BytesInAll, c.JoulesInAll)
    lines = [str(line) for line in chance.permutation(list(every))]
    few = [line for line in lines if isinstance(every[line], whole)][MOST:]
    return {line: every[line] for line in [line for line in lines if line not in few][:many]}


@SEEDS
def test_its_plans_are_those_that_counting_out_gives_and_the_judge_finds_no_fault(seed: int) -> None:
    given = cases.problem(seed)
    rules = chosen(given, seed)
    question, profiles = cases.asked_of(given, rules=tuple(rules), count=6)
    found, problem = answer(question, profiles), posed(question, profiles).problem
    kept = sorted(plan.latency_s for plan in planner_cases.kept(problem, list(rules.values())))
    assert [plan.latency_ms for plan in found.plans] == pytest.approx([1e3 * each for each in kept[:6]], abs=1e-6)
    for said in found.plans:
        assert not faults(problem, cases.plan_of(said), list(rules.values()))
        assert said.latency_ms == pytest.approx(said.compute_ms + said.transfer_ms)
        parts = [each.ms for each in (*said.stages, *said.hops)]
        assert said.latency_ms == pytest.approx(sum(parts)) and said.per_second == pytest.approx(1e3 / max(parts))


@SEEDS
def test_every_device_alone_is_there_with_the_rules_that_it_breaks(seed: int) -> None:
    given = cases.problem(seed)
    rules = chosen(given, seed)
    question, profiles = cases.asked_of(given, rules=tuple(rules), count=100)
    found, problem = answer(question, profiles), posed(question, profiles).problem
    whole = {plan.stages[0].resource: plan for plan in planner_cases.every(problem) if len(plan.stages) == 1}
    ranks = {plan.key: rank for rank, plan in enumerate(found.plans, 1)}
    assert [native.device for native in found.natives] == [each.name for each in given.resources]
    for native in found.natives:
        assert (native.plan is None) == (native.device not in whole)
        if native.plan:
            plan = whole[native.device]
            assert native.plan.latency_ms == pytest.approx(1e3 * plan.latency_s) and native.rank == ranks.get(native.plan.key)
            assert native.broken == tuple(line for line, each in rules.items() if faults(problem, plan, [each]))
            assert bool(native.broken) <= (native.rank is None)
        assert (native.why == "") == (native.rank == 1) and native.why.endswith(".") == (native.rank != 1)


@pytest.mark.parametrize("seed", range(60))
def test_rules_that_cannot_be_kept_together_are_the_fewest(seed: int) -> None:
    given = cases.problem(500 + seed)
    every = cases.rules(given, seed)
    whole = [line for line, each in every.items() if isinstance(each, c.ShareIn | c.BytesInAll | c.JoulesInAll)]
    lines = [str(line) for line in np.random.default_rng(seed).permutation([line for line in every if line not in whole])][:9]
    question, profiles = cases.asked_of(given, rules=tuple(lines))
    found, problem = answer(question, profiles), posed(question, profiles).problem
    rules = {line: every[line] for line in lines}
    if found.plans:
        assert not found.conflict and not found.sorry and planner_cases.kept(problem, list(rules.values()))
        return
    assert found.conflict and not planner_cases.kept(problem, [rules[line] for line in found.conflict])
    assert all(f"“{line}”" in found.sorry for line in found.conflict) and not found.verdict
    plans = list(planner_cases.every(problem))
    kept = [{line for line, each in rules.items() if not faults(problem, plan, [each])} for plan in plans]
    fewer = combinations(lines, min(len(found.conflict) - 1, 3))
    assert all(any(set(some) <= each for each in kept) for some in fewer)


@pytest.mark.parametrize("objective", ["latency", "throughput", "energy", "bytes"])
@pytest.mark.parametrize("seed", range(6))
def test_the_same_question_has_the_same_answer(seed: int, objective: str) -> None:
    given = cases.problem(seed)
    question, profiles = cases.asked_of(given, objective=objective, pareto=True, range={"low": 0.1, "high": 10})
    copies = {key: profile.model_copy(deep=True) for key, profile in profiles.items()}
    first, again, anew = (answer(question, each).model_copy(update={"took_ms": 0.0}) for each in (profiles, profiles, copies))
    assert first.model_dump_json() == again.model_dump_json() == anew.model_dump_json()


@pytest.mark.parametrize("seed", range(10))
def test_the_best_by_another_objective_is_what_counting_out_gives(seed: int) -> None:
    given = cases.problem(300 + seed)
    for objective, of in (("throughput", lambda plan: plan.bottleneck_s), ("bytes", lambda plan: plan.bytes)):
        question, profiles = cases.asked_of(given, objective=objective)
        best = answer(question, profiles).plans[0]
        assert of(cases.plan_of(best)) == pytest.approx(min(map(of, planner_cases.every(posed(question, profiles).problem))))


@pytest.mark.parametrize("seed", range(10))
def test_no_plan_of_the_frontier_is_beaten_in_both_latency_and_throughput(seed: int) -> None:
    question, profiles = cases.asked_of(cases.problem(seed), pareto=True)
    problem, found = posed(question, profiles).problem, answer(question, profiles).pareto
    for said in found:
        assert not [plan for plan in planner_cases.every(problem)
                    if 1e3 * plan.latency_s < said.latency_ms - 1e-6 and 1 / plan.bottleneck_s > said.per_second * (1 + 1e-9)]
    assert found[0].latency_ms == pytest.approx(1e3 * min(plan.latency_s for plan in planner_cases.every(problem)))
