"""How a block's time may follow from what it does: the forms that are tried; left-out devices and networks choose among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from worker.profiling.prediction.fitting import relative
from worker.profiling.prediction.rows import Floats, Rows

TURNS = 20
Times = Callable[[Rows], Floats]


@dataclass(frozen=True)
class Form:
    """`fit(rows, seconds)` gives the times of other rows. `coefficients`: how many it has, which must be few beside the blocks.

    `by_kind`: each kind of operator has a price of its own.
    """

    name: str
    words: str
    fit: Callable[[Rows, Floats], Times]
    needs_macs: bool = False
    by_kind: bool = False
    elsewhere: bool = False

    def coefficients(self, rows: Rows) -> int:
        if self.elsewhere:
            return 1
        return 2 + (len(rows.kinds) if self.by_kind else int(self.needs_macs))


def compute(rows: Rows, by_kind: bool) -> Floats:
    """Columns of work: MACs by kind, or all of them together."""
    return rows.macs if by_kind else rows.all_macs[:, None]


def _columns(rows: Rows, by_kind: bool, macs: bool) -> Floats:
    parts = ([compute(rows, by_kind)] if macs else []) + [rows.moved[:, None], np.ones((len(rows), 1))]
    return np.hstack(parts)


def linear(rows: Rows, seconds: Floats, *, by_kind: bool = False, macs: bool = True) -> Times:
    """Work and bytes and a fixed part, added: price . MACs + price . bytes + overhead."""
    prices = relative(_columns(rows, by_kind, macs), seconds, rows.shares)
    return lambda other: _columns(other, by_kind, macs) @ prices


def roofline(rows: Rows, seconds: Floats, *, by_kind: bool = False) -> Times:
    """The longer of computing and moving, and a fixed part: each block is on one side, until no block changes sides."""
    prices = relative(_columns(rows, by_kind, macs=True), seconds, rows.shares)
    sides = None
    for _ in range(TURNS):
        busy = _computes(rows, prices, by_kind)
        if sides is not None and bool((busy == sides).all()):
            break
        sides = busy
        columns = _columns(rows, by_kind, macs=True)
        columns[:, :-2] *= busy[:, None]
        columns[:, -2] *= ~busy
        prices = relative(columns, seconds, rows.shares)
    return lambda other: _roof(other, prices, by_kind)


def _computes(rows: Rows, prices: Floats, by_kind: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    busy: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = compute(rows, by_kind) @ prices[:-2] >= rows.moved * prices[-2]
    return busy


def _roof(rows: Rows, prices: Floats, by_kind: bool) -> Floats:
    roof: Floats = np.maximum(compute(rows, by_kind) @ prices[:-2], rows.moved * prices[-2]) + prices[-1]
    return roof


def elsewhere(rows: Rows, seconds: Floats) -> Times:
    """The same block on the other devices: the geometric mean of its times there. Of a block that none has run: nothing."""
    count = int(rows.key.max(initial=-1)) + 1
    said = np.bincount(rows.key, minlength=count)
    logs = np.bincount(rows.key, weights=np.log(seconds), minlength=count)
    with np.errstate(invalid="ignore"):
        means = np.exp(logs / said)
    return lambda other: np.where(other.key < count, means[np.minimum(other.key, count - 1)], np.nan)


FORMS: Sequence[Form] = (
    Form("bytes", "bytes moved and a fixed part", lambda rows, seconds: linear(rows, seconds, macs=False)),
    Form("linear", "MACs, bytes and a fixed part", linear, needs_macs=True),
    Form("roofline", "the longer of MACs and bytes, and a fixed part", roofline, needs_macs=True),
    Form("linear by kind", "MACs by kind of operator, bytes and a fixed part",
         lambda rows, seconds: linear(rows, seconds, by_kind=True), needs_macs=True, by_kind=True),
    Form("roofline by kind", "the longer of MACs by kind of operator and bytes, and a fixed part",
         lambda rows, seconds: roofline(rows, seconds, by_kind=True), needs_macs=True, by_kind=True),
    Form("elsewhere", "the same blocks on the other devices", elsewhere, elsewhere=True),
)
