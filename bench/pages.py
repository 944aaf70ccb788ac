"""Every page and list of a team with 10,000 runs and 100,000 variants, warm, through the real web process."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx

from bench.house import House

if TYPE_CHECKING:
    from bench.crowd import Crowd

Row = tuple[str, str]
GOAL_MS, WARM, TIMES = 200, 2, 5


def rows() -> Iterator[Row]:
    house = House()
    try:
        house.start()
        begun = time.monotonic()
        session, crowd = _filled_house(house)
        yield "rows written", f"{_size(crowd)} in {time.monotonic() - begun:.0f} s"
        house.open()
        for name, path in _paths(crowd):
            yield _row(house, name, path, session)
    finally:
        house.stop()


def _filled_house(house: House) -> tuple[str, Crowd]:
    """The cookie of a team's admin, and the team's work."""
    from django.db import connection

    from apps.accounts.models import Membership, Team, User
    from bench.crowd import Crowd

    team, user = Team.objects.create(name="Bench"), User.objects.create(email="reader@example.org")
    Membership.objects.create(team=team, user=user, role="admin")
    crowd = Crowd(str(team.pk), str(user.pk), "")
    crowd.dataset = crowd.id("dataset")
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")  # no foreign keys are looked up for rows that are known to fit
    crowd.come()
    connection.close()
    return house.session(user), crowd


def _size(crowd: Crowd) -> str:
    return (f"{crowd.runs:,} runs, {crowd.runs * crowd.variants_a_run:,} variants, {crowd.runs * crowd.numbers_a_run:,} "
            f"measurements, {crowd.runs * crowd.events_a_run:,} events")


def _paths(crowd: Crowd) -> Iterator[tuple[str, str]]:
    """Every address of the urlconf that answers a GET; the ids are those of the newest and of the fullest things."""
    from tests.apps.addresses import pages
    from tests.apps.permissions import PAGES

    last = crowd.runs
    ids = {"run": crowd.id("run", last), "ended": crowd.id("run", last - 1), "experiment": crowd.id("experiment", last // 5),
           "model": crowd.id("model"), "variant": crowd.id("variant", 1), "dataset": crowd.dataset, "device": crowd.id("device"),
           "portfolio": crowd.id("portfolio"), "reviewed": crowd.id("portfolio"), "stream": crowd.id("stream", last),
           "team": crowd.team}
    ids["variant"] = _one("catalog_variant", f"made_by = '{ids['run']}'")
    ids["file"] = _one("experiments_runfile", f"run_id = '{ids['run']}'")
    for page in pages():
        row = PAGES.get(page.name)
        if row and row.get is not None and page.name not in LEFT_OUT and not page.name.startswith(ALLAUTHS):
            yield page.name, "/" + _filled(page.path, row, ids)


# Nothing of these grows with the team's work, or they hand out files, which the generated rows do not have.
LEFT_OUT = {"sign-in", "openid_connect_login", "openid_connect_callback", "invitation", "forgotten", "reset-password", "enter",
            "healthz", "live", "metrics", "run-file", "variant-file", "variant-onnx", "dataset-file"}
ALLAUTHS = ("account_", "mfa_")


def _one(table: str, where: str) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"select id from {table} where {where} limit 1")
        return str(cursor.fetchone()[0])


def _filled(path: str, row: object, ids: dict[str, str]) -> str:
    from urllib.parse import urlencode

    def value(text: str) -> str:
        return ids.get(text[1:], "1") if text.startswith("@") else text

    whole = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: value(row.placeholders.get(match[1], f"@{match[1]}")), path)
    asked = {name: [value(one) for one in (many if isinstance(many, list) else [many])] for name, many in row.query.items()}
    return whole + ("?" + urlencode(asked, doseq=True) if asked else "")


def _row(house: House, name: str, path: str, session: str) -> Row:
    times, answer = [], None
    with httpx.Client(base_url=house.address, cookies={"sessionid": session}, timeout=60) as client:
        for _ in range(WARM + TIMES):
            begun = time.perf_counter()
            answer = client.get(path)
            times.append((time.perf_counter() - begun) * 1e3)
    median = statistics.median(times[WARM:])
    status = "" if answer.status_code == 200 else f", {answer.status_code}"
    said = f"{median:.0f} ms, {len(answer.content) / 1e3:.0f} kB{status}"
    # A download of everything is as long as everything; it begins at once and comes while it is read.
    is_met = (median < GOAL_MS or name.endswith("-csv")) and answer.status_code < 500
    return name, said + ("" if is_met else f" (**MISSED** goal: {GOAL_MS} ms)")
