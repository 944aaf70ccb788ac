"""Numbers and times are spoken with three significant digits and their unit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.home.templatetags import words


@pytest.mark.parametrize(("number", "said"), [
    (0, "0"), (3, "3"), (8.4812, "8.48"), (96.54, "96.5"), (314.6, "315"), (0.0130, "0.0130"), (12345.6, "12,346"),
    (0.00001234, "1.23e-05"), (None, "–"), ("word", "–"), (float("nan"), "–"), (float("inf"), "–"),
])
def test_a_number_has_three_significant_digits(number: object, said: str) -> None:
    assert words.sig(number) == said


def test_counts_and_bytes_are_scaled_and_exact_on_hover() -> None:
    assert "14.7\u00a0M" in words.quantity(14_730_000)
    assert "58.9\u00a0MB" in words.size(58_912_345)
    assert "58,912,345 bytes" in words.size(58_912_345)
    assert words.size(999) == "999\u00a0bytes"


@pytest.mark.parametrize(("seconds", "said"), [
    (2.3, "2.30 s"), (45, "45 s"), (162, "2 min 42 s"), (1500, "25 min"), (7300, "2 h 1 min"), (400_000, "4 days"),
])
def test_a_length_of_time_has_at_most_two_units(seconds: float, said: str) -> None:
    assert words.span(seconds).replace("\u00a0", " ") == said


def test_a_moment_is_seen_from_now_and_exact_on_hover() -> None:
    moment = timezone.now() - timedelta(minutes=3, seconds=5)
    said = words.ago(moment)
    assert "3\u00a0min ago" in said and "UTC" in said


def test_a_state_is_a_sign_and_a_word() -> None:
    assert "✕" in words.state("failed") and "failed" in words.state("failed")


def test_a_state_nobody_knows_is_escaped() -> None:
    assert "<script>" not in words.state("<script>")
