"""Numbers in sentences have three significant digits, and thousands are parted."""

from __future__ import annotations

import pytest

from worker.wording import figures


@pytest.mark.parametrize(("number", "said"), [
    (0.0117012, "0.0117"), (1.0, "1"), (51.66, "51.7"), (99.94, "99.9"), (99.96, "100"), (812.4, "812"), (48_213.0, "48,200"),
    (1_234_567.0, "1,230,000"), (-250.4, "-250"), (0.0, "0")])
def test_they_are_said_so(number: float, said: str) -> None:
    assert figures(number) == said
