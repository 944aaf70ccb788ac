"""The form of a new experiment in a real browser: Enter starts what was typed, what does not fit cannot be chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.portal import Portal, until

pytestmark = pytest.mark.browser


@pytest.fixture
def form(page: Any, portal: Portal) -> Iterator[Any]:
    page.goto(f"{portal.address}/experiments/new/training.backprop/")
    yield page
    portal.clear_the_slot()


def test_enter_in_a_field_starts_the_run_with_what_was_typed(form: Any, portal: Portal) -> None:
    form.select_option("[name=model]", label="LeNet-5 · initialised")
    form.select_option("[name=dataset]", label="digits")
    form.fill("[name=epochs]", "37")
    form.press("[name=epochs]", "Enter")
    form.wait_for_url(re.compile("/runs/[0-9a-f-]{36}/"))
    assert form.locator(".pairs dt", has_text="epochs").locator("xpath=following-sibling::dd[1]").inner_text().startswith("37")


def test_data_that_do_not_fit_the_model_cannot_be_chosen(form: Any) -> None:
    form.select_option("[name=model]", label="LeNet-5 · initialised")
    other = form.locator("[name=dataset] option", has_text="digits32")
    assert other.is_disabled() and "does not fit" in other.inner_text()
    assert form.locator("[name=dataset] option", has_text=re.compile("^digits$")).is_enabled()


def test_where_only_one_data_set_fits_it_is_chosen_and_follows_the_model(form: Any) -> None:
    form.evaluate("""() => [...document.querySelectorAll('[name=dataset] option')]
      .filter((option) => option.value && !["digits", "digits32"].includes(option.textContent.split(" – ")[0]))
      .forEach((option) => option.remove())""")
    for model, fitting in {"LeNet-5 · initialised": "digits", "VGG-11 · initialised": "digits32"}.items():
        form.select_option("[name=model]", label=model)
        assert form.evaluate("document.querySelector('[name=dataset]').selectedOptions[0].textContent") == fitting


def test_another_recipe_keeps_the_chosen_model(form: Any) -> None:
    form.select_option("[name=model]", label="LeNet-5 · initialised")
    chosen = form.input_value("[name=model]")
    form.click("#recipes >> text=Latency")
    form.wait_for_url(re.compile("benchmarking.latency"))
    assert form.input_value("[name=model]") == chosen


def test_everything_wrong_is_listed_at_once_while_typing(form: Any) -> None:
    form.fill("[name=epochs]", "many")
    form.select_option("[name=dataset]", label="digits32")
    form.select_option("[name=model]", label="LeNet-5 · initialised")
    said = form.locator(".promise")
    until(lambda: "whole number" in said.inner_text() and "1×8×8 samples" in said.inner_text(), 30, "both problems")
