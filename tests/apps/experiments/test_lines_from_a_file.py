"""Lines that a page read from a file: the file is named where they are wrong, and nothing of what was sent is lost."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from apps.experiments.forms import form_for
from apps.experiments.models import Run
from apps.experiments.promise import promise
from tests.apps.cast import Cast
from worker import menu

RECIPE = menu.get("portfolio.switching")
HEAD = "arrivals_per_s,deadline_ms"
WRONG = f"\r\n{HEAD}\r\n20,100\r\nmany,100\r\n"


def sent(cast: Cast, lines: str, file: str = "") -> Any:
    form = form_for(RECIPE, cast.alice, cast.team)({"trace": "lines", "lines": lines, "lines-file": file})
    form.is_valid()
    return form


def test_what_is_wrong_is_said_with_the_file_and_the_line_as_an_editor_numbers_it(cast: Cast) -> None:
    said, = sent(cast, WRONG, "trace.csv").errors["lines"]
    assert said.startswith("trace.csv: Line 4: ") and "'many'" in said


def test_typed_lines_are_of_no_file(cast: Cast) -> None:
    said, = sent(cast, WRONG).errors["lines"]
    assert said.startswith("Line 4: ")


def test_the_promise_beside_the_form_names_the_file_too(cast: Cast) -> None:
    assert any(problem.startswith("Trace in lines: trace.csv: Line 4: ")
               for problem in promise(sent(cast, WRONG, "trace.csv"), cast.team).problems)


def test_a_refused_form_keeps_the_lines_and_says_of_which_file_they_are(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    asked = {"trace": "lines", "lines": WRONG, "lines-file": "<b>trace</b>.csv", "seconds": "17", "name": "mine"}
    answer = client.post(f"/experiments/new/{RECIPE.name}/", asked)
    page = answer.content.decode()
    assert answer.status_code == 422 and not Run.objects.exists()
    assert html.escape(WRONG) + "</textarea>" in page and 'value="17"' in page and 'value="mine"' in page
    assert "as read from &lt;b&gt;trace&lt;/b&gt;.csv" in page and "<b>trace</b>" not in page


@pytest.mark.parametrize("name", ["a\x00b.csv", "x" * 5000, "two\nlines.csv", "  "])
def test_a_strange_name_is_no_error(cast: Cast, name: str) -> None:
    said, = sent(cast, WRONG, name).errors["lines"]
    assert "Line 4: " in said and "\x00" not in said and "\n" not in said and len(said) < 600


def test_the_longest_trace_fits_as_it_is_sent_and_as_it_is_kept(cast: Cast) -> None:
    row = "1.23457e-05,1.23457e-05,1.23457e-05,1.23457e-05,1.23457"
    form = sent(cast, "\r\n".join(["arrivals_per_s,deadline_ms,free_mb,network_mbps,slower", *[row] * 3600]), "trace.csv")
    assert "lines" not in form.errors
    given = {"model": "m", "model_2": "n", "dataset": "d", "trace": "lines"}
    kept = RECIPE.params.model_validate({**given, "lines": form.cleaned_data["lines"]})
    assert RECIPE.params.model_validate(kept.model_dump()) == kept and kept.lines.count("; ") == 3600


def test_what_is_too_long_is_refused_as_a_whole_and_not_cut_by_the_browser(cast: Cast, client: Client) -> None:
    assert "at most 250000 characters; got 250001" in sent(cast, "1" * 250_001).errors["lines"][0]
    client.force_login(cast.alice)
    area = client.get(f"/experiments/new/{RECIPE.name}/").content.decode().split('<textarea name="lines"')[1].split(">")[0]
    assert 'data-longest="250000"' in area and "maxlength" not in area


@pytest.mark.parametrize("empty", ["", "  ", "\r\n \r\n"])
def test_nothing_but_space_is_nothing(cast: Cast, empty: str) -> None:
    form = form_for(RECIPE, cast.alice, cast.team)({"trace": "burst", "lines": empty})
    form.is_valid()
    assert "lines" not in form.errors and form.cleaned_data["lines"] == ""


def test_a_page_sends_no_file_and_its_button_waits_for_a_script(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    page = client.get(f"/experiments/new/{RECIPE.name}/").content.decode()
    assert '<p class="from-file" hidden>' in page and 'aria-label="Read a file into Trace in lines"' in page
    assert "multipart/form-data" not in page
    file, = [tag.split(">")[0] for tag in page.split("<input ") if 'type="file"' in tag.split(">")[0]]
    assert "name=" not in file
