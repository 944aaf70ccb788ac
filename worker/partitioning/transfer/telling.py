"""A run with transfer layers in words and numbers: which way is the fastest where, and what is honest to say of the layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from worker.events import Event, Log, Metric
from worker.partitioning.transfer.candidates import Candidate
from worker.partitioning.transfer.outcome import HIGHEST, LOWEST, Outcome
from worker.partitioning.transfer.sides import PIXELS, Sides
from worker.partitioning.transfer.trial import Accepted, Base, Refused
from worker.partitioning.transfer.ways import BYTES_OF_A_MEGABIT, Way, bands, mbps
from worker.planning.parted import LinkAsked
from worker.training.accuracy import compared, difference
from worker.wording import figures

POINTS, MOST_LOGGED = 31, 5
KBIT = BYTES_OF_A_MEGABIT / 1000


def planned(order: Sequence[Candidate], every: Sequence[Sides]) -> Iterator[Log]:
    for place, each in enumerate(order[:MOST_LOGGED], 1):
        sides, taken = every[each.sides], figures(1e3 * (each.predicted_s or 0))
        yield Log(message=f"{place}. {each.name}, {sides.sender} to {sides.receiver}: {taken} ms, predicted; "
                          f"{each.payload_bytes:,} bytes instead of {each.raw_bytes:,}.")


def verdict_of(found: Accepted | Refused, base: Base) -> str:
    if isinstance(found, Refused):
        return f"Refused: {found.candidate.name}: {found.why}."
    told = compared(base.score, found.score, "the uncut network")
    return f"Accepted: {found.candidate.name}, epoch {found.tuned.epoch} of its training: {told}."


def drawn(outcome: Outcome) -> Iterator[Event]:
    yield from _sizes(outcome)
    ways, steps = outcome.ways(), _steps()
    for way in ways:
        for kbit in steps:
            yield Metric(name="way_latency_ms", value=1e3 * way.seconds(kbit * KBIT), step=kbit, labels={"way": way.name})
    now = outcome.sides.bytes_per_s
    for way, low, high in outcome.bands():
        yield Metric(name="band_latency_ms", value=1e3 * way.seconds(now),
                     labels={"way": way.name, "low": low / now, "high": high / now})


def _steps() -> list[int]:
    """kbit/s, as far apart on a logarithmic axis."""
    low, high = LOWEST / KBIT, HIGHEST / KBIT
    return [round(low * (high / low) ** (place / (POINTS - 1))) for place in range(POINTS)]


def _sizes(outcome: Outcome) -> Iterator[Metric]:
    """What an image is sent as, and how often the answer is right then."""
    found: list[tuple[str, int, float]] = []
    if outcome.shown:
        found.append((outcome.shown.raw_title, outcome.shown.raw_bytes, outcome.base.score.accuracy))
    found += [(each.candidate.title, each.candidate.payload_bytes, each.score.accuracy) for each in outcome.accepted]
    found += [(each.name, each.bytes, each.accuracy) for each in outcome.pictures]
    found.append((PIXELS, outcome.pixels_bytes, outcome.base.score.accuracy))
    for name, size, accuracy in found:
        yield Metric(name="message_bytes", value=size, labels={"way": name})
        yield Metric(name="way_accuracy", value=accuracy, labels={"way": name})


def summary(outcome: Outcome) -> dict[str, Any]:
    base, first = outcome.base, outcome.accepted[0] if outcome.accepted else None
    now = outcome.sides.bytes_per_s
    return {
        "verdict": verdict(outcome), "accuracy_before": base.score.accuracy, "test_images": base.score.n,
        "validation_before": base.validation, "accepted": [each.candidate.name for each in outcome.accepted],
        "refused": [{"name": each.candidate.name, "why": each.why} for each in outcome.refused],
        "not_tried": [{"name": each.name, "why": each.why} for each in outcome.unusable],
        "pictures": [{"name": each.name, "bytes": each.bytes, "accuracy": each.accuracy, "n": each.n}
                     for each in outcome.pictures],
        "latency_ways_ms": {way.name: 1e3 * way.seconds(now) for way in outcome.ways()},
        "latency_best_way": outcome.best_now().name,
        "train_seconds": round(sum(each.tuned.seconds for each in outcome.accepted), 3),
        "epoch_equivalents": (0 if base.came_trained else outcome.asked.epochs_before) + outcome.asked.epochs * (
            len(outcome.accepted) + len(outcome.refused)),
        **(_of_layer(outcome, first) if first else {}),
        "variants": [_variant(outcome, each) for each in outcome.accepted],
    }


def _of_layer(outcome: Outcome, found: Accepted) -> dict[str, Any]:
    before, candidate, took = outcome.base, found.candidate, found.overhead
    low, high = difference(before.score, found.score)
    edge = outcome.better_than_raw_below(found)
    return {
        "after": candidate.after, "layer": str(candidate.option), "accuracy_after": found.score.accuracy,
        "accuracy_difference_low": low, "accuracy_difference_high": high, "validation_after": found.tuned.best,
        "raw_bytes": candidate.raw_bytes, "payload_bytes": candidate.payload_bytes, "wire_bytes": took.wire_bytes,
        "times_less": candidate.raw_bytes / candidate.payload_bytes, "down_latency_ms": 1e3 * took.down_s,
        "convert_latency_ms": 1e3 * took.convert_s, "up_latency_ms": 1e3 * took.up_s,
        "latency_break_even_mbps": mbps(edge) if edge is not None and math.isfinite(edge) else None,
        "params_before": before.variant.facts.params, "params_after": found.variant.facts.params,
        "macs_before": before.variant.facts.macs, "macs_after": found.variant.facts.macs,
        "size_bytes_before": before.variant.facts.size_bytes, "size_bytes_after": found.variant.facts.size_bytes,
    }


def _variant(outcome: Outcome, found: Accepted) -> dict[str, Any]:
    """With `over`: the link over which it would be cut, in the words of a plan that is run."""
    sides = outcome.places[found.candidate.sides]
    link = LinkAsked(sides.sender, sides.receiver, 1e3 * sides.round_trip_s, mbps(sides.bytes_per_s))
    return found.variant.as_summary() | {
        "accuracy": found.score.accuracy, "payload_bytes": found.candidate.payload_bytes,
        "cut_behind": found.down, "over": asdict(link),
        "apart": found.files.apart, "head": found.files.head.name, "tail": found.files.tail.name}


def verdict(outcome: Outcome) -> str:
    if not outcome.accepted:
        return f"{_none(outcome)}. {_rivals(outcome)}"
    found = outcome.accepted[0]
    candidate, took = found.candidate, found.overhead
    more = f" ({len(outcome.accepted) - 1} more accepted)" if len(outcome.accepted) > 1 else ""
    return (f"{candidate.name} sends {candidate.payload_bytes:,} bytes an image instead of {candidate.raw_bytes:,}, "
            f"{candidate.raw_bytes / candidate.payload_bytes:.3g} times less, and is "
            f"{compared(outcome.base.score, found.score, 'the uncut network')}{more}; both halves and packing take "
            f"{figures(1e3 * took.total_s)} ms here. {_against_raw(outcome, found)} {_rivals(outcome)}"
            f"{_against_picture(outcome, found)}")


def _none(outcome: Outcome) -> str:
    if not outcome.refused:
        return "no transfer layer could be tried" + (f": {outcome.unusable[0].why}" if outcome.unusable else "")
    first = outcome.refused[0]
    return (f"no transfer layer of {len(outcome.refused)} tried was accepted; {first.candidate.name} was not, as {first.why}")


def _against_raw(outcome: Outcome, found: Accepted) -> str:
    edge = outcome.better_than_raw_below(found)
    if edge is None:
        return "It sends no less than the feature map as it is."
    if math.isinf(edge):
        return "It is faster than the feature map as it is at every bandwidth."
    return f"It is faster than the feature map as it is below {figures(mbps(edge))} Mbit/s."


def _rivals(outcome: Outcome) -> str:
    """What is the fastest over the link as it is, and where the transfer layer would be."""
    sides, best = outcome.sides, outcome.best_now()
    at = f"At {figures(mbps(sides.bytes_per_s))} Mbit/s and {figures(1e3 * sides.round_trip_s)} ms"
    kind = "measured" if not best.bytes and not sides.is_profiled else "predicted"
    taken = figures(1e3 * best.seconds(sides.bytes_per_s))
    first = outcome.layer_way(outcome.accepted[0]) if outcome.accepted else None
    if first and best.name == first.name:
        return f"{at} nothing else is faster ({taken} ms, predicted)."
    with_layer = f"; with the transfer layer {figures(1e3 * first.seconds(sides.bytes_per_s))} ms, predicted" if first else ""
    return f"{at} {_said(best, outcome)} would be faster ({taken} ms, {kind}{with_layer}){_where(outcome, first)}."


def _against_picture(outcome: Outcome, found: Accepted) -> str:
    """Where what is the fastest has not said it: the picture as a rival of the layer alone."""
    layer = outcome.layer_way(found)
    if outcome.picture is None or outcome.best_now().name in (outcome.picture.name, layer.name):
        return ""
    picture = outcome.sides.picture(outcome.picture)
    mine = [band for band in bands([layer, picture], LOWEST, HIGHEST) if band.way is picture]
    as_one = f" Sending the picture as {picture.name} ({picture.bytes:,} bytes) is"
    if not mine:
        return f"{as_one} slower than the transfer layer at every bandwidth."
    if (mine[0].low, mine[0].high) == (LOWEST, HIGHEST):
        return f"{as_one} faster than the transfer layer at every bandwidth."
    where = f"below {figures(mbps(mine[0].high))}" if mine[0].low == LOWEST else f"above {figures(mbps(mine[0].low))}"
    return f"{as_one} faster than the transfer layer {where} Mbit/s."


def _said(way: Way, outcome: Outcome) -> str:
    if not way.bytes:
        return f"running everything on {outcome.sides.sender}"
    if outcome.picture and way.name == outcome.picture.name:
        return f"sending the picture as {way.name} ({way.bytes:,} bytes) and running everything on {outcome.sides.receiver}"
    if way.name == PIXELS:
        return f"sending the image as it is ({way.bytes:,} bytes) and running everything on {outcome.sides.receiver}"
    return f"sending the feature map {way.name}" if way.name.startswith("as it is") else way.name


def _where(outcome: Outcome, first: Way | None) -> str:
    if first is None:
        return ""
    mine = [(low, high) for way, low, high in outcome.bands() if way.name == first.name]
    if not mine:
        return ("; the transfer layer is the fastest way at no bandwidth from 10 kbit/s to 1 Gbit/s, and worth it only where the "
                "image must not leave and the device cannot do all")
    low, high = mine[0]
    return f"; the transfer layer is the fastest way from {figures(mbps(low))} to {figures(mbps(high))} Mbit/s"
