"""What the frame around every page shows; counted only when a page draws the frame."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts import teams
from apps.accounts.models import Team
from apps.catalog.models import Dataset, RegisteredModel
from apps.devices.models import Device
from apps.experiments.models import LIVE, Run
from apps.plans.models import Freshness, SavedPlan
from apps.portfolios.models import Portfolio
from apps.portfolios.views import sent_back_to, waiting_for

PLACES = (
    ("home", "Home", "h"), ("models", "Models", "m"), ("datasets", "Data", "a"), ("devices", "Devices", "d"),
    ("experiments", "Experiments", "e"), ("portfolios", "Portfolios", "p"),
    ("planner", "Planner", "l"),
)

# Which place of the rail a page belongs to, by the beginning of its address.
SECTIONS = {
    "models": "models", "data": "datasets", "devices": "devices", "experiments": "experiments", "runs": "experiments",
    "compare": "experiments", "portfolios": "portfolios", "planner": "planner", "docs": "docs", "account": "account", "": "home",
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
    found = _numbers(request, team)
    devices = Device.objects.visible_to(request.user).usable_by(team).filter(retired=False).count()
    return {"models": str(found["models"]), "datasets": str(found["datasets"]), "devices": str(devices),
            "portfolios": _for_me(request, team), "planner": f"{found['stale']} stale" if found["stale"] else ""}


def _numbers(request: HttpRequest, team: Team | None) -> dict[str, int]:
    """How many the team has of what it alone owns, in one query; of plans those that no longer are what they were saved as."""
    def counted(model: Any, **which: Any) -> Any:
        mine = model.objects.visible_to(request.user).filter(team=OuterRef("pk"), **which).order_by().values("team")
        return Coalesce(Subquery(mine.annotate(count=Count("pk")).values("count")), 0)

    kinds = {"models": counted(RegisteredModel), "datasets": counted(Dataset), "stale": counted(SavedPlan, state=Freshness.STALE)}
    rows = Team.objects.visible_to(request.user).filter(pk=team.pk) if team else Team.objects.none()
    return rows.values(**kinds).first() or dict.fromkeys(kinds, 0)


def _for_me(request: HttpRequest, team: Team | None) -> str:
    """`1 for you`: portfolios that wait for this person, to be reviewed or to be mended; nothing when none does."""
    rows = Portfolio.objects.visible_to(request.user).filter(team=team)
    mine = Q(pk__in=waiting_for(request, rows).values("pk")) | Q(pk__in=sent_back_to(request, rows).values("pk"))
    found = rows.filter(mine).count()
    return f"{found} for you" if found else ""


def _live(request: HttpRequest) -> str:
    """`1 live`: how many runs of the team run or wait; nothing when none does."""
    mine = Run.objects.visible_to(request.user).filter(team=teams.current(request), status__in=LIVE)
    count = mine.count() if request.user.is_authenticated else 0
    return f"{count} live" if count else ""
