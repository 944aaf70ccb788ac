"""Latencies that were measured, given to a run that names them: the newest calm one of a network on a device, or a refusal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team
from apps.catalog import blobs
from apps.catalog.models import RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments import latencies, launching
from apps.experiments.models import Measurement, Run, Status
from tests.apps.cast import Cast
from worker.evidence import Evidence

pytestmark = pytest.mark.django_db
LINES = ("tiny: latency of YOLO tiny on pi4, h50 55 px, recall 0.9, false positives 0.3\n"
         "full: 126 ms, h50 20 px, recall 0.95, false positives 0.2")
TINY = "YOLO tiny on pi4"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "wake", lambda queue: None)


@pytest.fixture
def tiny(cast: Cast, tmp_path: Path) -> Variant:
    (tmp_path / "file").write_bytes(b"x")
    model = RegisteredModel.objects.create(team=cast.team, name="YOLO tiny", in_shape=[3, 8, 8], classes=10)
    Device.objects.create(team=cast.team, name="pi4")
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    found: Variant = Variant.objects.create(team=cast.team, model=model, name="as uploaded",
                                            file=blobs.keep(tmp_path / "file"), **facts)
    return found


def measured(cast: Cast, variant: Variant, p50: float, p95: float | None = None, recipe: str = "benchmarking.latency",
             **more: Any) -> Run:
    """As a run of Latency leaves it."""
    given = {"model": {"kind": "model", "id": str(variant.pk), "name": str(variant.model), "variant": variant.name}}
    run = cast.run(Status.FINISHED, recipe=recipe, inputs=given)
    Team.objects.filter(pk=cast.team.pk).update(runs_numbered=run.number)
    told = {"variant_name": str(variant.model), "unit": "ms", "origin": "measured", "device": "pi4", "engine": "onnxruntime",
            "threads": 4, "batch": 1, "n": 100, **more}
    told |= {} if recipe == "benchmarking.latency" else {"variant": variant}
    for metric, value in (("latency_ms_p50", p50), ("latency_ms_p95", p95)):
        Measurement.objects.create(team=cast.team, run=run, metric=metric, value=value, **told)
    return run


def asked(client: Client, lines: str = LINES) -> Any:
    return client.post("/api/experiments", {"recipe": "detection.roma", "params": {"detectors": lines, "drift": "none"}},
                       content_type="application/json")


def test_a_run_is_given_what_was_measured_and_says_so(cast: Cast, client: Client, tiny: Variant) -> None:
    measured(cast, tiny, 40, 50)
    client.force_login(cast.alice)
    assert asked(client).status_code == 201
    run = Run.objects.get(recipe="detection.roma")
    assert run.inputs["profiles"]["name"] == "1 measurement"
    given = Evidence.model_validate_json(blobs.local(run.inputs["profiles"]["sha256"]).read_bytes())
    assert [(each.network, each.p50_ms, each.p95_ms, each.n) for each in given.latencies] == [("YOLO tiny", 40, 50, 100)]
    assert [each.name for each in given.devices] == ["pi4"]
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert page.count("(emulated boxes, partly measured times)</h2>") == 7


def test_without_a_measurement_it_is_refused_at_its_field_with_what_there_is(cast: Cast, client: Client, tiny: Variant) -> None:
    client.force_login(cast.alice)
    said = asked(client).json()["errors"]["detectors"]
    assert "'tiny' is to take what 'YOLO tiny on pi4' was measured to take, and nothing was; measured are: none" in str(said)
    measured(cast, tiny, 40)
    said = asked(client, LINES.replace("YOLO tiny", "YOLO huge")).json()["errors"]["detectors"]
    assert "measured are: YOLO tiny on pi4, YOLO tiny · as uploaded on pi4. Run Latency" in str(said)
    assert not Run.objects.filter(recipe="detection.roma").exists()


@pytest.mark.parametrize("more", [{"origin": "predicted"}, {"origin": "emulated"}, {"batch": 4}, {"device": "pi5"}])
def test_what_was_not_measured_there_image_by_image_does_not_count(cast: Cast, tiny: Variant, more: dict[str, Any]) -> None:
    measured(cast, tiny, 40, 50, **more)
    assert latencies.of(cast.team, [TINY]).latencies == ()


def test_the_newest_calm_one_counts_and_a_disturbed_one_only_where_there_is_no_other(cast: Cast, tiny: Variant) -> None:
    measured(cast, tiny, 70, noisy=True)
    assert {(each.p50_ms, each.noisy) for each in latencies.of(cast.team, [TINY]).latencies} == {(70, True)}
    for p50, noisy in ((40, False), (42, False), (90, True)):
        measured(cast, tiny, p50, noisy=noisy)
    assert {(each.p50_ms, each.noisy) for each in latencies.of(cast.team, [TINY]).latencies} == {(42, False)}


def test_what_another_recipe_took_by_the_way_counts_only_where_latency_never_ran(cast: Cast, tiny: Variant) -> None:
    def known() -> set[tuple[float, bool, str]]:
        return {(each.p50_ms, each.noisy, each.recipe) for each in latencies.of(cast.team, [TINY]).latencies}

    measured(cast, tiny, 44, recipe="portfolio.switching")
    assert known() == {(44, False, "Switching")}
    measured(cast, tiny, 70, noisy=True)
    measured(cast, tiny, 45, recipe="portfolio.switching")
    assert known() == {(70, True, "Latency")}
    measured(cast, tiny, 40)
    measured(cast, tiny, 46, recipe="portfolio.switching")
    assert known() == {(40, False, "Latency")}


def test_a_run_leads_to_the_run_that_measured_and_badges_what_was_disturbed(cast: Cast, client: Client, tiny: Variant) -> None:
    by = measured(cast, tiny, 70, 90, noisy=True)
    client.force_login(cast.alice)
    asked(client)
    run = Run.objects.get(recipe="detection.roma")
    page = client.get(f"/runs/{run.pk}/").content.decode()
    said = re.search(r"<small>YOLO tiny on pi4: .*?</small>", page)
    assert said and f'<a href="/runs/{by.pk}/">run {by.number}</a>, Latency' in said[0] and "noisy timing" in said[0]
    assert run.inputs["profiles"]["times"][0] | {"ms": 70, "noisy": True} == run.inputs["profiles"]["times"][0]


def test_a_run_of_before_that_says_nothing_of_its_times_still_has_its_page(cast: Cast, client: Client) -> None:
    given = {"profiles": {"kind": "profiles", "id": "0" * 64, "name": "1 measurement", "sha256": "0" * 64}}
    run = cast.run(Status.FINISHED, recipe="detection.roma", params={"detectors": LINES, "drift": "none"}, inputs=given)
    client.force_login(cast.alice)
    assert "1 measurement</dd>" in client.get(f"/runs/{run.pk}/").content.decode()


def test_a_models_name_that_could_mean_two_of_its_networks_means_neither(cast: Cast, tiny: Variant) -> None:
    measured(cast, tiny, 40)
    other = Variant.objects.get(pk=tiny.pk)
    other.pk, other.name = None, "larger"
    other._state.adding = True
    other.save()
    measured(cast, other, 80)
    assert {each.network for each in latencies.of(cast.team, [TINY]).latencies} == {
        "YOLO tiny · as uploaded", "YOLO tiny · larger"}


def test_another_teams_measurements_are_nobodys_business(cast: Cast, client: Client, tiny: Variant) -> None:
    measured(cast, tiny, 40)
    client.force_login(cast.mallory)
    answer = asked(client)
    assert answer.status_code == 422 and "measured are: none" in answer.content.decode()
