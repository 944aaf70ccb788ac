"""A run that plans is given its network's profiles and the links, is refused where they are too few, and shows its plans."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog import blobs
from apps.devices.models import Agent, Device, Link
from apps.experiments import actions, evidence
from apps.experiments.models import Experiment, Run, RunFile, Status
from apps.experiments.relays import UNPREDICTED
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network
from worker.evidence import Evidence
from worker.planning.answer import MEDIA_TYPE, Answer, HopSaid, NativeSaid, PlanSaid, StageSaid

RECIPE = "partitioning.scission"
TIERS = {"pi": "device", "box": "edge", "rack": "cloud"}


@pytest.fixture
def devices(cast: Cast) -> dict[str, Device]:
    found = {name: Device.objects.create(team=cast.team, name=name, tier=tier) for name, tier in TIERS.items()}
    for each in found.values():
        keep(each, network(input_bytes=4096))
    for one, other in (("pi", "box"), ("pi", "rack"), ("box", "rack")):
        Link.objects.create(team=cast.team, source=found[one], target=found[other], latency_ms=1.5, bandwidth_mbps=20)
    return found


def given(run: Run) -> Evidence:
    return Evidence.model_validate_json(blobs.path(run.inputs["profiles"]["sha256"]).read_bytes())


def refusal(cast: Cast, **values: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, {"model": "small", **values})
    assert not Experiment.objects.exists()
    return refused.value.errors


def client_of(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.alice)
    return client


def test_it_is_given_the_networks_profiles_and_the_links_between_their_devices(cast: Cast, devices: dict[str, Device]) -> None:
    keep(devices["pi"], network(network="another"))
    theirs = Device.objects.create(team=Team.objects.get(name="Others"), name="theirs")
    keep(theirs)
    Link.objects.create(team=theirs.team, source=theirs, target=devices["pi"], latency_ms=1, bandwidth_mbps=1)
    run = actions.launch(cast.alice, cast.team, RECIPE, {"model": "small"})
    found = given(run)
    assert {each.name: each.tier for each in found.devices} == TIERS
    assert {each.profile.network for each in found.profiles} == {"small"} and len(found.profiles) == 3
    names = {each.id: each.name for each in found.devices}
    assert {(names[each.sender], names[each.receiver], each.latency_ms, each.bandwidth_mbps) for each in found.links} == {
        (one, other, 1.5, 20.0) for one, other in (("pi", "box"), ("pi", "rack"), ("box", "rack"))}
    assert run.inputs["profiles"]["name"] == "3 profiles of 3 devices, 3 links"
    assert run.experiment.name == "Scission · small"
    assert run.files.get().name == "profiles.json"


def test_measured_speaks_before_predicted_and_a_device_that_was_only_predicted_takes_part(
    cast: Cast, devices: dict[str, Device],
) -> None:
    keep(devices["box"], network(seconds=(0.1, 0.1, 0.1), origin="predicted"))
    new = Device.objects.create(team=cast.team, name="new", tier="edge")
    keep(new, network(origin="predicted"))
    found = evidence.to_plan(cast.team, ["small"])
    assert {each.device: each.profile.origin for each in found.profiles} == {
        **{str(each.pk): "measured" for each in devices.values()}, str(new.pk): "predicted"}


def test_what_is_retired_or_draining_is_not_planned_on(cast: Cast, devices: dict[str, Device]) -> None:
    Device.objects.filter(pk=devices["box"].pk).update(retired=True)
    Device.objects.filter(pk=devices["rack"].pk).update(draining=True)
    assert "only pi has a profile of small" in refusal(cast)[""]


def test_a_network_that_nobody_has_a_profile_of_is_refused_at_its_field(cast: Cast, devices: dict[str, Device]) -> None:
    assert refusal(cast, model="smal")["model"].startswith("No device has a profile of smal")


def test_without_links_it_is_refused_with_the_way_out(cast: Cast, devices: dict[str, Device]) -> None:
    Link.objects.all().delete()
    assert "No link leads from pi, which holds the input" in refusal(cast)[""]


def test_a_rule_or_a_device_that_names_nothing_there_is_refused_at_its_field(cast: Cast, devices: dict[str, Device]) -> None:
    assert "moon is neither a tier" in refusal(cast, rules="leave out moon")["rules"]
    assert "moon is none of the devices" in refusal(cast, devices="pi; moon")["devices"]


def test_however_much_there_is_the_questions_to_the_database_stay_few(
    cast: Cast, devices: dict[str, Device], django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(5):
        assert len(evidence.to_plan(cast.team, ["small"]).profiles) == 3


def test_the_form_offers_the_networks_and_says_what_a_plan_would_rest_on(cast: Cast, devices: dict[str, Device]) -> None:
    client = client_of(cast)
    page = client.get(f"/experiments/new/{RECIPE}/").content.decode()
    assert '<option value="small">small · 3 devices</option>' in page and "<textarea" in page
    said = client.post(f"/experiments/new/{RECIPE}/summary/", {"model": "small", "rules": "raw input stays"}).content.decode()
    assert "Rests on 3 profiles of 3 devices, 3 links" in said


def test_the_form_starts_it_and_keeps_what_was_typed_where_it_cannot(cast: Cast, devices: dict[str, Device]) -> None:
    client = client_of(cast)
    typed = {"model": "small", "objective": "latency", "rules": "raw input stays\nleave out moon", "count": "3", "repeat": "1"}
    answer = client.post(f"/experiments/new/{RECIPE}/", typed)
    assert answer.status_code == 422
    assert "moon is neither a tier" in answer.content.decode() and "raw input stays\nleave out moon" in answer.content.decode()
    assert client.post(f"/experiments/new/{RECIPE}/", typed | {"model": "nobody\x00s"}).status_code == 422
    assert client.post(f"/experiments/new/{RECIPE}/", typed | {"rules": "raw input stays\nuse box"}).status_code == 302
    assert Run.objects.get().params["rules"] == "raw input stays; use box"


def test_two_networks_make_two_runs(cast: Cast, devices: dict[str, Device]) -> None:
    for each in devices.values():
        keep(each, network(network="other", input_bytes=4096))
    made = actions.launch_sweep(cast.alice, cast.team, RECIPE, {}, {"model": ["small", "other"]})
    assert sorted(run.params["model"] for run in made.runs.all()) == ["other", "small"]
    assert len(given(made.runs.first()).profiles) == 6  # type: ignore[arg-type]


def planned(cast: Cast, answer: Answer, tmp: Any) -> str:
    run = cast.run(Status.FINISHED, recipe=RECIPE, params={"model": "small"}, summary={"verdict": answer.verdict or answer.sorry})
    file = tmp / "plans.json"
    file.write_text(answer.model_dump_json())
    RunFile.objects.create(run=run, path=file.name, name=file.name, media_type=MEDIA_TYPE, blob=blobs.keep(file))
    page = client_of(cast).get(reverse("run", args=[run.pk]))
    assert page.status_code == 200
    return page.content.decode()


def plan(device: str, ms: float) -> PlanSaid:
    stage = StageSaid(device=device, tier=0, first=1, last=3, first_layer="a", last_layer="c", ms=ms)
    return PlanSaid(key=f"3@{device}", words=f"all blocks on {device}", stages=(stage,), hops=(), latency_ms=ms, compute_ms=ms,
                    transfer_ms=0, per_second=1000 / ms, bytes=0)


def test_its_page_has_the_plans_and_says_that_no_total_was_measured(cast: Cast, tmp_path: Any) -> None:
    page = planned(cast, Answer(plans=(plan("pi", 12.5),), verdict="Everything on pi: 12.5 ms.", natives=(
        NativeSaid(device="pi", tier=0, plan=plan("pi", 12.5), rank=1),
        NativeSaid(device="rack", tier=2, plan=None, why="No link leads there."))), tmp_path)
    assert "1. all blocks on pi" in page and '<span class="predicted">12.5' in page
    assert "No link leads there." in page and "No total was measured" in page


def test_its_page_says_which_hops_the_portal_would_relay_as_the_boards_are_now(cast: Cast, devices: dict[str, Device],
                                                                              tmp_path: Any) -> None:
    hop = HopSaid(sender="pi", receiver="rack", cut=0, bytes=1, tensors=1, ms=1)
    answer = Answer(plans=(plan("rack", 12.5).model_copy(update={"hops": (hop,)}),))
    assert "relayed" not in planned(cast, answer, tmp_path)
    agent = Agent.objects.create(device=devices["rack"], prefix="rack", digest="", can_host=True)
    page = planned(cast, answer, tmp_path)
    assert "pi → rack is relayed by the portal, as rack takes no connections" in page and UNPREDICTED in page
    agent.data_port, agent.data_fingerprint = 7443, "ab" * 32
    agent.save()
    assert "relayed" not in planned(cast, answer, tmp_path)


def test_where_no_plan_keeps_all_rules_its_page_says_which_conflict(cast: Cast, tmp_path: Any) -> None:
    sorry = "No plan keeps both raw input stays and leave out device."
    assert sorry in planned(cast, Answer(sorry=sorry, conflict=("raw input stays", "leave out device")), tmp_path)
