"""What a person does with experiments: launch, cancel, retry, repeat, tag, archive, change a live parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from pydantic import ValidationError

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.sight import KEPT, is_overtaken
from apps.accounts.words import plain
from apps.experiments import launching, placing, standing, studies
from apps.experiments.board_leases import is_away
from apps.experiments.leases import say_status, say_statuses
from apps.experiments.models import LIVE, Experiment, Run, Status
from apps.experiments.studies import Own
from apps.experiments.sweeps import Sweep
from apps.experiments.tags import words_of
from apps.experiments.waking import wake
from apps.live.knock import knock
from apps.live.models import Saying
from worker import menu
from worker.params import Params
from worker.recipe import Recipe
from worker.wording import complaint

LONGEST_NAME = 200
NOT_ALLOWED = "Your role in this team does not allow this."
ARCHIVED = "This experiment is archived; restore it first."


def launch(user: User, team: Team, recipe: str, values: dict[str, Any], name: str = "") -> Run:
    """Make Experiment and Run in one transaction, then wake a worker. Refused says what is wrong, field by field."""
    run: Run = launch_sweep(user, team, recipe, values, name=name).runs.get()
    return run


def launch_sweep(user: User, team: Team, recipe: str, values: Mapping[str, Any], sweep: Sweep | None = None, repeat: Any = 1,
                 name: str = "", tags: Iterable[object] = (), compare_with: Mapping[str, Own] | None = None) -> Experiment:
    """One experiment with a run for each recipe, each combination of the swept values and each seed; all of them or none.

    `compare_with`: further recipes of the same kind, each with the parameters that the first one does not take.
    """
    chosen = _recipe(recipe)
    if not teams.may_edit(user, team):
        raise Refused({"": "Your role in this team does not allow to start experiments."})
    called, kept = _name(name, needed=False), words_of(tags)
    parts = studies.parts(chosen, values, sweep or {}, compare_with or {})
    every = studies.judged(parts, repeat)
    things = standing.placed(user, team, every, launching.resolve(user, team, [params for _, params in every]))
    launching.fit(things)
    placing.refuse_nowhere(every, things)
    with transaction.atomic():
        experiment = Experiment.objects.create(
            team=team, recipe=chosen.name, created_by=user, tags=kept, sweep=studies.kept(parts, every),
            name=called or launching.title([part.recipe for part in parts], things[0], every[0][1]))
        launching.make_runs(experiment, every, things)
    return experiment


def more_seeds(user: User, experiment: Experiment, repeat: Any) -> list[Run]:
    """As many further runs of each combination, with the seeds that follow the highest one."""
    with transaction.atomic():
        held = _locked_experiment(user, experiment)
        _refuse_archived(held)
        given = held.runs.order_by("number").values_list("recipe", "params")
        every = studies.reseeded([(_recipe(name), params) for name, params in given], repeat)
        things = standing.placed(user, held.team, every, launching.resolve(user, held.team, [params for _, params in every]))
        launching.fit(things)
        placing.refuse_nowhere(every, things)
        return launching.make_runs(held, every, things)


def cancel_all(user: User, experiment: Experiment) -> int:
    """Ask every run that waits or runs to stop; how many there were."""
    with transaction.atomic():
        runs = _locked_runs(user, experiment, Status.QUEUED, Status.RUNNING)
        if not runs:
            raise Refused({"": "No run of this experiment waits or runs."})
        at_once = [run.pk for run in runs if _ends_at_once(run)]
        mine = Run.objects.filter(pk__in=[run.pk for run in runs])
        mine.filter(pk__in=at_once).update(status=Status.CANCELLED, finished_at=timezone.now(), cancelled_by=user,
                                           token=F("token") + 1, lease_until=None)
        mine.exclude(pk__in=at_once).update(status=Status.CANCELLING, cancelled_by=user)
        for run in runs:
            run.status = Status.CANCELLED if run.pk in at_once else Status.CANCELLING
        say_statuses(runs)
    return len(runs)


def retry_failed(user: User, experiment: Experiment) -> int:
    """Queue every failed run again; each goes on from its last checkpoint."""
    with transaction.atomic():
        _refuse_archived(_locked_experiment(user, experiment))
        runs = _locked_runs(user, experiment, Status.FAILED)
        if not runs:
            raise Refused({"": "No run of this experiment has failed."})
        now = timezone.now()
        Run.objects.filter(pk__in=[run.pk for run in runs]).update(
            status=Status.QUEUED, queued_at=now, published_at=now, finished_at=None, cancelled_by=None, stalls=0, reason="",
            trace="")
        for run in runs:
            run.status = Status.QUEUED
        say_statuses(runs)
        for queue in sorted({run.queue for run in runs if run.order is None}):
            transaction.on_commit(lambda queue=queue: wake(queue))  # type: ignore[misc]
    return len(runs)


def rename(user: User, experiment: Experiment, name: str, seen: str | None = None) -> None:
    """Another name; `seen` is the mark of the one that the person saw."""
    called = _name(name)
    with transaction.atomic():
        held = _locked_experiment(user, experiment)
        if is_overtaken(seen, held.name):
            raise Conflict({"name": f"Somebody renamed it to “{held.name}” meanwhile. {KEPT}"})
        _changed(user, experiment, name=called)


def tag(user: User, experiment: Experiment, words: str) -> None:
    """Add tags: free words, several parted by commas."""
    with transaction.atomic():
        held = _locked_experiment(user, experiment)
        _changed(user, held, tags=words_of([*held.tags, words]))


def untag(user: User, experiment: Experiment, word: str) -> None:
    with transaction.atomic():
        held = _locked_experiment(user, experiment)
        _changed(user, held, tags=[each for each in held.tags if each != word])


def archive(user: User, experiment: Experiment) -> None:
    """Out of lists and choices, not deleted; what still runs is not hidden."""
    with transaction.atomic():
        held = _locked_experiment(user, experiment)
        if held.runs.filter(status__in=LIVE).exists():
            raise Refused({"": "Runs of this experiment still wait or run; cancel them first."})
        _changed(user, held, archived=timezone.now())


def restore(user: User, experiment: Experiment) -> None:
    _changed(user, experiment, archived=None)


def cancel(user: User, run: Run) -> None:
    """Ask the run to stop. A queued one ends at once, and so does one whose board is away; others keep their checkpoints."""
    with transaction.atomic():
        held = _locked(user, run)
        if _ends_at_once(held):
            held.status, held.finished_at, held.lease_until = Status.CANCELLED, timezone.now(), None
            held.token += 1  # A board that comes back is told that the run is not its own any more.
        elif held.status == Status.RUNNING:
            held.status = Status.CANCELLING
        else:
            raise Refused({"": f"This run is {held.status}; only a queued or running one can be cancelled."})
        held.cancelled_by = user
        held.save(update_fields=["status", "finished_at", "cancelled_by", "lease_until", "token"])
        say_status(held)


def _ends_at_once(run: Run) -> bool:
    """Whether nobody works on it who could be asked to stop."""
    return run.status == Status.QUEUED or (run.status == Status.RUNNING and is_away(run))


def retry(user: User, run: Run) -> None:
    """Queue a failed or cancelled run again; it goes on from its last checkpoint."""
    with transaction.atomic():
        # The experiment first, as everybody does who locks both: it cannot be archived meanwhile.
        _refuse_archived(_locked_experiment(user, run.experiment))
        held = _locked(user, run)
        if held.status not in (Status.FAILED, Status.CANCELLED):
            raise Refused({"": f"This run is {held.status}; only a failed or cancelled one can be tried again."})
        held.status, held.queued_at, held.published_at = Status.QUEUED, timezone.now(), timezone.now()
        held.finished_at, held.cancelled_by, held.stalls, held.reason, held.trace = None, None, 0, "", ""
        held.save(update_fields=["status", "queued_at", "published_at", "finished_at", "cancelled_by", "stalls",
                                 "reason", "trace"])
        say_status(held)
        if held.order is None:  # Else its board asks by itself.
            transaction.on_commit(lambda: wake(held.queue))


def change_live(user: User, run: Run, values: dict[str, Any]) -> dict[str, Any]:
    """Change parameters that the recipe reads while it runs; the change is a row and an event.

    Returned is what was changed: a value that is in force already is no change, and of none nothing is kept or told.
    """
    recipe = _recipe(run.recipe)
    with transaction.atomic():
        held = _locked(user, run)
        if held.status not in (Status.QUEUED, Status.RUNNING):
            raise Refused({"": f"This run is {held.status}; nothing can be changed any more."})
        strange = sorted(set(values) - set(recipe.params.live_fields()))
        if strange:
            raise Refused({name: "cannot be changed while the run goes on" for name in strange})
        merged = _validated(recipe, {**held.params, **held.live_params, **values})
        _refuse_on_boards(recipe, merged, values)
        told = {name: value for name, value in merged.model_dump(mode="json").items()
                if name in values and value != _now(held, recipe, name)}
        if told:
            held.live_params = {**held.live_params, **told}
            held.save(update_fields=["live_params"])
            held.stream.append([Saying("changed", {"by": str(user), "values": told})])
            transaction.on_commit(lambda: knock(held.stream_id))
        return told


def _now(run: Run, recipe: Recipe, name: str) -> Any:
    """The value in force; of what a run was never told, the recipe's own."""
    return {**run.params, **run.live_params}.get(name, recipe.params.model_fields[name].default)


def _refuse_on_boards(recipe: Recipe, params: Params, changed: Mapping[str, Any]) -> None:
    """What boards cannot do they cannot be told to do later either."""
    wrong = recipe.board.refuse(params) if recipe.board and standing.hosts_of(recipe, params) else {}
    if found := {name: why for name, why in wrong.items() if name in changed}:
        raise Refused(found)


def _recipe(name: str) -> Recipe:
    try:
        return menu.get(name)
    except KeyError:
        raise Refused({"recipe": f"There is no recipe {name[:80]!r}."}) from None


def _validated(recipe: Recipe, values: dict[str, Any]) -> Params:
    try:
        return recipe.params.model_validate(values)
    except ValidationError as wrong:
        said = {str(error["loc"][0]) if error["loc"] else "": complaint(error, recipe.params) for error in wrong.errors()}
        raise Refused(said) from None


def _locked(user: User, run: Run) -> Run:
    held = Run.objects.editable_by(user).select_for_update(of=("self",)).filter(pk=run.pk).first()
    if held is None:
        raise Refused({"": NOT_ALLOWED})
    assert isinstance(held, Run)
    return held


def _locked_experiment(user: User, experiment: Experiment) -> Experiment:
    mine = Experiment.objects.editable_by(user).select_for_update(of=("self",)).select_related("team")
    held = mine.filter(pk=experiment.pk).first()
    if held is None:
        raise Refused({"": NOT_ALLOWED})
    assert isinstance(held, Experiment)
    return held


def _refuse_archived(experiment: Experiment) -> None:
    """What is archived is out of the lists; nothing may run there unseen."""
    if experiment.archived:
        raise Refused({"": ARCHIVED})


def _locked_runs(user: User, experiment: Experiment, *statuses: Status) -> list[Run]:
    """The runs in these states, locked in one order, so that two people who do this at once wait for each other."""
    _locked_experiment(user, experiment)
    mine = Run.objects.editable_by(user).select_related("board")
    rows = mine.select_for_update(of=("self",)).filter(experiment=experiment, status__in=statuses)
    return list(rows.order_by("pk"))


def _changed(user: User, experiment: Experiment, **fields: Any) -> None:
    if not Experiment.objects.editable_by(user).filter(pk=experiment.pk).update(**fields):
        raise Refused({"": NOT_ALLOWED})
    for field, value in fields.items():
        setattr(experiment, field, value)


def _name(text: object, *, needed: bool = True) -> str:
    wrong: dict[str, str] = {}
    name = plain("name", text, LONGEST_NAME, wrong, needed)
    if wrong:
        raise Refused(wrong)
    return name
