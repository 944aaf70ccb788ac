"""`python -m worker scission`: Scission's predictor as its users know it, answered by the planner; no torch."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.flags import Refused
from worker.measured_files import offers_of
from worker.planning.offers import OfferAsked
from worker.profile.faults import Unfit
from worker.profile.hardware import TIERS
from worker.profile.reading import Brought, read

if TYPE_CHECKING:
    from worker.partitioning.scission import Measured, Wire

MOST_PING_MS, MOST_MEGABITS, MOST_MB = 600_000, 1_000_000, 1e6
COLUMNS = ["source", "destination", "ping(ms)", "bandwidth(mbps)"]


def scission(
    folder: Annotated[Path, typer.Argument(help="Where the files are, tier-resource.csv each.")],
    network_csv: Annotated[str, typer.Argument(help=f"Links, a file of that folder: {','.join(COLUMNS)}.")],
    model: Annotated[str, typer.Argument(help="Which of the networks in the files.")],
    device: Annotated[str, typer.Option("-d", "--device", metavar="LIST", help="Comma list: -1 the tier is unused, !-1 used; K "
                                        "layer K runs there, !K not; NAME only that resource, !NAME not that one.")] = "",
    edge: Annotated[str, typer.Option("-e", "--edge", metavar="LIST", help="As -d.")] = "",
    cloud: Annotated[str, typer.Option("-c", "--cloud", metavar="LIST", help="As -d.")] = "",
    input_mb: Annotated[float, typer.Option("-i", "--input", min=0, max=MOST_MB, help="Size of the input in MB.")] = 0.15,
    result_count: Annotated[int, typer.Option("--result-count", min=1, max=10_000, help="How many plans.")] = 5,
    device_upload: Annotated[float | None, typer.Option(min=0, max=MOST_MB,
                                                        help="MB at most out of the device, the input too.")] = None,
    edge_upload: Annotated[float | None, typer.Option(min=0, max=MOST_MB, help="MB at most out of the edge.")] = None,
    device_time: Annotated[str, typer.Option(help="Seconds at most on the device, or a share of all computing: 50%.")] = "",
    edge_time: Annotated[str, typer.Option(help="As --device-time.")] = "",
    cloud_time: Annotated[str, typer.Option(help="As --device-time.")] = "",
    offers: Annotated[list[Path] | None, typer.Option(help="Transfer layers, of which a plan may have one: the offers.json "
                                                      "of a run of ScissionLite.")] = None,
    max_drop: Annotated[float, typer.Option(min=0, max=100, help="Points of accuracy that one may cost.")] = 0.0,
) -> None:
    """Where to cut a network between device, edge and cloud: the plans of the least latency, in Scission's own layout.

    Exact, with three faults of the original mended (the guide names them). Exit status 1 where no plan keeps what is asked.
    """
    from worker.partitioning.scission import Query, Unanswerable, answers

    query = Query(input_mb, _given(device, edge, cloud),
                  {tier: most for tier, most in zip(TIERS, (device_upload, edge_upload), strict=False) if most is not None},
                  _given(device_time, edge_time, cloud_time), _offered(offers or (), model),
                  max_drop / 100 if offers else None)
    try:
        found = answers(list(_measured(folder, model)), _wires(folder / network_csv), query, result_count)
    except Unanswerable as wrong:
        raise Refused(str(wrong)) from None
    for rank, answer in enumerate(found, 1):
        typer.echo(answer.line(rank))
    if not found:
        typer.echo("No plan keeps all that is asked.", err=True)
        raise typer.Exit(1)


def _offered(paths: Sequence[Path], model: str) -> tuple[OfferAsked, ...]:
    """Those of this network."""
    try:
        return tuple(OfferAsked(offer=each) for path in paths for each in offers_of(path) if each.network == model)
    except ValueError as wrong:
        raise Refused(f"offers: {wrong}") from None


def _given(*words: str) -> dict[str, str]:
    return {tier: said for tier, said in zip(TIERS, words, strict=True) if said}


def _measured(folder: Path, model: str) -> Iterator[Measured]:
    """The resources whose file has this network; those that lack it are named, and left out."""
    from worker.partitioning.scission import Measured

    files = sorted(path for tier in TIERS for path in folder.glob(f"{tier}-*.csv"))
    known: set[str] = set()
    count = 0
    for path in files:
        found = _read(path)
        known.update(each.profile.network for each in found.profiles)
        profile = next((each.profile for each in found.profiles if each.profile.network == model), None)
        if found.device is None or profile is None:
            typer.echo(f"{path.name}: {model} is not in it, so it is left out.", err=True)
            continue
        count += 1
        yield Measured(found.device.name, found.device.tier, profile)
    if not count:
        allowed = ", ".join(sorted(known)) or f"nothing, for {folder} has no files of blocks"
        raise Refused(f"model: got {model!r}; allowed: {allowed}")


def _read(path: Path) -> Brought:
    try:
        return read(path.read_bytes(), path.name)
    except OSError as error:
        raise Refused(f"{path.name}: {error.strerror}") from None
    except Unfit as unfit:
        raise Refused(*(f"{path.name}: {line}" for line in unfit.lines)) from None


def _wires(path: Path) -> Iterator[Wire]:
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, ValueError):
        raise Refused(f"network_csv: got {path.name!r}; allowed: a file of that folder that can be read") from None
    if not rows or [cell.strip() for cell in rows[0]] != COLUMNS:
        raise Refused(f"{path.name}, line 1: got {','.join(rows[0]) if rows else 'nothing'}; allowed: {','.join(COLUMNS)}")
    for number, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row):
            yield _wire(path.name, number, [cell.strip() for cell in row])


def _wire(name: str, number: int, cells: list[str]) -> Wire:
    from worker.partitioning.scission import Wire

    try:
        source, destination, ping_ms, speed = cells[0], cells[1], *map(float, cells[2:])
        wire = Wire(source, destination, ping_ms, speed)
    except (ValueError, IndexError, TypeError):
        raise Refused(f"{name}, line {number}: got {','.join(cells)}; allowed: two names and two numbers") from None
    if not (0 <= wire.ping_ms <= MOST_PING_MS and 0 < wire.megabits_per_s <= MOST_MEGABITS):
        raise Refused(f"{name}, line {number}: got {','.join(cells[2:])}; allowed: a ping of 0 to {MOST_PING_MS:,} ms, a "
                      f"bandwidth above 0 and up to {MOST_MEGABITS:,} Mbit/s")
    return wire
