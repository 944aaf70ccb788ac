"""How the portal speaks of numbers, times and states: a unit always, three significant digits, exact value on hover."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.experiments import reading
from worker import budgets
from worker.wording import NOISY, worst_of

register = template.Library()
NONE = "–"
GAP = "\u00a0"
THOUSANDS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
STATES = {
    "queued": ("◌", "queued"), "running": ("●", "running"), "cancelling": ("◐", "cancelling"),
    "finished": ("✓", "finished"), "failed": ("✕", "failed"), "cancelled": ("■", "cancelled"),
    "online": ("●", "online"), "busy": ("●", "busy"), "draining": ("◐", "draining"), "contact lost": ("◌", "contact lost"),
    "never seen": ("◌", "never seen"), "retired": ("■", "retired"),
    "draft": ("◌", "draft"), "in review": ("●", "in review"), "approved": ("✓", "approved"),
    "changes requested": ("↩", "changes requested"),
    "up to date": ("✓", "up to date"), "stale": ("↯", "stale"), "being checked": ("◌", "being checked"),
    "waiting": ("◌", "waiting"), "taken": ("✓", "taken"), "refused": ("✕", "refused"), "withdrawn": ("■", "withdrawn"),
}


@register.filter
def sig(value: Any) -> str:
    """Three significant digits, never in powers of ten above one thousandth."""
    number = _number(value)
    if number is None:
        return NONE
    if number == 0 or (number == int(number) and abs(number) < 1000):
        return str(int(number))
    if abs(number) < 1e-3:
        return f"{number:.2e}"
    places = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{places}f}"


@register.filter
def quantity(value: Any) -> str | SafeString:
    """14,730,000 as `14.7 M`, exact on hover."""
    return _scaled(value, THOUSANDS, "")


@register.filter
def size(value: Any) -> str | SafeString:
    """Bytes as MB (10^6 bytes), exact on hover."""
    return _scaled(value, BYTES, "bytes")


@register.filter
def enough(value: Any) -> str:
    """Bytes of a memory budget that would do, in three digits, rounded up."""
    number = _number(value)
    return NONE if number is None else budgets.enough(int(number)).replace(" ", GAP)


@register.filter
def percent(value: Any) -> str:
    """A fraction as `96.5 %`."""
    number = _number(value)
    return NONE if number is None else f"{100 * number:.1f}{GAP}%"


@register.simple_tag
def number_kind(origin: str, value: Any = None, low: Any = None, high: Any = None) -> str:
    """What kind of number it is, with the error of a predicted one; nothing of a measured one."""
    return reading.kind_of_number(origin or "", _number(value), _number(low), _number(high)).replace(" %", f"{GAP}%")


@register.filter
def within(origin: str, share: Any) -> str:
    """`predicted ±18 %`; the word alone where no error is known."""
    number = _number(share)
    if number is None or origin == "measured":
        return origin
    return reading.kind_of_number(origin, 1.0, max(0.0, 1 - number), 1 + number).replace(" %", f"{GAP}%")


@register.filter
def few(left_out: Any) -> str:
    """`the worst of 6 left out`, beside the error of a prediction; nothing where twenty or more stand behind it."""
    return worst_of(int(_number(left_out) or 0))


@register.filter
def points(value: Any) -> str:
    """A difference of fractions as signed percentage points."""
    number = _number(value)
    return "" if number is None else f"{100 * number:+.1f}".replace("-", "−")


@register.filter
def signed(value: Any) -> str:
    """A difference with its sign, in three significant digits; what is none has no sign."""
    number = _number(value)
    if not number:
        return NONE if number is None else "0"
    return f"{'+' if number > 0 else '−'}{sig(abs(number))}"


@register.filter
def times(value: Any) -> str:
    number = _number(value)
    return "" if number is None else f"{number:.1f}×"


@register.filter
def span(seconds: Any) -> str:
    """A length of time in at most two units."""
    number = _number(seconds)
    if number is None or number < 0:
        return NONE
    if number < 60:
        return f"{sig(number) if number < 10 else round(number)}{GAP}s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes}{GAP}min" + (f" {rest}{GAP}s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{GAP}h {minutes}{GAP}min" if hours < 48 else f"{hours // 24}{GAP}days"


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """When something was, seen from now; the exact time on hover."""
    if moment is None:
        return NONE
    passed = (timezone.now() - moment).total_seconds()
    words = "just now" if passed < 5 else f"{span(round(passed)).partition(' ')[0]} ago"
    exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, words)


@register.filter
def lasted(run: Any) -> str | SafeString:
    """How long a run took, or has taken; of a resumed one from start to end, the time it lay still included."""
    if run.started_at is None:
        return NONE
    passed: timedelta = (run.finished_at or timezone.now()) - run.started_at
    words = span(passed.total_seconds())
    if run.attempt > 1 or run.queued_at > run.started_at:
        return format_html('<span title="from start to end, with the time it lay still">{}</span>', words)
    return words


@register.filter
def counted(value: Any, unit: str) -> str:
    """`3 epochs`, `1 epoch`; what stands for nothing has no unit."""
    return NONE if value == NONE else reading.counted(value, unit)


@register.filter
def shape(sizes: Any) -> str:
    """[3, 32, 32] as 3×32×32."""
    return "×".join(str(size) for size in sizes) if isinstance(sizes, Sequence) else NONE


@register.filter
def spaced(name: Any) -> str:
    """A name of code as words."""
    return str(name).replace("_", " ")


@register.filter
def valued(value: Any) -> Any:
    """A parameter's value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else "–" if value in (None, "") else value


@register.filter
def signs(sentence: Any) -> str:
    """A worker's sentence with the signs that a terminal may lack: `14.3x` as `14.3×`."""
    ranged = re.sub(r"(?<=95 % )([\d.]+)-(?=[\d.])", r"\1–", str(sentence))
    return re.sub(r"(?<=\d)x(?=\d|\b)", "×", ranged)


@register.filter
def untitled(summary: str, title: str) -> str:
    """A recipe's sentence without its title in front, which stands above it already."""
    rest = summary.removeprefix(f"{title}:").strip()
    return rest[:1].upper() + rest[1:]


@register.simple_tag
def state(word: str, part: int = 0, of: int = 0) -> SafeString:
    """A state as sign and word: colour only repeats what both say. `1 of 2 failed`, where it is that of a part of many."""
    sign, label = STATES.get(word, ("", word))
    label = f"{part} of {of} {label}" if 0 < part < of else label
    return format_html('<span class="state is-{}"><span aria-hidden="true">{}</span> {}</span>',
                       word.replace(" ", "-"), sign, label)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """This page's query string with some parts changed; an empty value drops its part."""
    kept = context["request"].GET.copy()
    for name, value in changes.items():
        kept.pop(name, None)
        if value not in ("", None):
            kept[name] = value
    return f"?{kept.urlencode()}"


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _scaled(value: Any, steps: Sequence[tuple[float, str]], unit: str) -> str | SafeString:
    number = _number(value)
    if number is None:
        return NONE
    for step, prefix in steps:
        if number >= step:
            return format_html('<data value="{}" title="{} {}">{}{}{}</data>', int(number), f"{int(number):,}",
                               unit, sig(number / step), GAP, prefix)
    return f"{int(number)}{GAP}{unit}".strip(GAP)


@register.simple_tag
def noise_word() -> str:
    """What is said beside a latency whose timing was disturbed."""
    return NOISY
