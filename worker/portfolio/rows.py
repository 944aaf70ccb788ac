"""What is known of each level at its end: the compact network beside the fused sparse one it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from worker.dnn.cost import FLOAT32_BYTES, Cost
from worker.events import Facts, Metric
from worker.portfolio.equality import Equality
from worker.profiling.comparing import speed
from worker.profiling.stopwatch import Timing
from worker.training.accuracy import Score, guessing
from worker.wording import NOISY

STABLE = "stable timing"


@dataclass(frozen=True)
class Row:
    """One level. Memory is counted: weights and the most activations that live at once, in float32, for one image.

    Both latencies were taken turn by turn, of files with batch-norm folded in. `commonest`: the share of the class that
    most test images are of.
    """

    level: int
    variant: str
    offered: bool
    density: float
    survivors: int
    params: int
    params_sparse: int
    macs: int
    macs_sparse: int
    size_bytes: int
    accuracy: float
    accuracy_sparse: float
    test_images: int
    classes: int
    commonest: float
    different: int
    largest_difference: float
    latency_ms: float
    latency_ms_sparse: float
    latency_noisy: bool
    latency_words: str
    memory_bytes: int
    memory_bytes_sparse: int
    epochs: float
    train_seconds: float
    shrink_seconds: float

    @property
    def score(self) -> Score:
        return Score(round(self.accuracy * self.test_images), self.test_images)

    @property
    def doubt(self) -> str:
        """That its accuracy is what guessing would give, in words; nothing where it is more."""
        return guessing(self.score, self.classes, self.commonest)

    @property
    def compression(self) -> float:
        """Of the mask: how many times fewer weights are not zero."""
        return 1 / self.density

    @property
    def spatial(self) -> float:
        """How many times fewer parameters are stored."""
        return self.params_sparse / self.params

    @property
    def speed_up(self) -> float:
        return self.latency_ms_sparse / self.latency_ms

    @property
    def memory_saving(self) -> float:
        return self.memory_bytes_sparse / self.memory_bytes

    def as_facts(self) -> dict[str, Any]:
        derived = {"compression": self.compression, "spatial_compression": self.spatial, "latency_speed_up": self.speed_up,
                   "memory_saving": self.memory_saving}
        return asdict(self) | derived

    def metrics(self) -> Iterator[Metric]:
        """What the charts by level draw; how much a speed-up is to be trusted is said beside it."""
        said = {"level_density": self.density, "spatial_compression": self.spatial, "memory_saving": self.memory_saving,
                "level_accuracy": self.accuracy}
        yield from (Metric(name=name, value=value, step=self.level) for name, value in said.items())
        timing = NOISY if self.latency_noisy else STABLE
        yield Metric(name="latency_speed_up", value=self.speed_up, step=self.level, labels={"timing": timing})


@dataclass(frozen=True)
class Beside:
    """The two networks of a level as they were counted and timed."""

    facts: Facts
    sparse: Cost
    timing: Timing
    timing_sparse: Timing
    equality: Equality

    def as_row_facts(self) -> dict[str, Any]:
        facts, sparse, equal = self.facts, self.sparse, self.equality
        return {
            "params": facts.params, "params_sparse": sparse.params, "macs": facts.macs, "macs_sparse": sparse.macs,
            "size_bytes": facts.size_bytes, "accuracy": equal.compact.accuracy, "accuracy_sparse": equal.sparse.accuracy,
            "test_images": equal.compact.n, "different": equal.different, "largest_difference": equal.largest,
            "latency_ms": self.timing.p50_ms, "latency_ms_sparse": self.timing_sparse.p50_ms,
            "latency_noisy": bool(self.timing.noise or self.timing_sparse.noise),
            "latency_words": speed(self.timing_sparse, self.timing),
            "memory_bytes": memory(facts.params, facts.activation_bytes),
            "memory_bytes_sparse": memory(sparse.params, sparse.activation_bytes),
        }


def memory(params: int, activation_bytes: int) -> int:
    return FLOAT32_BYTES * params + activation_bytes
