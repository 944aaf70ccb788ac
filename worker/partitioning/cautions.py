"""What the reader of a plan must know of the numbers that it rests on, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from worker.partitioning.planner.problem import Ints
from worker.partitioning.telling import listed
from worker.profile import NetworkProfile
from worker.wording import figures, worst_of

NOT_ADDITIVE = 0.1
Profiles = Mapping[str, NetworkProfile]


def cautions(profiles: Profiles, ends: Mapping[str, Sequence[int]]) -> Iterator[str]:
    """Of all profiles together, then of single ones."""
    yield from _unlike_networks(profiles)
    yield from _joined(profiles, ends)
    yield from _unlike(profiles, "engine", lambda each: each.engine)
    yield from _unlike(profiles, "number of threads", lambda each: str(each.threads or ""))
    emulated = [device for device, profile in profiles.items() if profile.origin == "emulated"]
    if emulated:
        yield f"The times of {listed(emulated)} are emulated."
    for device, profile in profiles.items():
        yield from _of_one(device, profile)


def unequal_bytes(inputs: Mapping[str, int], sizes: Ints) -> Iterator[str]:
    """sizes: R x N, what crosses each cut by each profile."""
    if len(set(inputs.values())) > 1:
        yield f"The profiles give the input different sizes; the largest is taken, {max(inputs.values()):,} bytes."
    apart = int((sizes.min(axis=0) != sizes.max(axis=0)).sum())
    if apart:
        yield f"The profiles give different sizes for what crosses {apart} of {sizes.shape[1]} cuts; the largest are taken."


def _unlike_networks(profiles: Profiles) -> Iterator[str]:
    names = {profile.network for profile in profiles.values()}
    files = {profile.sha256 for profile in profiles.values() if profile.sha256}
    if len(names) > 1:
        yield f"The profiles are of networks with different names: {listed(sorted(names))}."
    elif len(files) > 1:
        yield ("The profiles are of different files of the network (their SHA-256 differ); if the layers differ too, this plan "
               "is of neither.")


def _joined(profiles: Profiles, ends: Mapping[str, Sequence[int]]) -> Iterator[str]:
    own = next(iter(ends.values()))
    if all(len(profiles[each].blocks) == len(own) for each in profiles):
        return
    counts = listed([f"{len(profile.blocks)} on {each}" for each, profile in profiles.items()])
    yield (f"The profiles were cut differently ({counts}); blocks are joined to the {len(own)} that end at the same layers "
           "everywhere, and numbered anew.")
    last = {profile.blocks[-1].last for profile in profiles.values()}
    if len(last) > 1:
        yield f"The last layer has different names ({listed(sorted(last))}); it is taken for the same."


def _unlike(profiles: Profiles, what: str, of: Callable[[NetworkProfile], str]) -> Iterator[str]:
    said = {device: of(profile) for device, profile in profiles.items() if of(profile)}
    if len(set(said.values())) > 1:
        found = listed([f"{value} on {device}" for device, value in said.items()])
        yield f"Not the same {what} everywhere: {found}."


def _of_one(device: str, profile: NetworkProfile) -> Iterator[str]:
    if profile.origin == "predicted":
        yield f"The times of {device} are predicted{_within(profile)}."
    if profile.noisy:
        yield f"Something else disturbed the measurement on {device}."
    if not any(block.seconds for block in profile.blocks):
        yield f"All times of {device} are zero: its clock was too coarse."
    if abs(profile.additivity_error or 0) > NOT_ADDITIVE:
        yield (f"The blocks of {device} add up to {figures(100 * abs(profile.additivity_error or 0))} % "
               f"{'more' if (profile.additivity_error or 0) > 0 else 'less'} than the whole network takes there in one piece.")


def _within(profile: NetworkProfile) -> str:
    """Of few left-out numbers nobody can say what held 95 % of them: then it is the worst of so many."""
    if profile.predicted_within is None:
        return ""
    worst = worst_of(profile.predicted_from)
    return f", within {figures(100 * profile.predicted_within)} %{f' ({worst})' if worst else ''}"
