"""A chart of a federated run says whether its seconds are the clock's or were measured."""

from __future__ import annotations

import pytest

from worker import menu


@pytest.mark.parametrize("slug", ["federated.fedavg", "federated.fedadapt", "federated.fedfly"])
@pytest.mark.parametrize(("where", "word", "never"), [
    ("emulated", "(emulated)", "(measured)"), ("processes", "(measured)", "emulated"), ("boards", "(measured)", "emulated")])
def test_titles_say_what_the_seconds_are(slug: str, where: str, word: str, never: str) -> None:
    others = (("saved_seconds",), ("bandwidth_mbps",))  # What did not happen, and what is not in seconds.
    titles = [chart.title for chart in menu.get(slug).charts_of({"where": where}) if chart.y not in others]
    assert any(title.endswith(f"Time of a round {word}") for title in titles)
    assert not any(never in title for title in titles)
