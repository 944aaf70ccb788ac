"""A run of a plan as it is said: who runs what, predicted beside measured for each part and link, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from worker.context import Context, write_durably
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.partitioning.slicing.asked import Asked
from worker.partitioning.slicing.chain import About
from worker.partitioning.slicing.measured import ALIKE, Found
from worker.partitioning.slicing.predicting import Predicted
from worker.planning.parted import OTHER_PLAN, Planned
from worker.profiling.written import sizes
from worker.wording import counted, figures

FILE = "slices.json"
MEDIA_TYPES = {"onnxruntime": "application/x-onnx", "torch": "application/x-safetensors"}
ON_THE_WAY, LONGEST_LOG = "on the way", 2000
MEASURED, PREDICTED, RELAYED = "measured", "predicted", "relayed"
EMULATED = "measured, links emulated"
# Of the parts' names together, which leaves room for what a link is.
LONGEST_WAY = 90
BUT = {"emulated": ", emulated", RELAYED: ", relayed by the portal", "real": ""}
DIRECT = "A link that the portal relays is predicted as a direct link between its ends; the way through the portal is not in it."
NAMES_ONLY = ("All parts run on {device}, a process each: the names of the plan are names only, and a part takes what it takes "
              "here. Links between them are emulated: each message waits the latency, its bytes leave at the bandwidth.")


def begun(what: Asked, context: Context) -> Iterator[Event]:
    yield from sizes(what.variant)
    for number, piece in enumerate(what.pieces, 1):
        does = f"{piece['layers']} ({piece['file']})" if piece["file"] else "holds the input"
        yield Log(message=f"Part {number}, {piece['name']}: {does}; hands on {piece['out_bytes']:,} bytes."[:LONGEST_LOG])
    if what.planned.ms and what.planned.is_other:
        yield Log(level="warning", message=OTHER_PLAN.format(ms=what.planned.ms))
    if what.emulated:
        yield Log(message=NAMES_ONLY.format(device=context.device))
    for link, is_ in zip(what.links, what.links_are, strict=True):
        yield Log(message=f"Link {link}{BUT[is_]}."[:LONGEST_LOG])
    for piece in what.pieces:
        if piece["file"]:
            yield FileMade(path=piece["file"], name=piece["file"], media_type=MEDIA_TYPES[what.engine])


def who(what: Asked, abouts: Sequence[About]) -> Iterator[Event]:
    told = "; ".join(f"{about.part} {name}: {about.runtime}, {counted(about.threads, 'thread')}"
                     for about, name in zip(abouts, what.names, strict=True))
    yield Log(level="debug", message=f"Parts: {told}."[:LONGEST_LOG])
    unsure_ms = max(about.within_ns for about in abouts) / 1e6
    if unsure_ms:
        yield Log(message=f"The parts stand on several machines; their clocks were compared, to within {unsure_ms:.2g} ms.")


def expected(what: Asked, found: Predicted) -> Iterator[Event]:
    yield Log(message=rests_on(what, found))
    yield from _pieces(what, PREDICTED, _ms(found.stages_s), _ms(found.hops_s))
    for step in (1, what.images):
        yield Metric(name="image_latency_ms", value=1e3 * found.latency_s, step=step, labels={"way": PREDICTED})


def way_of(what: Asked) -> str:
    """What is drawn as it was measured, and whether its links were emulated."""
    return EMULATED if what.emulated and what.links else MEASURED


def images(what: Asked, found: Found, begin: int) -> Iterator[Event]:
    for place in range(begin, found.images):
        yield Metric(name="image_latency_ms", value=found.latency_ns[place] / 1e6, step=place + 1, labels={"way": way_of(what)})


def _pieces(
    what: Asked, way: str, stages_ms: Sequence[float], hops_ms: Sequence[float], typical: Sequence[float] = (),
) -> Iterator[Event]:
    """Parts and links in the order in which they happen, for the bars and for the lanes. `typical`: of one image, so that its
    lane is as long as that image took; medians of parts do not add up to the median of images."""
    for place, ms in enumerate(stages_ms):
        piece = what.pieces[place]
        told = piece["layers"] or "holds the input"
        yield from _piece(2 * place, f"{place + 1} {piece['name']}", piece["name"], way, ms, told, typical)
        if place < len(hops_ms):
            link = what.links[place]
            told = f"{link.sender} to {link.receiver}, {piece['out_bytes']:,} bytes{BUT[what.links_are[place]]}"
            yield from _piece(2 * place + 1, f"{place + 1} to {place + 2}", ON_THE_WAY, way, hops_ms[place], told, typical)


def _piece(step: int, part: str, where: str, way: str, ms: float, told: str, typical: Sequence[float]) -> Iterator[Event]:
    yield Metric(name="part_latency_ms", value=ms, labels={"part": part, "way": way})
    drawn = typical[step] if typical else ms
    yield Metric(name="lane_latency_ms", value=drawn, step=step, labels={"way": way, "where": where, "told": told})


def ended(what: Asked, expected: Predicted, found: Found, context: Context) -> Iterator[Event]:
    yield from _pieces(what, way_of(what), found.stage_ms, found.hop_ms, typical=found.typical_ms)
    yield from _measured(what, expected, found, context)
    if found.apart > ALIKE:
        yield Log(level="warning", message=f"The answers are up to {found.apart:.1e} of the largest number from the whole "
                                           f"network's; {ALIKE:.0e} was expected at most.")
    if noise := found.latency.noise:
        yield Log(level="warning", message=f"Noisy times; {'; '.join(noise)}.")
    if found.restarts:
        yield Log(level="warning", message=f"Parts were connected again {counted(found.restarts, 'time')}; images that were lost "
                                           "on the way were sent again, and only whole passes count.")
    told = {"plan": [dict(piece) for piece in what.pieces], "links": [vars(link) for link in what.links],
            "links_are": links_are(what), "each_link_is": what.links_are, "predicted_rests_on": rests_on(what, expected),
            "predicted_ms": {"parts": _ms(expected.stages_s), "links": _ms(expected.hops_s), "latency": 1e3 * expected.latency_s},
            **vars(found)}
    write_durably(context.workdir / FILE, json.dumps(told, indent=1).encode())
    yield FileMade(path=FILE, name=FILE, media_type="application/json")


def _measured(what: Asked, expected: Predicted, found: Found, context: Context) -> Iterator[Measured]:
    """Over emulated links all ran on one device, whatever the parts are called, and what it took is emulated."""
    latency, origin = found.latency, "emulated" if what.emulated else "measured"
    where = context.device if what.emulated else " → ".join(what.names)[:LONGEST_WAY]
    relayed = {"device": where + BUT[RELAYED]} if RELAYED in what.links_are else {}
    about = {"variant": what.variant.name, "device": where, "engine": what.engine, "threads": context.threads, "batch": 1,
             "dataset": what.dataset, "split": "test"}
    yield Measured(metric="split_latency_ms_p50", value=1e3 * expected.latency_s, unit="ms", origin="predicted", **about)
    yield Measured(metric="split_latency_ms_p50", value=latency.ms, unit="ms", low=latency.low_ms, high=latency.high_ms,
                   origin=origin, n=found.images, samples=FILE, noisy=bool(latency.noise), **about | relayed)
    yield Measured(metric="sent_bytes", value=found.bytes_an_image, unit="bytes", n=found.images, **about)
    yield Measured(metric="difference_from_whole", value=found.apart, unit="fraction",
                   n=min(found.images, what.different), **about)


def _ms(seconds: Sequence[float]) -> list[float]:
    return [1e3 * each for each in seconds]


def off_percent(expected: Predicted, found: Found) -> float:
    """By how much the prediction is off, of what was measured; below nought where it was too low."""
    return 100 * (1e3 * expected.latency_s / found.latency.ms - 1)


def summary(what: Asked, expected: Predicted, found: Found, context: Context) -> dict[str, Any]:
    latency = found.latency
    return {
        "verdict": _verdict(what, expected, found, context), "parts": len(what.pieces), "images": found.images,
        "split_latency_ms": latency.ms, "split_latency_ms_low": latency.low_ms, "split_latency_ms_high": latency.high_ms,
        "predicted_latency_ms": 1e3 * expected.latency_s, "latency_off_percent": off_percent(expected, found),
        "latency_ms_of_parts": found.stage_ms, "latency_ms_of_links": found.hop_ms,
        "predicted_latency_ms_of_parts": _ms(expected.stages_s),
        "predicted_latency_ms_of_links": _ms(expected.hops_s),
        "sent_bytes": found.bytes_an_image, "tensor_bytes": sum(what.out_bytes[:-1]), "bit_equal": found.bit_equal,
        "difference_from_whole": found.apart, "restarts": found.restarts,
        "planned_ms": what.planned.ms if what.planned.counts else None,
        "links": [f"{link}{BUT[is_]}" for link, is_ in zip(what.links, what.links_are, strict=True)],
        "links_are": links_are(what), "predicted_rests_on_seconds": rests_on(what, expected),
        "variants": [what.variant.as_summary()]}


def _verdict(what: Asked, expected: Predicted, found: Found, context: Context) -> str:
    latency, off = found.latency, off_percent(expected, found)
    between = "" if latency.low_ms is None or latency.high_ms is None else (
        f" (95 %: {figures(latency.low_ms)} to {figures(latency.high_ms)})")
    over = f" over {_links(what)}" if what.links else ""
    direct = " for a direct link" if RELAYED in what.links_are else ""
    way = "more" if off > 0 else "less"
    noisy = f" The times are noisy: {'; '.join(latency.noise)}." if latency.noise else ""
    here = f" All parts ran on {context.device}, whatever they are called." if what.emulated else ""
    return (f"Measured: an image takes {figures(latency.ms)} ms{between} through {counted(len(what.pieces), 'part')}{over}; "
            f"{figures(1e3 * expected.latency_s)} ms were predicted{direct}, {figures(abs(off))} % {way}. "
            f"{_alike(found)}{here}{_planned(what.planned)}{noisy}")


def _planned(said: Planned) -> str:
    """What a planner said of this plan, and from what; of another plan only that it does not count."""
    if not said.ms:
        return ""
    if said.is_other:
        return f" {OTHER_PLAN.format(ms=said.ms)}"
    kind = f"{said.block_times} " if said.block_times else ""
    return f" The planner said {figures(said.ms)} ms, from {kind}times of the devices' own profiles."


def _links(what: Asked) -> str:
    """How many, and which of them are no direct ones."""
    relayed, count = what.links_are.count(RELAYED), len(what.links)
    if not relayed:
        return counted(count, "emulated link" if what.emulated else "link")
    return counted(count, "link") + ("" if relayed == count else f", {relayed} of them") + " relayed by the portal"


def links_are(what: Asked) -> str:
    """Of all of them: relayed where one is."""
    return RELAYED if RELAYED in what.links_are else "emulated" if what.emulated else "real"


def rests_on(what: Asked, expected: Predicted) -> str:
    return expected.rests_on + (f" {DIRECT}" if RELAYED in what.links_are else "")


def _alike(found: Found) -> str:
    same = "bit for bit those of" if found.bit_equal else "not bit for bit those of"
    whole = "and of the whole network" if not found.apart else f"and within {found.apart:.1e} of the whole network's"
    return f"The answers are {same} the same slices in one process, {whole}."
