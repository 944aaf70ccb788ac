"""What the frame around every page shows; counted only when a page draws the frame."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts import teams
from apps.accounts.models import Team
from apps.catalog.models import Dataset, RegisteredModel
from apps.devices.models import Device
from apps.experiments.models import LIVE, Run

PLACES = (
    ("home", "Home", "h"), ("models", "Models", "m"), ("datasets", "Data", "a"), ("devices", "Devices", "d"),
    ("experiments", "Experiments", "e"), ("portfolios", "Portfolios", "p"),
)

# Which place of the rail a page belongs to, by the beginning of its address.
SECTIONS = {
    "models": "models", "data": "datasets", "devices": "devices", "experiments": "experiments", "runs": "experiments",
    "portfolios": "portfolios", "docs": "docs", "account": "account", "": "home",
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the rail, lazily, so that fragments pay nothing for it."""
    return {"rail": SimpleLazyObject(lambda: _rail(request)), "live_count": SimpleLazyObject(lambda: _live(request)),
            "plotly_script": settings.PLOTLY_SCRIPT, "section": SECTIONS.get(request.path.split("/")[1], "")}


def _rail(request: HttpRequest) -> dict[str, Any]:
    if not request.user.is_authenticated:
        return {}
    team = teams.current(request)
    counts = _counts(request, team)
    places = [{"name": name, "word": word, "key": key, "count": counts.get(name, "")} for name, word, key in PLACES]
    return {"team": team, "teams": Team.objects.visible_to(request.user), "places": places,
            "may_edit": teams.may_edit(teams.person(request), team)}


def _counts(request: HttpRequest, team: Team | None) -> dict[str, str]:
    def count(model: Any) -> int:
        found: int = model.objects.visible_to(request.user).filter(team=team).count()
        return found

    return {"models": str(count(RegisteredModel)), "datasets": str(count(Dataset)), "devices": str(count(Device))}


def _live(request: HttpRequest) -> str:
    """`1 live`: how many runs of the team run or wait; nothing when none does."""
    mine = Run.objects.visible_to(request.user).filter(team=teams.current(request), status__in=LIVE)
    count = mine.count() if request.user.is_authenticated else 0
    return f"{count} live" if count else ""
