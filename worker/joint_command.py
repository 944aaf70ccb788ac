"""`python -m worker joint`: which variant, cut where, with which transfer layer, on which devices; no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import typer

from worker.flags import Refused
from worker.measured_files import evidence_of, links_of, offers_of, tables_of_links
from worker.planning.joint_question import Goal

if TYPE_CHECKING:
    from worker.planning.joint_answer import JointAnswer, VersionSaid

MB = 1e6
GOALS: tuple[Goal, ...] = get_args(Goal)
T = TypeVar("T")


def joint(
    profiles: Annotated[Path, typer.Argument(help="A folder of measured profiles, or the profiles.json of a run.")],
    links: Annotated[Path | None, typer.Option(help="What lies between the devices, source,destination,ping(ms),bandwidth(mbps). "
                                               "Left out: the table of the folder.")] = None,
    offers: Annotated[list[Path] | None, typer.Option(help="What transfer layers offer: the offers.json of a run of "
                                                      "ScissionLite.")] = None,
    accuracy: Annotated[list[str] | None, typer.Option(
        metavar="NAME=SHARE[/N]", help="How accurate a network is, and on how many images: resnet20=0.912/540. Left out: as the "
        "offers say.")] = None,
    device: Annotated[list[str] | None, typer.Option(help="Only these devices; the first of the lowest tier holds the "
                                                     "input.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="What every plan keeps, as 'raw input stays'.")] = None,
    deadline_ms: Annotated[float | None, typer.Option(help="A result comes within so many ms, above 0.")] = None,
    floor: Annotated[float | None, typer.Option(help="At least so accurate, 0 to 1: 0.9 is nine images in ten.")] = None,
    goal: Annotated[str, typer.Option(help="Of those in time and accurate enough: accuracy or latency.")] = "accuracy",
    returns: Annotated[bool, typer.Option(help="The result goes back to where the input was.")] = False,
    input_mb: Annotated[float | None, typer.Option(help="Size of the raw input in MB.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer, as the API gives it.")] = False,
) -> None:
    """Of all variants, cuts, transfer layers and devices at once: those that nothing beats in both accuracy and latency.

    Exit status 1 where nothing is in time and accurate enough, 2 where what was typed cannot be planned.
    """
    from worker.partitioning.joint.answering import joint_answer
    from worker.partitioning.unfit import Unfit
    from worker.planning.joint_basis import joint_basis

    _judge("deadline-ms", deadline_ms, 1e-6, 1e9, "a number of ms greater than 0, at most 1000000000")
    _judge("floor", floor, 0, 1, "0 to 1, as 0.9 for nine images in ten")
    _judge("input-mb", input_mb, 0, 1e6, "a number of MB from 0 to 1000000")
    evidence = _read("profiles", lambda: evidence_of(profiles))
    tables = [links] if links else tables_of_links(profiles)[:1]
    evidence = evidence.model_copy(update={"links": _read("links", lambda: links_of(tables[0]))}) if tables else evidence
    given = [offer for path in offers or () for offer in _read("offers", partial(offers_of, path))]
    asked = {"rules": tuple(rule or ()), "deadline_ms": deadline_ms, "floor": floor, "goal": _goal(goal), "returns": returns,
             "input_bytes": None if input_mb is None else round(input_mb * MB)}
    rests = _read("profiles", lambda: joint_basis(evidence, given, dict(map(_accuracy, accuracy or ())), device or (), **asked))
    try:
        found = joint_answer(rests.question, rests.profiles)
    except Unfit as unfit:
        raise Refused(*(f"{field}: {text}" for field, text in unfit.faults.items())) from None
    for sentence in (*rests.left_out, *found.warnings):
        typer.echo(sentence, err=True)
    typer.echo(found.model_dump_json(indent=1) if as_json else "\n".join(_lines(found)))
    raise typer.Exit(0 if found.choice else 1)


def _lines(found: JointAnswer) -> Iterator[str]:
    for place in found.front:
        each = found.versions[place]
        yield f"{'*' if place == found.chosen else ' '} {_row(each)}"
    yield (f"{found.searched} of {len(found.versions)} versions planned in full, {found.took_ms:.3g} ms; predicted, nothing was "
           "run.")
    yield " ".join(filter(None, (found.verdict, found.gain, found.sorry)))


def _row(each: VersionSaid) -> str:
    plan = each.plan.words if each.plan else ""
    return f"{100 * each.accuracy:6.2f} %  {each.latency_ms or 0:9.3f} ms  {each.name}: {plan}"


def _judge(flag: str, got: float | None, low: float, high: float, allowed: str) -> None:
    """Also `nan`, which is neither below nor above anything."""
    if got is not None and not low <= got <= high:
        raise Refused(f"{flag}: got {got:g}; allowed: {allowed}")


def _goal(text: str) -> Goal:
    found = next((each for each in GOALS if each == text), None)
    if found is None:
        raise Refused(f"goal: got {text!r}; allowed: {', '.join(GOALS)}")
    return found


def _accuracy(text: str) -> tuple[str, tuple[float, int | None]]:
    name, _, said = text.rpartition("=")
    share, _, count = said.partition("/")
    try:
        found, n = float(share), int(count) if count else None
    except ValueError:
        name, found, n = "", 0.0, None
    if not name or not 0 <= found <= 1 or (n is not None and n < 1):
        raise Refused(f"accuracy: got {text!r}; allowed: NAME=SHARE or NAME=SHARE/IMAGES, as resnet20=0.912/540")
    return name, (found, n)


def _read(field: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as wrong:
        raise Refused(*(f"{field}: {line}" for line in str(wrong).splitlines())) from None
