"""What a run's figures mean, in words: time to go, whether its worker speaks, what came out. No database."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from worker import menu
from worker.params import extra
from worker.wording import NOISY

UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
BEARABLE_LOSS = 0.01
# The names under which recipes measure the network that their variants are compared with.
REFERENCES = ("dense", "fp32")
WITHIN = "within the noise"


class Mark(NamedTuple):
    """Where the present attempt began: seconds ago, and how much was already done then."""

    seconds_ago: float
    done: float


class Range(NamedTuple):
    low: float
    high: float


def eta(done: float, total: float, mark: Mark) -> Range | None:
    """Seconds to go, as a range that narrows with what the present attempt has done; None while nothing is known."""
    made, rest = done - mark.done, total - done
    if made <= 0 or rest <= 0 or mark.seconds_ago <= 0:
        return None
    likely = rest * mark.seconds_ago / made
    doubt = 0.08 + 0.22 * rest / (rest + made)
    return Range(likely * (1 - doubt), likely * (1 + doubt))


def eta_words(seconds: Range) -> str:
    """`done in 6 to 8 min`."""
    return f"done in {range_words(seconds)}"


def range_words(seconds: Range) -> str:
    """`6 to 8 min`."""
    if seconds.high < 10:
        return "a few seconds"
    length, unit = next((step for step in UNITS if seconds.high >= 1.5 * step[0]), UNITS[-1])
    low, high = max(1, round(seconds.low / length)), round(seconds.high / length)
    return f"{low} to {high} {unit}" if high > low else f"about {high} {unit}"


def least_words(seconds: float) -> str:
    """`at least 4 min`, never more than it is; nothing of nothing."""
    length, unit = next((step for step in UNITS if seconds >= 2 * step[0]), UNITS[-1])
    return f"at least {math.floor(seconds / length):,} {unit}" if seconds >= 1 else ""


def fraction(done: float, total: float) -> float:
    return min(1.0, max(0.0, done / total)) if total > 0 else 0.0


def progress_words(stage: str, done: float, total: float, part: float | None = None) -> str:
    """`epoch 4 of 10 · 38 %`; nothing while the run has not said how far it is."""
    if total <= 0:
        return ""
    percent = f"{100 * (fraction(done, total) if part is None else part):.0f} %"
    counted = f"{stage} {_plain(done)} of {_plain(total)}".strip()
    return f"{counted} · {percent}"


def silence(since_heartbeat: float, heartbeat_s: float, lease_left: float, lease_s: float) -> str:
    """What to say of a worker that has missed a heartbeat; nothing while it speaks."""
    if since_heartbeat < 1.5 * heartbeat_s:
        return ""
    quiet = f"worker silent for {since_heartbeat:.0f} s"
    if lease_left <= 0:
        return f"{quiet}; its lease has run out and another worker takes over; nothing is lost"
    return f"{quiet}; will be taken over at {lease_s:.0f} s; nothing is lost"


def waiting(holder: str, before: int, seconds: float, queue: str) -> str:
    """Why a queued run does not run yet."""
    name = "the slot of this computer that measures" if queue.startswith("bench.") else f"the {queue} queue"
    if holder:
        place = "yours is next" if before == 0 else f"{before} {'stands' if before == 1 else 'stand'} before yours"
        return f"{name} is busy with {holder}; {place}"
    if before:
        return f"{before} {'run stands' if before == 1 else 'runs stand'} before yours in {name}"
    return f"waiting for {name}" if seconds < 15 else f"no worker has taken it yet: is one serving {name}?"


@dataclass(frozen=True)
class Result:
    """One row of a run's table of variants: facts, and what was measured about them."""

    name: str
    params: int | None = None
    macs: int | None = None
    size_bytes: int | None = None
    activation_bytes: int | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    accuracy_n: int | None = None
    accuracy_of: str = ""
    accuracy_epoch: int | None = None  # after how many epochs training judged it; None once it is measured
    latency_ms: float | None = None
    latency_low: float | None = None
    latency_high: float | None = None
    latency_by: str = ""
    latency_engine: str = ""
    latency_device: str = ""
    latency_threads: int | None = None
    latency_batch: int | None = None
    latency_noisy: bool = False
    accuracy_data: str = ""
    origin: str = ""
    variant_id: str = ""
    model_id: str = ""
    has_onnx: bool = False
    precision: str = "fp32"

    @property
    def is_reference(self) -> bool:
        return self.name in REFERENCES


def reference(results: Sequence[Result]) -> Result | None:
    """The network that the others are compared with, when it is among them."""
    return next((each for each in results if each.is_reference), None)


def smaller(chosen: Result, dense: Result) -> float | None:
    """How many times smaller: in parameters, or in bytes where each of them takes fewer bits."""
    if chosen.precision != dense.precision:
        return ratio(dense.size_bytes, chosen.size_bytes)
    return ratio(dense.params, chosen.params)


def ratio(before: float | None, after: float | None) -> float | None:
    """How many times less; None when either is unknown."""
    return before / after if before and after else None


def difference(after: float | None, before: float | None) -> float | None:
    return after - before if after is not None and before is not None else None


def best(results: Sequence[Result], dense: Result, *, levels: bool = False) -> Result | None:
    """The smallest variant that loses at most a point against the dense network; else the most accurate one.

    `levels`: each is made of the one before, so that it is the last of those, and of all where none is among those.
    """
    others = [each for each in results if not each.is_reference and each.params]
    if not others:
        return None
    close = [each for each in others if _bearable(each, dense)]
    if levels:
        return (close or others)[-1]
    if close:
        return min(close, key=lambda each: (each.params or 0, each.size_bytes or 0))
    return max(others, key=lambda each: -1.0 if each.accuracy is None else each.accuracy)


def _bearable(each: Result, dense: Result) -> bool:
    lost = comparable(each, dense)
    return lost is not None and lost >= -BEARABLE_LOSS


def verdict(results: Sequence[Result], *, levels: bool = False) -> str:
    """`16.1x smaller, 3.4x faster, 0.4 points less accurate`; nothing until there is something to compare."""
    dense = reference(results)
    chosen = best(results, dense, levels=levels) if dense else None
    if dense is None or chosen is None:
        return ""
    said = [_times(smaller(chosen, dense), "smaller", "larger"),
            _doubted(_times(ratio(dense.latency_ms, chosen.latency_ms), "faster", "slower"), latency_doubt(chosen, dense)),
            _doubted(_points(comparable(chosen, dense)), WITHIN if _overlap(
                chosen.accuracy_low, chosen.accuracy_high, dense.accuracy_low, dense.accuracy_high) else "")]
    return ", ".join(part for part in said if part)


def standing(results: Sequence[Result]) -> str:
    """`accuracy after 30 epochs: 97.8 % on validation`, while the dense network has not been judged in the same way."""
    dense = reference(results)
    chosen = best(results, dense) if dense else None
    if dense is None or chosen is None or chosen.accuracy is None or comparable(chosen, dense) is not None:
        return ""
    epoch = chosen.accuracy_epoch
    after = "" if epoch is None else f" after {counted(epoch, 'epochs')}"
    behind = dense.accuracy is None or (dense.accuracy_epoch is not None and (epoch is None or dense.accuracy_epoch < epoch))
    rest = f" (the {dense.name} network is still training)" if behind else ""
    return f"accuracy{after}: {100 * chosen.accuracy:.1f} % on {chosen.accuracy_of}{rest}"


def comparable(chosen: Result, dense: Result) -> float | None:
    """The difference of accuracies judged alike: on the same part of the data, after as many epochs or both at the end."""
    alike = chosen.accuracy_of == dense.accuracy_of and chosen.accuracy_epoch == dense.accuracy_epoch
    return difference(chosen.accuracy, dense.accuracy) if alike else None


def _overlap(low: float | None, high: float | None, other_low: float | None, other_high: float | None) -> bool:
    if low is None or high is None or other_low is None or other_high is None:
        return False
    return low <= other_high and other_low <= high


def latency_doubt(one: Result, other: Result) -> str:
    """Why a difference of their latencies is no finding: a timing was disturbed, or chance explains it; else nothing."""
    if one.latency_ms is None or other.latency_ms is None:
        return ""
    if one.origin != other.origin:
        return f"one {one.origin or 'measured'}, the other {other.origin or 'measured'}"
    if one.latency_noisy or other.latency_noisy:
        return NOISY
    return WITHIN if _overlap(one.latency_low, one.latency_high, other.latency_low, other.latency_high) else ""


def kind_of_number(origin: str, value: float | None = None, low: float | None = None, high: float | None = None) -> str:
    """`predicted ±18 %`, `emulated`; nothing of what was measured. An interval that is not even says both its ends."""
    if origin in ("", "measured") or value is None:
        return ""
    if origin != "predicted" or not value or low is None or high is None:
        return origin
    share = (high - value) / value
    if abs(max(0.0, 1 - share) * value - low) > 0.01 * value:
        return f"{origin}, {low:.3g} to {high:.3g}"
    return f"{origin} ±{100 * share:.0f} %"


def disturbed(runs: int) -> str:
    """The sentence that stands above numbers of which some are noisy; nothing when none is."""
    timings = "the timings of 1 run were" if runs == 1 else f"the timings of {runs} runs were"
    return f"{timings} disturbed: differences in latency may be noise" if runs else ""


def _doubted(words: str, doubt: str) -> str:
    same = words.startswith(("no ", "equally"))
    return f"{words} ({doubt})" if words and doubt and not same else words


def counted(value: Any, unit: str) -> str:
    """`3 epochs`, `1 epoch`, `0.5 s`."""
    one = str(value) in ("1", "1.0") and len(unit) > 2 and unit.endswith("s")
    return f"{value} {unit.removesuffix('s') if one else unit}".strip()


def command(recipe: str, params: Mapping[str, Any], names: Mapping[str, str], out: str = "") -> str:
    """The line that runs the same thing in a terminal; `names` are the files of fields that name things."""
    words = [".venv/bin/python", "-m", "worker", "run", recipe]
    for field, value in params.items():
        if field in devices_measured(recipe):
            continue  # A terminal measures the computer it runs on.
        words += flag(field.replace("_", "-"), names.get(field, _literally(recipe, field, value)))
    # What a run was given that nobody chose: measured profiles.
    words += [word for field in names if field not in params for word in flag(field, names[field])]
    words += ["--out", out] if out else []
    return " ".join(shlex.quote(word) for word in words)


def _literally(recipe: str, field: str, value: Any) -> Any:
    """Text of several lines that begins with an @ would be taken for the name of a file; two of them stand for one."""
    found = menu.find(recipe)
    begins = isinstance(value, str) and value.startswith("@")
    return f"@{value}" if begins and found and extra(found.params, field).get("lines") else value


def devices_measured(recipe: str) -> tuple[str, ...]:
    """The fields that name the device which a recipe measures on by running there."""
    found = menu.find(recipe)
    if found is None or not found.measures_where_it_runs:
        return ()
    return tuple(field for field, kind in found.params.references().items() if kind == "device")


def curl(address: str, recipe: str, params: Mapping[str, Any], sweep: Mapping[str, Any] | None = None, repeat: int = 1,
         compare_with: Mapping[str, Any] | None = None) -> str:
    """The line that asks the API for the same thing; the token is read from the environment, so that no history keeps it."""
    asked: dict[str, Any] = {"recipe": recipe, "params": {name: value for name, value in params.items() if value is not None}}
    asked |= {"sweep": dict(sweep)} if sweep else {}
    asked |= {"repeat": repeat} if repeat > 1 else {}
    asked |= {"compare_with": dict(compare_with)} if compare_with else {}
    return (f"curl -X POST {shlex.quote(address)} -H \"Authorization: Bearer $EDGEPORTAL_TOKEN\" "
            f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(asked))}")


def flag(name: str, value: Any) -> list[str]:
    """The words that give one parameter on the command line; none for what is not set."""
    if value is None or value == "":
        return []
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", json.dumps(value) if isinstance(value, list | dict) else str(value)]


def _times(factor: float | None, more: str, less: str) -> str:
    if factor is None:
        return ""
    if 0.95 <= factor <= 1.05:
        return f"no {more}"
    return f"{factor:.1f}× {more}" if factor > 1 else f"{1 / factor:.1f}× {less}"


def _points(change: float | None) -> str:
    if change is None:
        return ""
    if abs(change) < 0.0005:
        return "equally accurate"
    return f"{abs(100 * change):.1f} points {'more' if change > 0 else 'less'} accurate"


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:.1f}"
