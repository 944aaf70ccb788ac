"""One form for all devices, and for each device how much slower or faster it is: its scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from worker.evidence import DeviceFacts
from worker.profiling.prediction.forms import Form, Times
from worker.profiling.prediction.rows import Floats, Rows

Basis = Literal["own", "yardstick", "class"]
TURNS, ENOUGH = 20, 1e-7
# The fewest blocks for each coefficient that is fitted.
BLOCKS_EACH = 3


@dataclass(frozen=True)
class Pool:
    """`times` of a device of scale 1; `scales` by the number of the device."""

    times: Times
    scales: dict[int, float]


def pooled(form: Form, rows: Rows) -> Pool:
    """Form and scales in turn, until the scales stay: each device's is that of its whole networks, geometrically."""
    devices = [int(each) for each in np.unique(rows.device)]
    scales = dict.fromkeys(devices, 1.0)
    for _ in range(TURNS):
        each = np.array([scales[int(device)] for device in rows.device])
        times = form.fit(rows, rows.seconds / each)
        found = _centred({device: scale_of(times, rows, device) for device in devices})
        change = max(abs(np.log(found[device] / scales[device])) for device in devices)
        scales = found
        if change < ENOUGH:
            break
    return Pool(times, scales)


def scale_of(times: Times, rows: Rows, device: int) -> float:
    """How the device's networks compare with the times of a device of scale 1."""
    mine = rows.take(rows.device == device)
    expected = times(mine)
    logs = [np.log(_ratio(mine.seconds[mine.network == network], expected[mine.network == network]))
            for network in np.unique(mine.network)]
    known = [each for each in logs if np.isfinite(each)]
    return float(np.exp(np.mean(known))) if known else 1.0


def _ratio(seconds: Floats, expected: Floats) -> float:
    known = np.isfinite(expected) & (expected > 0)
    return float(seconds[known].sum() / expected[known].sum()) if known.any() else float("nan")


def _centred(scales: dict[int, float]) -> dict[int, float]:
    middle = np.exp(np.mean(np.log(list(scales.values()))))
    return {device: float(scale / middle) for device, scale in scales.items()}


def unmeasured_scale(pool: Pool, target: DeviceFacts, devices: dict[int, DeviceFacts], basis: Basis) -> float | None:
    """The scale of a device on which nothing was measured; None where the basis says nothing of it."""
    if basis == "yardstick":
        each = [pool.scales[number] / facts.yardstick_ms for number, facts in devices.items()
                if number in pool.scales and facts.yardstick_ms]
        return target.yardstick_ms * _middle(each) if target.yardstick_ms and each else None
    alike = resembling(target, [facts for number, facts in devices.items() if number in pool.scales])[0]
    return _middle([pool.scales[number] for number, facts in devices.items() if number in pool.scales and facts in alike])


def resembling(target: DeviceFacts, others: Sequence[DeviceFacts]) -> tuple[list[DeviceFacts], str]:
    """Those that are most like it, and in what: the processor, the place, or only that they are devices."""
    same = [each for each in others if same_processor(each, target)]
    if same:
        return same, "the same processor"
    near = [each for each in others if target.tier and each.tier == target.tier]
    return (near, "the same place in the network") if near else (list(others), "nothing but being a device")


def same_processor(one: DeviceFacts, other: DeviceFacts) -> bool:
    """Only where it is known."""
    return bool(_hardware(one)) and _hardware(one) == _hardware(other)


def _hardware(facts: DeviceFacts) -> str:
    return f"{facts.hardware}|{facts.accelerators}|{facts.cores}".casefold() if facts.hardware else ""


def _middle(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
