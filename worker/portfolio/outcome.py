"""What a portfolio is, in words and as the summary of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from worker.portfolio.rows import Row
from worker.profiling.comparing import SAME, size, times
from worker.profiling.latency import HEADLINE
from worker.profiling.variants import Variant
from worker.training.accuracy import compared
from worker.wording import NOISY, counted

BEARABLE_LOSS = 0.01


def describe(row: Row) -> str:
    """One level in one line."""
    scored = f"{100 * row.accuracy:.1f} % accurate (test, n = {row.test_images})"
    if not row.level:
        return f"The {row.variant} network is {scored}."
    against = f"{size(row.spatial)} than its sparse network, {_speed(row)}, {_memory(row)}"
    return f"{row.variant}: {100 * row.density:.3g} % of the weights are left; {against}; {scored}{_doubt(row)}; {_equal(row)}"


def _doubt(row: Row) -> str:
    return f", {row.doubt}" if row.doubt else ""


def _speed(row: Row) -> str:
    """No less than that its timing was noisy, also where it shows no difference."""
    return f"{row.latency_words} ({NOISY})" if row.latency_noisy and NOISY not in row.latency_words else row.latency_words


def _memory(row: Row) -> str:
    return f"{times(row.memory_saving)} less memory" if row.memory_saving >= SAME else "no less memory"


def _equal(row: Row) -> str:
    if row.different:
        return (f"it names another class than its sparse network for {counted(row.different, 'test image')}, so it is not "
                "offered.")
    shown = "" if row.offered else " It is not offered: it is not nearest to a power of two."
    return f"it names the class its sparse network names for all {row.test_images} test images.{shown}"


def summary(rows: Sequence[Row], made: Mapping[str, Variant]) -> dict[str, Any]:
    """`before` is the dense network, `after` the variant that the verdict names first."""
    offered = [row for row in rows if row.offered]
    first, last = rows[0], (bearable(rows[0], offered) or offered or rows)[-1]
    return {
        "params_before": first.params, "params_after": last.params, "macs_before": first.macs, "macs_after": last.macs,
        "size_bytes_before": first.size_bytes, "size_bytes_after": last.size_bytes,
        "latency_ms_before": first.latency_ms, "latency_ms_after": last.latency_ms,
        "accuracy_before": first.accuracy, "accuracy_after": last.accuracy,
        "latency_engine": HEADLINE, "latency_badge": "noisy" if first.latency_noisy or last.latency_noisy else "stable",
        "test_images": last.test_images, "sparsity": 1 - last.density,
        "prune_seconds": round(sum(row.shrink_seconds for row in rows), 4),
        "train_seconds": round(sum(row.train_seconds for row in rows), 3),
        "epoch_equivalents": round(sum(row.epochs for row in rows), 4),
        "variants": [_described(row, made[row.variant]) for row in offered], "levels": [row.as_facts() for row in rows],
        "verdict": verdict(rows, offered),
    }


def _described(row: Row, variant: Variant) -> dict[str, Any]:
    return variant.as_summary() | {"latency_ms": row.latency_ms, "accuracy": row.accuracy, "level": row.level,
                                   "compression": row.compression, "spatial_compression": row.spatial}


def bearable(dense: Row, offered: Sequence[Row]) -> list[Row]:
    """The levels that lose at most a point."""
    return [row for row in offered if row.level and row.accuracy >= dense.accuracy - BEARABLE_LOSS]


def verdict(rows: Sequence[Row], offered: Sequence[Row]) -> str:
    if not offered:
        return "no level can be offered: each answers otherwise than its sparse network"
    dense, last = rows[0], offered[-1]
    told = [f"{counted(len(offered), 'variant')} of one search over the dense network and {counted(len(rows) - 1, 'level')}"]
    close = bearable(dense, offered)
    if close:
        told.append(f"of those that lose at most a point of accuracy the last, {close[-1].variant}, is {_against(close[-1])}")
    if last.level and last not in close[-1:]:
        told.append(f"{last.variant} is {_against(last)}, but {_scored(dense, last)}")
    told.append("each variant names the same class as its sparse network for every test image")
    return "; ".join(told)


def _against(row: Row) -> str:
    if row.spatial < SAME:
        return "no smaller than its sparse network, for no channel is empty yet"
    return (f"{size(row.spatial)} and {_speed(row)} than its fused sparse network, of whose weights "
            f"{100 * row.density:.2g} % are left")


def _scored(dense: Row, row: Row) -> str:
    if row.doubt:
        return row.doubt
    return compared(dense.score, row.score, "the dense network")
