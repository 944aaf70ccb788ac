"""What the pages of a portfolio need beside the words of the house."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe

from apps.portfolios.markdown import html

register = template.Library()


@register.filter
def of(counts: dict[str, int], key: str) -> int:
    """How many there are under this key."""
    return counts.get(key, 0)


@register.filter
def get(words: dict[object, str], key: object) -> str:
    """What is said under this key."""
    return words.get(key, "")


@register.filter
def markdown(text: str) -> SafeString:
    """A comment as HTML, cleaned by an allow-list."""
    return mark_safe(html(text))
