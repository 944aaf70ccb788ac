"""Rules of a kept plan name devices as they were called: here they follow what these are called now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from apps.accounts.refusal import Refused
from apps.plans.choosing import Candidate
from apps.plans.joint_wanted import JointWanted
from apps.plans.wanted import Wanted
from worker.planning import rules

Asked = TypeVar("Asked", Wanted, JointWanted)
UNSAID = "The rule “{line}” cannot be said any more: {was} is called {name} now, and would be read as something else."


def names_of(kept: Mapping[str, Any]) -> dict[str, UUID]:
    return {row["name"]: UUID(row["id"]) for row in kept["devices"]}


def with_names(wanted: Asked, kept: Mapping[str, Any], places: Mapping[UUID, Candidate]) -> Asked:
    """The rules with the devices as they are called now; Refused where a device is called so that no rule can name it."""
    called = {_spaced(name): _spaced(places[pk].name) for name, pk in names_of(kept).items() if pk in places}
    lines = tuple(_renamed(line, called) for line in wanted.rules)
    return wanted if lines == wanted.rules else type(wanted).read({**wanted.model_dump(), "rules": lines})


def _renamed(line: str, called: Mapping[str, str]) -> str:
    rule = rules.read(line)
    name = called.get(rule.where, rule.where)
    if name == rule.where:
        return line
    renamed = replace(rule, where=name)
    if name == rules.ALL or _read(str(renamed)) != renamed:
        raise Refused({"rules": UNSAID.format(line=line, was=rule.where, name=name)})
    return str(renamed)


def _read(line: str) -> rules.Rule | None:
    try:
        return rules.read(line)
    except ValueError:
        return None


def _spaced(name: str) -> str:
    """As a rule names it."""
    return " ".join(name.split())
