"""Like with like: which timings may be compared, and in words why others may not. Known to pages and to the workshop alike.

Two timings are alike when everything that a time depends on beside the network is the same. What nobody noted differs from
nothing; but a timing that follows no published protocol is not like one that does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

PROTOCOL = 1
# What differs, in the words of a sentence that begins with "the times were taken".
HOW = {
    "device": "on different devices", "engine": "by different engines", "runtime": "by different versions of the engine",
    "threads": "with different numbers of threads", "batch": "with different batches", "precision": "in different precisions",
    "protocol": "by different protocols", "origin": "in different ways",
}


class Conditions(NamedTuple):
    """What a timing depends on beside the network; empty or None where nobody noted it."""

    device: str = ""
    engine: str = ""
    runtime: str = ""
    threads: int | None = None
    batch: int | None = None
    precision: str = ""
    protocol: int | None = None
    origin: str = ""

    @classmethod
    def of(cls, measured: Mapping[str, Any], summary: Mapping[str, Any] | None = None, *, precision: str = "") -> Self:
        """Those of a row of measurements, with what the summary of its run says of protocol and runtime."""
        said = summary or {}
        runtimes = said.get("latency_runtimes")
        runtime = runtimes.get(measured.get("engine")) if isinstance(runtimes, Mapping) else None
        protocol = said.get("latency_protocol")
        return cls(
            device=str(measured.get("device") or ""), engine=str(measured.get("engine") or ""), runtime=str(runtime or ""),
            threads=measured.get("threads"), batch=measured.get("batch"), precision=precision,
            protocol=protocol if isinstance(protocol, int) else None, origin=str(measured.get("origin") or ""))


def unlike(several: Iterable[Conditions]) -> list[str]:
    """`on different devices: pi, this computer`, one for each condition that is not the same; none when all are alike."""
    given = list(several)
    found = []
    for name, words in HOW.items():
        values = {getattr(each, name) for each in given} - {"", None}
        if name == "protocol" and values and any(each.protocol is None for each in given):
            values |= {"none"}
        if len(values) > 1:
            found.append(f"{words}: {', '.join(sorted(map(str, values)))}")
    return found


def alike(one: Conditions, two: Conditions) -> bool:
    return not unlike((one, two))


def warning(several: Iterable[Conditions]) -> str:
    """One sentence for a person who is about to compare; empty when like stands beside like."""
    found = unlike(several)
    return f"These times do not compare: they were taken {'; '.join(found)}." if found else ""
