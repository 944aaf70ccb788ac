"""The metrics that a criterion may ask for: their words, their units, and what they depend on."""

from __future__ import annotations

from typing import NamedTuple

FACTS = ("size_bytes", "params", "macs", "activation_bytes")


class Metric(NamedTuple):
    """`unit` is what people read and type, `scale` how many of `stored` it is. `depends` names what the number is bound to."""

    name: str
    words: str
    unit: str
    stored: str
    scale: float = 1.0
    comparison: str = "at_most"
    depends: str = ""  # "device", "dataset" or nothing

    @property
    def is_fact(self) -> bool:
        """A fact is counted in the variant's own file; no run has to measure it."""
        return self.name in FACTS


KNOWN = {metric.name: metric for metric in (
    Metric("accuracy", "accuracy", "%", "fraction", 0.01, "at_least", "dataset"),
    Metric("latency_ms_p50", "latency p50", "ms", "ms", depends="device"),
    Metric("latency_ms_p95", "latency p95", "ms", "ms", depends="device"),
    Metric("latency_ms_p99", "latency p99", "ms", "ms", depends="device"),
    Metric("size_bytes", "size", "MB", "bytes", 1e6),
    Metric("params", "parameters", "parameters", "parameters"),
    Metric("macs", "MACs a sample", "MACs", "MACs"),
    Metric("activation_bytes", "activation peak", "MB", "bytes", 1e6),
)}


def metric(name: str, unit: str = "") -> Metric:
    """A metric by its name; one that the house does not know is shown as it was measured, and may depend on everything."""
    return KNOWN.get(name) or Metric(name, name.replace("_", " "), unit, unit, depends="both")
