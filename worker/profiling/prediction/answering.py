"""The candidates: each form, learnt from all devices or from the device alone, and what each answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from worker.evidence import DeviceFacts
from worker.profiling.prediction.forms import FORMS, Form
from worker.profiling.prediction.pooling import BLOCKS_EACH, Basis, Pool, pooled, unmeasured_scale
from worker.profiling.prediction.rows import Floats, Rows


@dataclass(frozen=True)
class Candidate:
    """`alone`: from the device's own measurements of other networks, without those of others."""

    form: Form
    alone: bool = False

    @property
    def name(self) -> str:
        return f"{self.form.name}, of the device alone" if self.alone else self.form.name


class Oracle:
    """Answers what a device takes, from rows and from what is known of the devices; remembers what it has learnt."""

    def __init__(self, devices: dict[int, DeviceFacts], basis: Basis) -> None:
        self._devices, self._basis = devices, basis
        self._learnt: dict[tuple[str, bytes], Pool] = {}

    def answer(self, candidate: Candidate, rows: Rows, device: int, facts: DeviceFacts, wanted: Rows) -> Floats | None:
        """Seconds of the wanted rows; None where this candidate cannot say them."""
        rows = rows.take(rows.seconds > 0)
        rows = rows.take(rows.device == device) if candidate.alone else rows
        if len(rows) < BLOCKS_EACH * candidate.form.coefficients(rows):
            return None
        pool = self._pool(candidate, rows)
        scale = pool.scales.get(device) if self._basis == "own" else unmeasured_scale(pool, facts, self._devices, self._basis)
        told = None if scale is None else scale * pool.times(wanted)
        return told if told is not None and bool(np.isfinite(told).all()) and told.sum() > 0 else None

    def _pool(self, candidate: Candidate, rows: Rows) -> Pool:
        """Folds that keep the same rows learn the same."""
        which = candidate.name, np.concatenate([rows.device, rows.network]).tobytes()
        if which not in self._learnt:
            self._learnt[which] = pooled(candidate.form, rows)
        return self._learnt[which]


def candidates(basis: Basis, *, macs: bool, kinds: bool, network_known: bool) -> Iterator[Candidate]:
    """Those that the question allows, simpler ones first. Kinds need a measured price for each of the network's."""
    for form in FORMS:
        if form.needs_macs > macs or form.by_kind > kinds or form.elsewhere > network_known:
            continue
        yield Candidate(form)
        if basis == "own" and not form.elsewhere:
            yield Candidate(form, alone=True)
