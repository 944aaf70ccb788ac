"""What a run of rounds came to, in numbers and in a sentence."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from worker.profiling.variants import Variant
from worker.training.accuracy import commonest, guessing
from worker.updating.change import MAGIC, sha256
from worker.updating.course import Course, Edge
from worker.updating.places import ITEMS, places
from worker.wording import byte_size, counted, signed


def summary(course: Course, made: Variant) -> dict[str, Any]:
    edge, facts = course.edges[0], made.facts
    told: dict[str, Any] = {
        "params_before": facts.params, "params_after": facts.params, "macs_before": facts.macs, "macs_after": facts.macs,
        "size_bytes_after": facts.size_bytes, "accuracy_after": edge.tested[-1].accuracy, "test_images": edge.tested[-1].n,
        "validation_accuracy": edge.validated.accuracy, "rounds": len(edge.tested), "images": course.images[-1],
        "updates_sent": sum(account is not None for account in edge.accounts), "sent_bytes": edge.sent_bytes,
        "everything_bytes": everything_bytes(course), "sent_share": share(course, edge),
        "mean_accuracy": mean_accuracy(edge), "accuracy_by_round": [score.accuracy for score in edge.tested],
        "train_seconds": round(course.seconds, 3),
        "epoch_equivalents": len(edge.tested) * (course.plan.settings.epochs + course.plan.tuning_epochs),
        "variants": [made.as_summary() | {"accuracy": edge.tested[-1].accuracy}], "verdict": _verdict(course, edge),
    }
    return told | {"against": [_beside(course, edge, other) for other in course.edges[1:]]}


def mean_accuracy(edge: Edge) -> float:
    """Over all rounds, of what the edge had after each."""
    return fmean(score.accuracy for score in edge.tested)


def everything_bytes(course: Course) -> int:
    """What all rounds take when each sends every number of the network."""
    one = sum(place.size * int(ITEMS[place.type][2:]) for place in places(course.exported))
    return len(course.images) * (one + len(MAGIC) + 4)


def share(course: Course, edge: Edge) -> float:
    return edge.sent_bytes / everything_bytes(course)


def _beside(course: Course, edge: Edge, other: Edge) -> dict[str, Any]:
    return {"variant": other.way.name, "accuracy": other.tested[-1].accuracy, "mean_accuracy": mean_accuracy(other),
            "mean_difference": mean_accuracy(edge) - mean_accuracy(other), "sent_bytes": other.sent_bytes,
            "file_sha256": sha256(course.file(other))}


def _verdict(course: Course, edge: Edge) -> str:
    found = edge.tested[-1]
    told = f"{100 * found.accuracy:.1f} % accurate on the edge after {counted(len(edge.tested), 'round')} (test, n = {found.n})"
    if doubt := guessing(found, course.data.classes, commonest(course.data)):
        told += f", {doubt}"
    whole = byte_size(everything_bytes(course))
    sent = (f"{byte_size(edge.sent_bytes)} sent, {100 * share(course, edge):.3g} % of the {whole} of every number of the network "
            "in every round")
    beside = [_against(edge, other) for other in course.edges[1:]]
    return "; ".join([told, sent, *beside])


def _against(edge: Edge, other: Edge) -> str:
    """Over the rounds, which is what the published figures are, and after the last one, which is what the edge has now."""
    mean, last = mean_accuracy(edge) - mean_accuracy(other), edge.tested[-1].accuracy - other.tested[-1].accuracy
    return (f"{signed(100 * mean)} points against {other.way.name} on average over the rounds, {signed(100 * last)} after the "
            "last one")
