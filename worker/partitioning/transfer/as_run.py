"""A run with transfer layers: where to cut, which layers to try there, what came of each, and what else one could have sent."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from worker.context import Context, write_durably
from worker.dnn import export, slices
from worker.events import Event, FileMade, Log, Metric
from worker.partitioning.transfer import candidates, sides, telling
from worker.partitioning.transfer.asking import Asked
from worker.partitioning.transfer.candidates import Candidate, Unusable
from worker.partitioning.transfer.offering import offers
from worker.partitioning.transfer.outcome import Outcome
from worker.partitioning.transfer.overhead import Overhead, networks_s
from worker.partitioning.transfer.pictures import Picture, pictures
from worker.partitioning.transfer.sides import Sides
from worker.partitioning.transfer.trial import Accepted, Base, Refused, tried
from worker.planning.offers import FILE, MEDIA_TYPE, written
from worker.profiling.opening import Opened, opened
from worker.profiling.phases import Phases
from worker.profiling.recall import Work, once
from worker.profiling.variants import write
from worker.training.accuracy import judged, score
from worker.training.hardware import settle
from worker.training.loop import Share, train
from worker.training.settings import Settings

UNCUT = "uncut"
USUAL_RATE = 0.05


def transferred(asked: Asked, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """ValueError, in a sentence, where there is no cut, no training or no profile to go by."""
    settle(threads=context.threads, seed=context.seed)
    return (yield from _Run(asked, context).events())


@dataclass
class _Run:
    asked: Asked
    context: Context
    phases: Phases = field(default_factory=Phases)

    def events(self) -> Generator[Event, None, dict[str, Any]]:
        base = yield from self._based()
        whole_s = (yield from self._timed_once("whole", [base.variant.onnx], [base.data.in_shape]))[0]
        places, order, unusable = yield from self._placed(base, whole_s)
        yield self.phases.end("choose")
        accepted, refused = yield from self._tried(base, order, unusable)
        yield self.phases.end("try")
        photos = yield from self._photographed(base)
        outcome = Outcome(self.asked, base, accepted, refused, unusable, photos, places)
        yield from telling.drawn(outcome)
        yield from self._offered(outcome)
        yield self.phases.end("compare")
        return telling.summary(outcome)

    def _based(self) -> Generator[Event, None, Base]:
        given = yield from opened(self.context, "given")
        data = given.data
        if self.asked.after:
            candidates.behind(given.network, data.in_shape, self.asked)  # Before anything is trained for a cut that is none.
        yield from self._trained(given)
        variant = yield from write(given.network, UNCUT, in_shape=data.in_shape, classes=data.classes,
                                   folder=self.context.workdir, trained=True)
        yield variant.said(given=given.trained)
        validated = yield from score(given.network, data, "validation")
        tested = yield from judged(given.network, data, UNCUT)
        yield Metric(name="allowed_drop", value=100 * self.asked.most_drop)
        yield self.phases.end("open")
        return Base(given.network, data, variant, validated.accuracy, tested, given.trained)

    def _trained(self, given: Opened) -> Generator[Event, None, None]:
        if given.trained:
            return
        if not self.asked.epochs_before:
            raise ValueError("The network came untrained: say for how many epochs it is trained before it is cut, or bring a "
                             "trained one.")
        settings = Settings(epochs=self.asked.epochs_before, batch_size=self.asked.batch_size, learning_rate=USUAL_RATE,
                            seed=self.context.seed, augment=self.asked.augment)
        yield Log(message=f"It came untrained and is trained for {settings.epochs} epochs first.")
        yield from train(given.network, given.data, settings, variant=UNCUT, checkpoints=self.context.checkpoints,
                         share=Share(0, self._epochs(given.trained)))

    def _epochs(self, came_trained: bool) -> int:
        return max(1, self._before(came_trained) + self.asked.tries * self.asked.epochs)

    def _before(self, came_trained: bool) -> int:
        return 0 if came_trained else self.asked.epochs_before

    def _placed(self, base: Base, whole_s: float) -> Generator[Event, None, tuple[list[Sides], list[Candidate], list[Unusable]]]:
        if self.asked.after:
            return (yield from self._given(base, whole_s))
        every = sides.profiled(self.asked, self.context.profiles(), whole_s)
        found = candidates.cuts(base.network, base.data.in_shape, list(every[0].head_s), self.asked.least_blocks)
        known = yield from self._overheads(found)
        order = candidates.planned(self.asked, every, found, known)
        yield from telling.planned(order, every)
        return every, order, []

    def _given(self, base: Base, whole_s: float) -> Generator[Event, None, tuple[list[Sides], list[Candidate], list[Unusable]]]:
        """The cut is said. Where profiles know it the sides are theirs, else this computer's."""
        order, unusable = candidates.behind(base.network, base.data.in_shape, self.asked)
        every = sides.profiled(self.asked, self.context.profiles(), whole_s) if self.asked.network else []
        if knowing := [each for each in every if self.asked.after in each.head_s]:
            return knowing, order, unusable
        if every:
            yield Log(level="warning", message=f"No block of the profiles ends with {self.asked.after}: head and tail are timed "
                                               "on this computer instead.")
        halves = slices.split(base.network, base.data.in_shape, self.asked.after)
        files = [self.context.workdir / "layer" / name for name in ("head.onnx", "tail.onnx")]
        files[0].parent.mkdir(exist_ok=True)
        for half, file in zip(halves, files, strict=True):
            export.to_onnx(half.network, half.in_shape, file)
        head_s, tail_s = yield from self._timed_once("halves", files, [half.in_shape for half in halves])
        return [sides.here(self.asked, whole_s, {self.asked.after: head_s}, {self.asked.after: tail_s})], order, unusable

    def _timed_once(self, name: str, files: Sequence[Any], shapes: Sequence[Any]) -> Generator[Event, None, list[float]]:
        def work() -> Work:
            return {"seconds": (yield from networks_s(files, shapes, threads=self.context.threads))}

        found: list[float] = (yield from once(self.context.checkpoints, f"seconds-{name}", work()))["seconds"]
        return found

    def _overheads(self, found: dict[str, Any]) -> Generator[Event, None, dict[tuple[str, Any], Overhead]]:
        folder = self.context.workdir / "layer"
        folder.mkdir(exist_ok=True)

        def work() -> Work:
            known = yield from candidates.timed(self.asked, found, folder, self.context.threads)
            return {"known": [[name, list(shape), asdict(each)] for (name, shape), each in known.items()]}

        facts = yield from once(self.context.checkpoints, "overheads", work())
        return {(name, tuple(shape)): Overhead(**each) for name, shape, each in facts["known"]}

    def _tried(
        self, base: Base, order: Sequence[Candidate], unusable: Sequence[Unusable],
    ) -> Generator[Event, None, tuple[list[Accepted], list[Refused]]]:
        for each in unusable:
            yield Log(level="warning", message=f"Not tried: {each.name}: {each.why}.")
        accepted, refused = list[Accepted](), list[Refused]()
        for number, candidate in enumerate(order[:self.asked.tries]):
            if len(accepted) == self.asked.wanted:
                break
            share = Share(self._before(base.came_trained) + number * self.asked.epochs, self._epochs(base.came_trained))
            found = yield from tried(candidate, base, self.asked, self.context, share)
            yield Log(message=telling.verdict_of(found, base))
            if isinstance(found, Accepted):
                accepted.append(found)
            else:
                refused.append(found)
        return accepted, refused

    def _photographed(self, base: Base) -> Generator[Event, None, list[Picture]]:
        def work() -> Work:
            return {"pictures": [asdict(each) for each in (yield from pictures(base.network, base.data))]}

        facts = yield from once(self.context.checkpoints, "pictures", work())
        return [Picture(**each) for each in facts["pictures"]]

    def _offered(self, outcome: Outcome) -> Generator[Event, None, None]:
        write_durably(self.context.workdir / FILE, written(offers(outcome, self.context)))
        yield FileMade(path=FILE, name=FILE, media_type=MEDIA_TYPE)
