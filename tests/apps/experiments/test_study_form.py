"""Other recipes in the form of a new experiment: what is offered, what each takes by itself, what is refused and what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.experiments.models import Experiment
from tests.apps.cast import Cast
from tests.apps.experiments.network import network

PATH = "/experiments/new/pruning.magnitude/"
RANDOM, RECONVENE, CHANNELS = "pruning.random", "pruning.reconvene", "pruning.l1_channels"


@pytest.fixture
def typed(cast: Cast) -> dict[str, Any]:
    return {**network(cast), "sparsity": "0.5, 0.75", "epochs": "2", "start": "given", "optimiser": "sgd", "scope": "global",
            "repeat": "3", "name": "", "compare_with": [RANDOM, CHANNELS], f"with-{CHANNELS}-channels": "0.25, 0.5"}


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def said(client: Client, typed: dict[str, Any], path: str = PATH) -> str:
    return client.post(path, typed).content.decode()


def test_recipes_of_its_kind_are_offered_with_what_only_they_take(alice: Client) -> None:
    page = alice.get(PATH).content.decode()
    assert f'name="compare_with" value="{RECONVENE}"' in page and 'value="pruning.magnitude"' not in page
    assert f'name="with-{CHANNELS}-channels"' in page and f'name="with-{CHANNELS}-epochs"' not in page
    assert "training.backprop" not in page.partition('id="others"')[2].partition("</section>")[0]


def test_a_study_starts_as_one_experiment(alice: Client, typed: dict[str, Any]) -> None:
    answer = alice.post(PATH, typed)
    made = Experiment.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"/experiments/{made.pk}/"
    assert dict(made.sweep) == {"recipe": ["pruning.magnitude", CHANNELS, RANDOM], "sparsity": [0.5, 0.75],
                                "channels": [0.25, 0.5]}
    assert made.runs.count() == 18 and set(made.runs.values_list("params__epochs", flat=True)) == {2}


def test_the_summary_counts_by_recipe_and_says_who_takes_no_sparsity(alice: Client, typed: dict[str, Any]) -> None:
    page = alice.post(f"{PATH}summary/", typed, headers={"hx-request": "true"}).content.decode()
    assert "Magnitude against" in page and "Start 18 runs" in page
    assert "18 runs: Magnitude 6, Channels by L1 norm 6, Random 6" in page
    assert "Channels by L1 norm takes no sparsity" in page and "✕" not in page


def test_what_is_usual_for_a_recipe_is_said_and_may_be_chosen(alice: Client, typed: dict[str, Any]) -> None:
    one = {**typed, "compare_with": RECONVENE}
    page = said(alice, one, f"{PATH}summary/")
    assert "Reconvene has start given as all have; by itself it takes initialisation." in page and "✕" not in page
    own = {**one, f"with-{RECONVENE}-start": "initialisation"}
    assert "as all have" not in said(alice, own, f"{PATH}summary/")
    alice.post(PATH, own)
    made = Experiment.objects.get()
    assert set(made.runs.filter(recipe=RECONVENE).values_list("params__start", flat=True)) == {"initialisation"}
    assert set(made.runs.exclude(recipe=RECONVENE).values_list("params__start", flat=True)) == {"given"}
    page = alice.get(f"{PATH}?like={made.pk}").content.decode().partition(f'name="with-{RECONVENE}-start"')[2][:400]
    assert '<option value="initialisation" selected>' in page and '<option value="">as above</option>' in page


def test_a_shared_value_that_one_recipe_refuses_is_said_at_the_shared_field(
    alice: Client, typed: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.accounts.refusal import Refused
    from apps.experiments import studies

    def refuse(first: Any, part: Any, repeat: Any) -> None:
        raise Refused({"sparsity": f"{part.recipe.title}: must be less"})

    monkeypatch.setattr(studies, "judged_beside", refuse)
    page = said(alice, {**typed, "compare_with": RANDOM})
    assert 'id="id_sparsity_error"><p class="error">Random: must be less</p>' in page


def test_what_one_recipe_refuses_stands_at_its_field_with_its_name_and_everything_is_kept(
    alice: Client, typed: dict[str, Any],
) -> None:
    page = said(alice, {**typed, f"with-{CHANNELS}-channels": "0.5, 7"})
    assert "Channels by L1 norm, Channels: must be more than 0 and less than 1; got 7" in page
    assert 'value="0.5, 7"' in page and not Experiment.objects.exists()
    assert f'value="{RANDOM}" checked' in page and f'value="{RECONVENE}" checked' not in page


def test_what_all_refuse_is_said_once(alice: Client, typed: dict[str, Any]) -> None:
    page = said(alice, {**typed, "epochs": "-1", "model": ""}).partition('id="form-errors"')[2].partition("</div>")[0]
    assert page.count("got -1") == 1 and page.count("Model") == 1 and "Random" not in page


def test_too_many_runs_of_all_recipes_together_are_refused(alice: Client, typed: dict[str, Any]) -> None:
    page = said(alice, {**typed, "epochs": "1..5", "repeat": "10"})
    assert "an experiment has at most 200" in page and "300 runs" in page and not Experiment.objects.exists()


def test_a_preset_keeps_the_chosen_recipes_and_what_was_typed_at_others(alice: Client, typed: dict[str, Any]) -> None:
    page = said(alice, {**typed, "preset": "quick look", f"with-{RECONVENE}-min_channels": "4"})
    assert f'value="{RANDOM}" checked' in page and 'value="0.25, 0.5"' in page and not Experiment.objects.exists()
    assert f'name="with-{RECONVENE}-min_channels" value="4"' in page


def test_repeat_brings_the_same_recipes_sweeps_and_seeds(alice: Client, typed: dict[str, Any]) -> None:
    alice.post(PATH, typed)
    page = alice.get(f"{PATH}?like={Experiment.objects.get().pk}").content.decode()
    assert f'value="{RANDOM}" checked' in page and f'value="{CHANNELS}" checked' in page
    assert f'value="{RECONVENE}" checked' not in page
    assert 'value="0.5, 0.75"' in page and 'value="0.25, 0.5"' in page and 'name="repeat" value="3"' in page


@pytest.mark.parametrize("name", ["pruning.nonsense", "\x00", "training.backprop", "x" * 1000])
def test_a_recipe_that_nobody_offered_is_not_compared_with(alice: Client, typed: dict[str, Any], name: str) -> None:
    alice.post(PATH, {**typed, "compare_with": name})
    assert set(Experiment.objects.get().runs.values_list("recipe", flat=True)) == {"pruning.magnitude"}


def test_too_few_seeds_to_show_a_difference_are_told_before_they_run(alice: Client, typed: dict[str, Any]) -> None:
    def asked(**more: Any) -> str:
        return said(alice, {**typed, **more}, f"{PATH}summary/")

    assert "With 3 seeds no difference can be shown at 5 %: 7 are needed for 2 tests" in asked()
    assert "With 3 seeds no difference can be shown at 5 %: 6 are needed." in asked(compare_with=RANDOM)
    assert "With 1 seed no" in asked(compare_with=RANDOM, repeat="1") and "no difference" not in asked(repeat="7")
    assert "With 3 seeds" in asked(compare_with=[]) and "no difference" not in asked(compare_with=[], sparsity="0.5")
    assert "no difference" not in asked(compare_with=RANDOM, repeat="1", seed="1..6")


def test_what_was_emptied_is_shown_with_the_default_it_will_have(alice: Client, typed: dict[str, Any]) -> None:
    page = said(alice, {**typed, "sparsity": ""}, f"{PATH}summary/")
    assert "<dt>sparsity</dt><dd>0.875 (default)</dd>" in page and "<dt>epochs</dt><dd>2</dd>" in page
    assert "(default)" not in said(alice, typed, f"{PATH}summary/")


def test_wrong_values_missing_things_and_a_wrong_number_of_seeds_are_told_together(alice: Client) -> None:
    wrong = {"fraction": "-1", "model": "", "dataset": "", "repeat": "many"}
    for path in ("/experiments/new/pruning.imp/", "/experiments/new/pruning.imp/summary/"):
        page = said(alice, wrong, path)
        for words in ("choose a model", "choose a data set", "less than 1; got -1", "between 1 and", "got many"):
            assert words in page, (path, words)


def test_boxes_of_a_compared_recipe_are_called_by_words(alice: Client) -> None:
    page = alice.get(PATH).content.decode()
    assert "try several of SynFlow: Schedule" in page and "try several of with-" not in page
    assert "try several of Optimiser" in page


def test_who_offers_no_comparison_says_why(alice: Client) -> None:
    assert "Here is no “Compare with other recipes”" in alice.get("/experiments/new/portfolio.dnnshifter/").content.decode()
    assert "Here is no" not in alice.get(PATH).content.decode()
