"""A prediction as a run says it: the network's blocks counted, their times predicted, each number with its error."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Sequence
from typing import Any

from worker.context import Context, DeviceInput, ModelInput, write_durably
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.evidence import Evidence
from worker.profile import LONGEST_S, MEDIA_TYPE, Block, NetworkProfile
from worker.profiling.blocks import Grain
from worker.profiling.layerwise import parted
from worker.profiling.opening import Opened, opened
from worker.profiling.parts import fitting
from worker.profiling.prediction import Prediction, TooLittle, predict
from worker.profiling.prediction.like import Way, alike, asked_for, ways
from worker.structure import FLOAT32_BYTES
from worker.wording import worst_of

FILE = "predicted-profile.json"
MS, MOST_WITHIN = 1e3, 1e6
# Above it the truth may be four times the number: no device could be chosen, and none ruled out, by such a one.
MOST_SAID = 3.0
# So many ways of measuring are tried, the best known ones first: each takes a second or so.
MOST_WAYS = 4


def predicted(engine: str, threads: int, batch: int, grain: Grain, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """TooLittle where the measured profiles cannot carry a prediction."""
    given, device, evidence = (yield from opened(context, "given")), context.device_input(), context.profiles()
    known = _ways(evidence, "" if engine == "any" else engine, threads, batch)
    way, found = _best(evidence, known, counted(given, context.model(), known[0], grain), _key(evidence, device))
    network = counted(given, context.model(), way, grain)
    yield from _rests_on(evidence, way)
    _refuse_misleading(found)
    yield from _told(found)
    told = profile(network, found)
    yield from _said(told, found, device.name)
    write_durably(context.workdir / FILE, told.model_dump_json(indent=1).encode())
    yield FileMade(path=FILE, name=f"{told.network}, predicted.json", media_type=MEDIA_TYPE)
    return _summary(found, told, device.name)


def _key(evidence: Evidence, device: DeviceInput) -> str:
    """What the profiles call the device; on the command line it is known by its name."""
    named = (each.id for each in evidence.devices if device.id == each.id or (not device.id and device.name == each.name))
    return next(named, device.id or device.name)


def _ways(evidence: Evidence, engine: str, threads: int, batch: int) -> list[Way]:
    found = asked_for(ways(evidence), engine, threads, batch)
    if not found:
        asked = Way(engine or "any engine", threads or None, batch)
        raise TooLittle(f"A prediction rests on measured profiles, and there is none of {asked}: measure networks block by block "
                        "on two devices first.")
    return found[:MOST_WAYS]


def _best(evidence: Evidence, known: Sequence[Way], network: NetworkProfile, device: str) -> tuple[Way, Prediction]:
    """Of all ways that can answer, the one whose left-out sums were closest; where none can, the best known one says why."""
    found, wrong = list[tuple[Way, Prediction]](), list[TooLittle]()
    for way in known:
        try:
            found.append((way, predict(alike(evidence, way), network, device)))
        except TooLittle as why:
            wrong.append(why)
    if not found:
        raise wrong[0]
    return min(found, key=lambda each: each[1].total.within)


def _refuse_misleading(found: Prediction) -> None:
    if found.total.within > MOST_SAID:
        raise TooLittle(f"The sums that were left out and predicted were up to {100 * found.total.within:.0f} % off; above "
                        f"{100 * MOST_SAID:.0f} % a number would only mislead, so none is given: measure this network on another "
                        "device, or another network on this one, in the same engine.")


def counted(given: Opened, model: ModelInput, way: Way, grain: Grain) -> NetworkProfile:
    """The network's blocks with what each computes and moves, all figures those of the whole batch, and no times."""
    blocks = [Block(first=fitting(part.first), last=fitting(part.last), seconds=0.0, output_bytes=way.batch * part.output_bytes,
                    macs=way.batch * part.macs, params_bytes=part.params_bytes,
                    activation_bytes=part.alive_bytes(way.batch), output_tensors=part.output_tensors,
                    kinds={kind: way.batch * count for kind, count in part.kinds.items()})
              for part in parted(given.network, given.data.in_shape, grain)[1]]
    return NetworkProfile(
        network=fitting(model.name), blocks=tuple(blocks), input_bytes=way.batch * FLOAT32_BYTES * math.prod(given.data.in_shape),
        engine=way.engine, threads=way.threads, batch=way.batch, origin="predicted",
        sha256=hashlib.sha256(model.file.read_bytes()).hexdigest() if model.file else "")


def profile(network: NetworkProfile, found: Prediction) -> NetworkProfile:
    """The blocks with their predicted times, and the interval that held 95 % of the left-out ones."""
    def timed(block: Block, seconds: float) -> Block:
        low, high = found.blocks.around(seconds)
        return block.model_copy(update={"seconds": seconds, "low_s": low, "high_s": min(high, LONGEST_S)})

    blocks = tuple(timed(block, seconds) for block, seconds in zip(network.blocks, found.seconds, strict=True))
    known = {"blocks": blocks, "predicted_within": min(found.total.within, MOST_WITHIN), "predicted_from": found.total.n}
    return NetworkProfile.model_validate(network.model_copy(update=known).model_dump())


def _rests_on(evidence: Evidence, way: Way) -> Generator[Event, None, None]:
    count = len(alike(evidence, way).profiles)
    yield Log(message=f"The prediction rests on {count} of {len(evidence.profiles)} profiles: those measured with {way}.")
    if evidence.left_out:
        yield Log(level="warning", message=f"{evidence.left_out} older profiles of the team were left out.")


def _told(found: Prediction) -> Generator[Event, None, None]:
    for name, badness in found.tried.items():
        yield Metric(name="left_out_badness", value=badness, labels={"form": name})
    yield Log(message=f"Chosen among {len(found.tried)} by its left-out error: {found.words}.")
    for sentence in found.caveats:
        yield Log(level="warning", message=sentence)


def _said(told: NetworkProfile, found: Prediction, device: str) -> Generator[Event, None, None]:
    kind = f"predicted {percent(found.blocks.within)}"
    for number, block in enumerate(told.blocks, start=1):
        yield Metric(name="predicted_ms", value=block.seconds * MS, labels={"block": str(number), "kind": kind})
    low, high = found.total.around(found.total_s)
    yield Measured(variant=told.network, metric="latency_ms_p50", value=found.total_s * MS, unit="ms", origin="predicted",
                   device=device, engine=told.engine, threads=told.threads, batch=told.batch, low=low * MS, high=high * MS)


def percent(share: float) -> str:
    """`±18 %`, as it stands beside a predicted number."""
    return f"±{100 * share:.2g} %" if share < 0.1 else f"±{100 * share:.0f} %"


def _summary(found: Prediction, told: NetworkProfile, device: str) -> dict[str, Any]:
    return {
        "predicted_ms": found.total_s * MS, "error_within": found.total.within, "error_typical": found.total.typical,
        "block_error_within": found.blocks.within, "block_error_typical": found.blocks.typical, "left_out": found.total.n,
        "form": found.chosen, "devices": found.devices, "networks": found.networks, "blocks": len(told.blocks),
        "caveats": list(found.caveats), "verdict": verdict(found, told.network, device)}


def verdict(found: Prediction, network: str, device: str) -> str:
    """One sentence with the number and how far such numbers were off."""
    worst = f" ({few})" if (few := worst_of(found.total.n)) else ""
    said = (f"{network} on {device}: {found.total_s * MS:.3g} ms, predicted {percent(found.total.within)}{worst}, not measured; "
            f"of {found.total.n} that were left out and predicted, half were within {percent(found.total.typical)} "
            f"(single blocks: {percent(found.blocks.within)})")
    if found.total.within >= 1:
        said += "; that error is larger than the number itself, which says little"
    return f"{said}; see the warnings" if found.caveats else said
