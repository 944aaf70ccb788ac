"""A network timed block by block, and in turn in one piece: what every engine's passes become. NumPy only."""

from __future__ import annotations

import io
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.context import Context, write_durably
from worker.events import Event, FileMade, Log, Measured, Metric, Progress
from worker.orders import Order
from worker.profile import MEDIA_TYPE, Block, NetworkProfile
from worker.profiling import onnx
from worker.profiling.additivity import verdict
from worker.profiling.chain import Chain, free_memory_bytes, images, is_short
from worker.profiling.parts import Part, fitting
from worker.profiling.pulse import Pulse
from worker.profiling.stopwatch import Plan
from worker.profiling.turns import Found, Samples, Turns
from worker.profiling.written import Written, sizes

PORTIONS = 5
LATENCY = "block_latency_ms"


@dataclass(frozen=True)
class Asked:
    """What is timed and in what: all that a profile says beside its times. `sha256` is of the file that the run was given."""

    variant: Written
    sha256: str
    parts: Sequence[Part]
    input_bytes: int
    engine: str
    batch: int
    plan: Plan

    @property
    def checkpoint(self) -> str:
        return f"blocks-{self.engine}"


def measure(plan: Plan, order: Order, *, batch: int, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """Time the ordered slices and the whole network in ONNX Runtime; returns the run's summary."""
    facts = order.facts
    variant = Written.from_summary(facts["network"], context.workdir)
    parts = [Part.model_validate(each) for each in facts["parts"]]
    asked = Asked(variant, facts["sha256"], parts, facts["input_bytes"], onnx.ENGINE, batch, plan)
    chain = yield from _loaded(order, variant, facts["in_shape"], batch, context)
    return (yield from timed(asked, Turns(chain.by_blocks, chain.in_one_piece, chain.ready), context))


def _loaded(
    order: Order, variant: Written, in_shape: Sequence[int], batch: int, context: Context,
) -> Generator[Event, None, Chain]:
    slices = [context.workdir / name for name in order.facts["slices"]]
    chain = Chain(slices, variant.onnx, images(in_shape, batch), context.threads,
                  short=is_short([*slices, variant.onnx], free_memory_bytes()))
    if chain.short:
        yield Log(message="Memory is short here: the blocks and the whole network are loaded in turn, never both at once.")
    yield Progress(done=0, total=1, stage="loading the blocks")
    apart = chain.check()
    yield Log(level="debug", message=f"The {len(slices)} blocks in a row answer as the whole network, within {apart:.1e}.")
    return chain


def timed(asked: Asked, turns: Turns, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """Say what is known of the blocks, then their times as they become known; files and numbers at the end."""
    yield from sizes(asked.variant)
    yield from _sketched(asked)
    samples = yield from _sampled(asked, turns, context)
    found = samples.found
    profile = profiled(asked, found, context)
    yield from _files(asked, samples, profile, context)
    if found.left_out:
        yield Log(message=f"Other work took the processor in {found.left_out} of {turns.count} turns; these are left out, the "
                          "file of samples has them.")
    yield from _numbers(asked, found, context)
    if found.whole.noise:
        why = "; ".join(found.whole.noise)
        yield Log(level="warning", message=f"{asked.variant.name} in {asked.engine}: noisy times; {why}.")
    return _summary(asked, found, profile)


def _sketched(asked: Asked) -> Generator[Metric, None, None]:
    """What each block is, before it is timed: pages can show the table at once."""
    for number, part in enumerate(asked.parts, 1):
        labels: dict[str, str | int | float] = {"block": str(number), "first": fitting(part.first), "last": fitting(part.last)}
        yield Metric(name="block_output_bytes", value=asked.batch * part.output_bytes, labels=labels)
        yield Metric(name="block_macs", value=asked.batch * part.macs, labels={"block": str(number)})


def _sampled(asked: Asked, turns: Turns, context: Context) -> Generator[Event, None, Samples]:
    """All passes, kept portion by portion: a run that goes on has what it had, and says again what it said last."""
    known = context.checkpoints.last(asked.checkpoint)
    if known is not None:
        turns.resume(Samples.from_bytes(known[1], turns=known[0]))
        yield from _said(turns)
    plan, pulse, portion = asked.plan, Pulse(), math.ceil(asked.plan.least / PORTIONS)
    if not turns.is_enough(plan):
        for _ in turns.warm(plan.warmup):
            if pulse.due():
                yield Progress(done=0, total=plan.least, stage="warming up")
    while not turns.is_enough(plan):
        turns.take()
        if pulse.due():
            part = turns.part(plan)
            yield Progress(done=turns.count, total=max(1, round(turns.count / part)), part=part, stage="passes timed")
        if turns.count % portion == 0 or turns.is_enough(plan):
            # Kept first: what was said is never contradicted by a run that goes on from here.
            context.checkpoints.save(asked.checkpoint, turns.count, turns.samples.as_bytes(), {})
            yield from _said(turns)
            portion = portion if turns.count < plan.least else 2 * portion
    return turns.samples


def _said(turns: Turns) -> Generator[Metric, None, None]:
    for number, span in enumerate(turns.found.spans, 1):
        yield Metric(name=LATENCY, value=1e3 * span.seconds, step=turns.count, labels={"block": str(number)})


def profiled(asked: Asked, found: Found, context: Context) -> NetworkProfile:
    """All figures are of one pass of the batch."""
    batch = asked.batch
    blocks = tuple(
        Block(first=fitting(part.first), last=fitting(part.last), seconds=span.seconds, low_s=span.low_s, high_s=span.high_s,
              output_bytes=batch * part.output_bytes, macs=batch * part.macs, params_bytes=part.params_bytes,
              activation_bytes=part.alive_bytes(batch), output_tensors=part.output_tensors,
              kinds={kind: batch * macs for kind, macs in part.kinds.items()})
        for part, span in zip(asked.parts, found.spans, strict=True))
    return NetworkProfile(
        network=fitting(asked.variant.name), blocks=blocks, input_bytes=batch * asked.input_bytes, whole_s=found.whole_s,
        additivity_error=found.additivity_error, sha256=asked.sha256, engine=asked.engine, threads=context.threads,
        batch=batch, repeats=found.repeats, noisy=bool(found.whole.noise))


def _files(asked: Asked, taken: Samples, profile: NetworkProfile, context: Context) -> Generator[Event, None, None]:
    samples, told = _samples(asked), f"profile-{asked.engine}.json"
    body = io.BytesIO()
    np.savez_compressed(body, blocks_ns=taken.blocks_ns, whole_ns=taken.whole_ns, wall_ns=taken.wall_ns, cpu_ns=taken.cpu_ns,
                        kept=taken.calm)
    write_durably(context.workdir / samples, body.getvalue())
    yield FileMade(path=samples, name=f"block samples, {asked.engine}.npz", media_type="application/x-npz")
    write_durably(context.workdir / told, profile.model_dump_json(indent=1, exclude_none=True).encode())
    yield FileMade(path=told, name=f"profile, {asked.engine}.json", media_type=MEDIA_TYPE)


def _samples(asked: Asked) -> str:
    return f"block-samples-{asked.engine}.npz"


def _numbers(asked: Asked, found: Found, context: Context) -> Generator[Measured, None, None]:
    low, high = found.whole.interval_ms or (None, None)
    about = {"variant": asked.variant.name, "device": context.device, "engine": asked.engine, "threads": context.threads,
             "batch": asked.batch, "n": found.repeats, "samples": _samples(asked), "noisy": bool(found.whole.noise)}
    yield Measured(metric="latency_ms_of_blocks", value=1e3 * found.sum_s, unit="ms", **about)
    yield Measured(metric="latency_additivity_error", value=found.additivity_error, unit="fraction", **about)
    for metric, q in (("latency_ms_p95", 0.95), ("latency_ms_p99", 0.99)):
        yield Measured(metric=metric, value=found.whole.quantile_ms(q), unit="ms", **about)
    yield Measured(metric="latency_ms_p50", value=found.whole.p50_ms, unit="ms", low=low, high=high, **about)


def _summary(asked: Asked, found: Found, profile: NetworkProfile) -> dict[str, Any]:
    facts = asked.variant.facts
    return {
        "params_after": facts.params, "macs_after": facts.macs, "size_bytes_after": facts.size_bytes,
        "blocks": len(profile.blocks), "latency_ms_after": found.whole.p50_ms, "latency_engine": asked.engine,
        "latency_badge": found.whole.badge, "latency_ms_of_blocks": 1e3 * found.sum_s,
        "latency_additivity_error": found.additivity_error,
        "variants": [asked.variant.as_summary() | {"latency_ms": found.whole.p50_ms}], "verdict": verdict(profile, found.cost)}
