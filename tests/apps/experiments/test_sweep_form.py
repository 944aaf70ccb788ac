"""Several values in a field: what the form reads from them, what it says before they start, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from apps.catalog.models import Variant
from apps.experiments.choices import MOST
from apps.experiments.forms import OWN, form_for
from apps.experiments.models import Experiment, Run
from apps.experiments.promise import promise
from apps.experiments.sweeps import several
from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from worker import menu

RECIPE = "pruning.magnitude"
PATH = f"/experiments/new/{RECIPE}/"


@pytest.fixture
def typed(cast: Cast) -> dict[str, Any]:
    return {**network(cast), "sparsity": "0.5, 0.75", "epochs": "2", "start": "given", "optimiser": "sgd", "scope": "global",
            "repeat": "3", "tags": "baseline, paper", "name": ""}


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def form(cast: Cast, typed: dict[str, Any]) -> Any:
    sent = QueryDict(mutable=True)
    for name, value in typed.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    return form_for(menu.get(RECIPE), cast.alice, cast.team)(sent)


def test_no_recipe_has_a_parameter_that_the_form_needs_for_itself() -> None:
    assert not [name for recipe in menu.recipes().values() for name in OWN if name in recipe.params.model_fields]


@pytest.mark.parametrize(("field", "text", "values"), [
    ("sparsity", "0.5, 0.75 ,0.875", ["0.5", "0.75", "0.875"]), ("epochs", "1..3, 7", ["1", "2", "3", "7"]),
    ("sparsity", "0.5,", ["0.5"]), ("sparsity", "", []), ("sparsity", "1..3", ["1..3"]), ("epochs", "3..1", ["3..1"]),
    ("optimiser", "sgd, adam", ["sgd", "adam"]),
])
def test_values_are_parted_as_people_write_them(field: str, text: str, values: list[str]) -> None:
    assert several(menu.get(RECIPE).params.model_fields[field], text) == values


def test_a_million_values_are_not_even_written_down() -> None:
    assert len(several(menu.get(RECIPE).params.model_fields["epochs"], "1..1000000")) == 2001


@pytest.mark.parametrize(("epochs", "said"), [("1..400", "would be 400 runs"), ("1..1000000", "would be more than 2,000 runs")])
def test_a_range_that_is_too_long_is_counted_truly(cast: Cast, typed: dict[str, Any], epochs: str, said: str) -> None:
    filled = form(cast, {**typed, "sparsity": "0.5", "epochs": epochs, "repeat": "1"})
    assert said in str(filled.errors["epochs"])


def test_without_a_model_the_other_fields_complaints_are_said_in_the_same_round(cast: Cast, typed: dict[str, Any]) -> None:
    filled = form(cast, {**typed, "model": "", "sparsity": "1.5, banana", "epochs": "-1"})
    assert {"model", "sparsity", "epochs"} <= set(filled.errors)
    assert "banana" in str(filled.errors["sparsity"]) and "1.5" in str(filled.errors["sparsity"])


def test_a_name_that_is_too_long_is_refused_and_stays_as_it_was_typed(cast: Cast, typed: dict[str, Any]) -> None:
    filled = form(cast, {**typed, "name": "x" * 201})
    assert filled.errors["name"] == ["At most 200 characters; this has 201."]
    assert "x" * 201 in str(filled["name"]) and "maxlength" not in str(filled["name"])


def test_a_sweep_starts_as_one_experiment(cast: Cast, typed: dict[str, Any], alice: Client) -> None:
    answer = alice.post(PATH, typed)
    experiment = Experiment.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"/experiments/{experiment.pk}/"
    assert experiment.runs.count() == 6 and experiment.tags == ["baseline", "paper"]


def test_one_run_is_shown_itself(cast: Cast, typed: dict[str, Any], alice: Client) -> None:
    answer = alice.post(PATH, {**typed, "sparsity": "0.5", "repeat": ""})
    assert answer["Location"] == f"/runs/{Run.objects.get().pk}/"
    assert alice.get(f"/experiments/{Experiment.objects.get().pk}/")["Location"] == answer["Location"]


def test_the_summary_counts_the_runs(cast: Cast, typed: dict[str, Any], alice: Client) -> None:
    said = alice.post(f"{PATH}summary/", {**typed, "epochs": "1..3"}).content.decode()
    assert "18 runs: 2 values of sparsity × 3 values of epochs × 3 seeds" in said
    assert promise(form(cast, {**typed, "sparsity": "0.5", "repeat": "1"}), cast.team).runs == ""


def test_several_boxes_of_a_choice_are_a_sweep(cast: Cast, typed: dict[str, Any]) -> None:
    filled = form(cast, {**typed, "optimiser-also": ["adam"], "repeat": "1"})
    assert filled.is_valid(), filled.errors
    assert filled.sweep() == {"sparsity": ["0.5", "0.75"], "optimiser": ["sgd", "adam"]}
    assert 'value="adam" checked' in str(filled["optimiser"]) and '<option value="sgd" selected' in str(filled["optimiser"])


def test_a_box_nobody_offered_is_refused(cast: Cast, typed: dict[str, Any]) -> None:
    assert "rocket" in " ".join(form(cast, {**typed, "optimiser-also": ["rocket"]}).errors["optimiser"])


@pytest.mark.parametrize(("field", "value", "said"), [
    ("sparsity", "0.5, 1.2", "must be more than 0 and less than 1; got 1.2"),
    ("epochs", "1..500", "an experiment has at most 200"),
    ("repeat", "0", "must be a whole number, between 1 and 20; got 0"),
    ("repeat", "many", "between 1 and 20; got many"),
    ("repeat", "99", "between 1 and 20; got 99"), ("tags", "x" * 41, "at most 40 characters"),
    ("sparsity", "0.5, nan", "must be"),
    ("sparsity", "0.5, 0.5", "more than once"), ("tags", "a\x00", "Null characters"),
])
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(
    cast: Cast, typed: dict[str, Any], alice: Client, field: str, value: str, said: str,
) -> None:
    filled = form(cast, {**typed, field: value})
    assert said in " ".join(filled.errors[field])
    page = alice.post(PATH, {**typed, field: value, "name": "my try"}).content.decode()
    assert 'value="my try"' in page and not Experiment.objects.exists()


def test_what_the_form_does_not_ask_for_changes_nothing(cast: Cast, typed: dict[str, Any], alice: Client) -> None:
    alice.post(PATH, {**typed, "team": "1", "team_id": "1", "status": "finished", "created_by": "x", "archived": "1",
                      "number": "99", "lease_until": "2099-01-01"})
    run = Run.objects.order_by("number")[0]
    assert (run.team, run.status, run.number, run.experiment.created_by, run.experiment.archived) == (
        cast.team, "queued", 1, cast.alice, None)


def test_a_live_form_takes_one_value(cast: Cast, typed: dict[str, Any]) -> None:
    live = form_for(menu.get(RECIPE), cast.alice, cast.team, ["learning_rate"])({"learning_rate": "0.1, 0.2"})
    live.known = {name: typed[name] for name in ("model", "dataset")}
    assert "must be a number" in live.errors["learning_rate"][0] and set(live.fields) == {"learning_rate"}


def test_repeating_a_sweep_fills_in_all_of_it(cast: Cast, typed: dict[str, Any], alice: Client) -> None:
    alice.post(PATH, {**typed, "optimiser-also": "adam"})
    page = alice.get(f"{PATH}?like={Experiment.objects.get().pk}").content.decode()
    assert 'value="0.5, 0.75"' in page and 'name="repeat" value="3"' in page and 'value="adam" checked' in page
    assert 'value="baseline, paper"' in page
    alice.force_login(cast.mallory)
    assert 'value="0.5, 0.75"' not in alice.get(f"{PATH}?like={Experiment.objects.get().pk}").content.decode()


@pytest.fixture
def many(cast: Cast, typed: dict[str, Any]) -> list[Variant]:
    first = Variant.objects.get()
    facts = {"size_bytes": 1, "params": first.params + 1, "macs": 1, "activation_bytes": 1}  # no copies of the first
    return Variant.objects.bulk_create(Variant(team=cast.team, model=first.model, file=first.file, name=f"child {place}",
                                               parent=first, **facts) for place in range(MOST + 50))


def test_a_long_list_offers_the_newest_and_keeps_the_chosen_one(
    cast: Cast, many: list[Variant], alice: Client, django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(24):
        page = alice.get(f"{PATH}?model={many[0].pk}").content.decode()
    assert MOST <= page.count("net · child") + 1 <= MOST + 2
    assert f'<option value="{many[0].pk}" selected data-takes=' in page
    assert "net · root" in page and 'name="model-q"' in page and 'name="dataset-q"' not in page


def test_the_search_narrows_with_a_script_and_without(
    cast: Cast, typed: dict[str, Any], many: list[Variant], alice: Client,
) -> None:
    found = alice.get(f"{PATH}choices/model/?q=NET+child+24").json()["choices"]
    wanted = {f"net · child {n}" for n in range(MOST + 50) if "24" in str(n)}
    assert {each["label"] for each in found} == wanted
    page = alice.post(PATH, {**typed, "narrow": "model", "model-q": "child 249", "name": "kept"}).content.decode()
    assert "net · child 249" in page and "net · child 248" not in page and "net · root" in page and 'value="kept"' in page
    assert "net · child 7<" in alice.get(f"{PATH}?model-q=child+7").content.decode()
    assert alice.get(f"{PATH}choices/epochs/").status_code == alice.get(f"{PATH}choices/nothing/").status_code == 404
    assert alice.get(f"{PATH}choices/model/?q=%25").json()["choices"] == []
    assert alice.get(f"{PATH}choices/model/?q=%00").status_code == 200
    alice.force_login(cast.mallory)
    assert alice.get(f"{PATH}choices/model/?q=child").json()["choices"] == []


def test_variants_of_archived_experiments_are_not_offered(cast: Cast, typed: dict[str, Any], alice: Client) -> None:
    from django.utils import timezone

    run = cast.run()
    Variant.objects.update(made_by=run.pk)
    assert "net · root" in alice.get(PATH).content.decode()
    Experiment.objects.update(archived=timezone.now())
    assert "net · root" not in alice.get(PATH).content.decode()
