"""Plans and amounts in words."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from worker.partitioning.planner.plan import Plan, Stage
from worker.wording import figures


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def duration(seconds: float) -> str:
    return f"{figures(seconds)} s" if seconds >= 0.9995 else f"{figures(1e3 * seconds)} ms"


def slower(seconds: float, than: float) -> str:
    """`3.4 times as slow as the best plan (450 ms instead of 132 ms)`, `4.1 % slower than ...`."""
    instead = f"({duration(seconds)} instead of {duration(than)})"
    if seconds >= 1.5 * than:
        return f"{figures(seconds / than) if than else 'many'} times as slow as the best plan {instead}"
    return f"{figures(100 * (seconds / than - 1))} % slower than the best plan {instead}"


def size(count: float) -> str:
    if count >= 1e5:
        return f"{figures(count / 1e6)} MB"
    return f"{figures(count / 1e3)} kB" if count >= 1e3 else f"{count:.0f} bytes"


def percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


def points(share: float) -> str:
    """Of an accuracy, whichever way."""
    value = figures(100 * abs(share))
    return f"{value} point{'' if value == '1' else 's'}"


def words_of(stages: Sequence[Stage], blocks: int) -> str:
    """`blocks 1-37 on pi-4, 38-92 on cloud-1`; `all blocks on pi-4`."""
    if len(stages) == 1:
        return f"all blocks on {stages[0].resource}" if blocks > 1 else f"the one block on {stages[0].resource}"
    spans = [f"{_span(stage)} on {stage.resource}" for stage in stages]
    return f"block{'s' * (stages[0].stop > 1)} {', '.join(spans)}"


def words_with(plan: Plan, blocks: int) -> str:
    """And which transfer layer is in it."""
    return f"{words_of(plan.stages, blocks)}{f', with {plan.layer}' if plan.layer else ''}"


def key_of(plan: Plan) -> str:
    """`37@pi-4/92@cloud-1`: the last block on each device; behind `+` the transfer layer inside it."""
    found = "/".join(f"{stage.stop}@{quote(stage.resource, safe='')}" for stage in plan.stages)
    return f"{found}+{quote(plan.layer, safe='')}" if plan.layer else found


def _span(stage: Stage) -> str:
    return f"{stage.first + 1}-{stage.stop}" if stage.stop - stage.first > 1 else f"{stage.stop}"
