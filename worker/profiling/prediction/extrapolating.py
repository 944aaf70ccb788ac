"""What of a network lies outside everything that was measured: said, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from worker.profiling.prediction.rows import Floats, Rows

# A network of which more than half is of kinds that nobody has measured is not predicted.
MOST_UNSEEN = 0.5
# Blocks so many times larger than the largest that was measured.
FAR = 1.5


def unseen(rows: Rows, wanted: Rows) -> list[str]:
    """Kinds of operator that the network has and no measured block."""
    return [kind or "MACs of no named kind" for place, kind in enumerate(rows.kinds)
            if wanted.macs[:, place].any() and not rows.macs[:, place].any()]


def unseen_share(rows: Rows, wanted: Rows) -> float:
    """The share of the network's MACs that are of these."""
    lacking = ~rows.macs.any(axis=0)
    return float(wanted.macs[:, lacking].sum() / max(wanted.macs.sum(), 1.0))


def sentences(rows: Rows, wanted: Rows) -> list[str]:
    """Everything that the left-out error does not know of, in words."""
    said = []
    if not rows.all_macs.any():
        said.append("No measured profile tells how many MACs its blocks have: what blocks compute could not be used.")
        wanted = replace(wanted, macs=np.zeros_like(wanted.macs))
    if kinds := unseen(rows, wanted):
        said.append(f"Nobody has measured {', '.join(kinds)} on any device: priced like other MACs, which is a guess.")
    for what, measured, asked in (("MACs", rows.all_macs, wanted.all_macs), ("bytes", rows.moved, wanted.moved)):
        if beyond := _beyond(measured, asked):
            said.append(f"{beyond} of {len(wanted)} blocks have more {what} than any that was measured, up to "
                        f"{asked.max() / max(measured.max(), 1.0):.1f} times: extrapolated.")
    return said


def _beyond(measured: Floats, asked: Floats) -> int:
    return int(np.count_nonzero(asked > FAR * max(float(measured.max(initial=0.0)), 1.0)))
