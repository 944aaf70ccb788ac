"""Under a strip of bands stands what its dashed line is, in words that no number on the strip can be taken for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.portal import Portal

pytestmark = pytest.mark.browser
LINE = "The dashed line: as it was in this run. Left of it less, right of it more."
CAPTION = """async (bands) => {
  const { Bands } = await import("/static/js/charts/bands.js");
  const chart = new Bands({ y: ["ms"], by: "network" }, {});
  for (const [low, high] of bands) {
    chart.append({ type: "metric", body: { name: "ms", value: 1, labels: { low, high, network: `${low}` } } });
  }
  return chart.caption;
}"""


@pytest.mark.parametrize(("bands", "said"), [([[0.125, 1.5], [1.5, 8]], LINE), ([[2, 8]], ""), ([], "")])
def test_the_caption_says_what_the_dashed_line_is_where_there_is_one(page: Any, portal: Portal, bands: list[list[float]],
                                                                    said: str) -> None:
    page.goto(f"{portal.address}/experiments/")
    assert page.evaluate(CAPTION, bands) == said
