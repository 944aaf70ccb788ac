"""A version of joint plans as the form of a new run takes it: with a transfer layer, as the network that has it inside."""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts.models import Team
from apps.plans.joint_scene import Scene
from apps.plans.planner_form import WayShown
from apps.plans.running import lanes_shown, of_plan
from worker.planning.joint_answer import VersionSaid


def run_of(team: Team, scene: Scene, version: VersionSaid, ways: Sequence[WayShown]) -> str:
    """What the form's address says; nothing of what is made up, runs in one piece, or has a layer whose file nobody has."""
    if version.plan is None or scene.is_example or version.form == "whole":
        return ""
    return of_plan(team, version.plan, version.variant, lanes_shown(ways), [each.offer for each in scene.offered])
