"""From a portfolio to the run that rehearses it: the form of `portfolio.switching`, filled in with its variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.models import Precision
from apps.experiments.prefilled import only_fitting
from apps.portfolios.models import Entry, Portfolio
from apps.portfolios.run_time import FEWEST, RECIPE
from worker import menu


@dataclass(frozen=True)
class Rehearsal:
    """`address`: of the form; nothing where there are too few networks for it. `left_out`: variants that it does not begin with,
    and why. `filled`: what the address says, by the form's fields."""

    address: str
    left_out: str = ""
    filled: Mapping[str, str] = field(default_factory=dict)


def rehearsal(user: User, portfolio: Portfolio, entries: Sequence[Entry]) -> Rehearsal:
    """One query, where a data set is to be found."""
    recipe = menu.find(RECIPE)
    fields = [name for name, kind in recipe.params.references().items() if kind == "model"] if recipe else []
    fit = [entry.variant for entry in entries if entry.variant.precision == Precision.FP32]
    taken = fit[:len(fields)]
    left_out = _left_out(len(entries) - len(fit), len(fit) - len(taken))
    if len(taken) < FEWEST:
        return Rehearsal("", left_out)
    chosen = {name: str(variant.pk) for name, variant in zip(fields, taken, strict=False)}
    data = only_fitting(user, portfolio.team, taken[0])
    filled = chosen | ({"dataset": data} if data else {})
    return Rehearsal(address(filled), left_out, filled)


def address(filled: Mapping[str, str]) -> str:
    """Of the form, with these fields filled in."""
    return f"{reverse('new-experiment', args=[RECIPE])}?{urlencode(filled)}"


def _left_out(quantised: int, too_many: int) -> str:
    said = [f"{quantised} that {'do' if quantised > 1 else 'does'} not compute in fp32"] if quantised else []
    said += [f"{too_many} beyond the most that one run takes"] if too_many else []
    return f"Without {' and '.join(said)}." if said else ""
