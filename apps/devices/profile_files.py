"""Profiles on their way out: one, or the newest of a device, in every form; and how their files are called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from apps.accounts.models import Team
from apps.devices.models import Device, Profile
from apps.devices.profiled_devices import hardware
from apps.devices.profiles import newest
from worker.profile import NetworkProfile
from worker.profile.examples import FILES
from worker.profile.writing import FORMS, TABLES, Written, suffix, write

MOST_NETWORKS = 1000
# Tables that cannot say what kind of numbers theirs are.
WITHOUT_KIND = ("scission", "scissiontl")
TYPES = {"json": "application/json", "yaml": "application/yaml", "csv": "text/csv; charset=utf-8"}
UNSUITED = re.compile(r"[^\w.()+\-]+")


def of_one(profile: Profile, form: str) -> HttpResponse:
    """A profile with the device it is of."""
    if form in WITHOUT_KIND and profile.origin != "measured":
        raise Http404
    return _sent(form, [profile], profile.device, f"{profile.device.name}-{profile.network}")


def of_device(team: Team, device: Device, form: str) -> HttpResponse:
    """The newest profile of each network on a device; they stand in the order of their file when all are of one."""
    rows = list(_fit_for(form, newest(team, device))[:MOST_NETWORKS])
    if len({row.source for row in rows}) == 1:
        rows.sort(key=lambda row: row.place)
    if not rows and form in TABLES[1:]:
        raise Http404
    return _sent(form, rows, device, f"{device.tier}-{device.name}" if form in TABLES else device.name)


def example(name: str) -> HttpResponse:
    """A file to fill in."""
    if name not in FILES:
        raise Http404
    return _answer(FILES[name].text().encode(), name)


def forms_of(rows: Sequence[Profile]) -> dict[str, str]:
    """The forms that these can leave in, by their words; ScissionTL's where one of them came so."""
    sound = all(row.origin == "measured" for row in rows)
    return {form: words for form, words in FORMS.items() if (sound or form not in WITHOUT_KIND)
            and (form != "scissiontl" or any(row.form == form for row in rows))}


def _fit_for(form: str, rows: QuerySet[Profile]) -> QuerySet[Profile]:
    """A table that cannot say that a number was predicted holds measured ones only."""
    return rows.filter(origin="measured") if form in WITHOUT_KIND else rows


def written(row: Profile) -> Written:
    return Written(NetworkProfile.model_validate(row.body), row.written or {})


def _sent(form: str, rows: Sequence[Profile], device: Device, name: str) -> HttpResponse:
    if form not in FORMS:
        raise Http404
    return _answer(write(form, [written(row) for row in rows], hardware(device)), UNSUITED.sub("_", name) + suffix(form))


def _answer(body: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=TYPES[name.rpartition(".")[2]])
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
