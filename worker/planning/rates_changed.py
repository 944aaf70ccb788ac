"""Bandwidths that a person changes while a federated run goes on: as the run tells them, and read back with their rounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from worker.events import Metric
from worker.planning.fleets import Rate

# Mbit/s that a person wants of a client, at the first and at the last round in which it is so; on its way it has no last one.
WANTED, END, FIRST, LAST = "wanted_mbps", "end", "first", "last"


def told(number: int, now: Mapping[str, float], before: Mapping[str, float]) -> Iterator[Metric]:
    """By client what is wanted in round `number`, against what was wanted in the round before; nothing where they are alike."""
    for client in {**before, **now}:
        if before.get(client) == now.get(client):
            continue
        if client in before:
            yield Metric(name=WANTED, value=before[client], step=number - 1, labels={"client": client, END: LAST})
        if client in now:
            yield Metric(name=WANTED, value=now[client], step=number, labels={"client": client, END: FIRST})


def read(said: Iterable[Metric], rounds: int) -> tuple[Rate, ...]:
    """The bandwidths in the order in which they began; what no round ended lasts until the last of `rounds`."""
    begun, found = dict[str, Metric](), list[Rate]()
    for each in sorted(said, key=lambda each: (each.step or 0, each.labels[END] == LAST)):
        client = str(each.labels["client"])
        if each.labels[END] == FIRST:
            begun[client] = each
        elif client in begun:
            found.append(_rate(begun.pop(client), each.step or 0))
    found += [_rate(each, rounds) for each in begun.values()]
    return tuple(sorted(found, key=lambda each: each.first))


def _rate(begun: Metric, last: int) -> Rate:
    return Rate(str(begun.labels["client"]), float(begun.value or 0), begun.step or 0, last)
