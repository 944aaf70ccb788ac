"""The JSON of recipes, experiments and runs: what is sent, what is answered."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

from django.http import Http404
from pydantic import BaseModel, Field, JsonValue

from apps.accounts.wire import Asked, Listing, Told
from apps.experiments.models import Run
from apps.experiments.progress import main_stage
from apps.experiments.results import results
from apps.experiments.sweeps import MOST_REPEATS, MOST_RUNS
from worker import menu

StatusName = Literal["live", "queued", "running", "cancelling", "finished", "failed", "cancelled"]
DESCENDING = "; - before it for descending."


class OwnValues(Asked):
    params: dict[str, JsonValue] = {}
    sweep: dict[str, list[JsonValue]] = {}


class Launch(Asked):
    recipe: str = Field(max_length=80, examples=["training.backprop"])
    params: dict[str, JsonValue] = Field({}, description="As the recipe's JSON schema says; things by their ids.")
    sweep: dict[str, list[JsonValue]] = Field({}, description=f"Several values of a parameter; at most {MOST_RUNS} runs in all.")
    repeat: int = Field(1, ge=1, le=MOST_REPEATS, description="With so many seeds.")
    compare_with: dict[str, OwnValues] = Field(
        {}, max_length=50, description="Further recipes of the same kind by name, which get the same values, sweep and seeds; "
                                       "beside each only the parameters that the first recipe does not take.")
    name: str = Field("", max_length=200, description="Left empty, it names itself.")
    tags: list[str] = Field([], max_length=10)
    team: UUID | None = None


class OnLabel(Asked):
    """Every device with this label, measured by benchmarking.latency."""

    label: str = Field(max_length=60)
    params: dict[str, JsonValue] = Field(description="model and dataset by their ids, and what else the recipe takes.")
    team: UUID | None = None


class ExperimentChange(Asked):
    name: str = Field(min_length=1, max_length=200)


class Words(Asked):
    words: str = Field(min_length=1, max_length=400)


class MoreSeeds(Asked):
    repeat: int = Field(ge=1, le=MOST_REPEATS)


class Change(Asked):
    params: dict[str, JsonValue] = Field(min_length=1, description="Only those that the recipe reads while it runs.")


class Experiments(Listing):
    recipe: str = Field("", max_length=80)
    tag: str = Field("", max_length=40)
    archived: bool = False
    order: str = Field("-created", description=f"created or name{DESCENDING}")


class Runs(Listing):
    q: str = Field("", max_length=400, description="Only runs of experiments whose name holds this text.")
    status: StatusName | None = Field(None, description="live stands for queued, running and cancelling.")
    recipe: str = Field("", max_length=80)
    experiment: UUID | None = None
    order: str = Field("-number", description=f"number, queued_at, started_at or finished_at{DESCENDING}")


class Compare(BaseModel):
    run: list[UUID] = Field(min_length=2, max_length=8, description="Say it once for each run: run=...&run=...")
    agg: Literal["last", "best", "at"] = Field("last", description="How a curve becomes one number; `at` needs a step.")
    step: str = Field("", max_length=10)
    all: Literal["1", ""] = Field("", description="1: also what is the same everywhere.")


class Difference(Told):
    kind: str
    name: str
    values: list[JsonValue]
    differs: bool


class Measure(Told):
    name: str
    word: str
    values: list[float | None]


class CurveRow(Told):
    name: str
    labels: str
    values: list[JsonValue] = Field(description="For each run: [value, step], or null.")


class Comparison(Told):
    """Columns stand in the order of `runs`."""

    runs: list[UUID]
    differences: list[Difference]
    results: list[Measure]
    curves: list[CurveRow]
    curves_left_out: int = Field(description="How many more curves the runs have than are told.")
    warnings: list[str] = Field(description="Why their numbers are not like with like.")


class Versus(BaseModel):
    colour: str = Field("", max_length=80, description="The swept field whose values are compared; recipe, if several.")
    baseline: str = Field("", max_length=200, description="One of `arms`; the first one unless it is said.")
    hold: Literal["", "params", "nonzero", "macs", "epochs"] = Field("", description="What is held equal; nothing: the settings.")
    within: float = Field(5.0, ge=0, le=100, description="How far a budget may differ, in percent.")
    measure: Literal["accuracy", "latency_ms", "seconds", "sent_bytes", "measured_memory_bytes"] = Field(
        "accuracy", description="What is tested.")


class TestOut(Told):
    """A paired test of one arm against the baseline: differences of pairs that share their seed."""

    arm: str
    of: str = Field(description="Which setting; or all together, each seed with its mean over them.")
    seeds: list[JsonValue]
    differences: list[float] = Field(description="In the order of the seeds.")
    n: int
    mean: float | None
    low: float | None = Field(description="95 % interval, Student's t.")
    high: float | None
    p: float | None = Field(description="Two-sided, of all flips of the signs.")
    p_holm: float | None = Field(description="After Holm's correction over the tests of this list.")
    noisy: bool
    conclusion: str


class VersusOut(Told):
    """Recipes, or values of a swept field, against a baseline."""

    arms: list[str]
    baseline: str
    hold: str
    within: float
    measure: str
    matches: list[list[dict[str, JsonValue]]] = Field(description="Settings that are compared with each other.")
    left_out: list[dict[str, str]] = Field(description="Settings that are not, and why.")
    tests: list[TestOut]
    tests_by_setting: list[TestOut]


class RecipeRow(Told):
    name: str
    title: str
    summary: str
    use_when: str


class RecipeOut(RecipeRow):
    parameters: dict[str, JsonValue] = Field(description="JSON schema of `params`.")
    references: dict[str, str] = Field(description="Which parameters name things, and of which kind.")
    live: list[str] = Field(description="Which parameters may be changed while it runs.")
    presets: dict[str, dict[str, JsonValue]]
    charts: list[dict[str, JsonValue]]
    papers: list[dict[str, JsonValue]] = Field(description="What to cite; bibtex is the entry as text.")


class ExperimentOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    name: str
    recipe: str
    created_by: str | None
    sweep: dict[str, JsonValue]
    tags: list[str]
    archived: datetime | None
    created: datetime
    runs: dict[str, int] = Field(description="How many runs are in each status.")


class RunRow(Told):
    id: UUID
    number: int
    team: UUID = Field(validation_alias="team_id")
    experiment: UUID = Field(validation_alias="experiment_id")
    stream: UUID = Field(validation_alias="stream_id", description="Its log and metrics: /api/streams/{stream}/events.")
    recipe: str
    status: str
    params: dict[str, JsonValue]
    attempt: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    summary: dict[str, JsonValue]
    reason: str = Field(description="Why it failed.")


class Progress(Told):
    name: str
    done: float
    total: float
    part: float = Field(description="The share of its work that is done, 0 to 1.")


class ResultOut(Told):
    """One variant with what was measured of it."""

    name: str
    variant_id: str
    params: int | None
    macs: int | None
    size_bytes: int | None
    activation_bytes: int | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    accuracy_n: int | None
    accuracy_of: str
    latency_ms: float | None
    latency_low: float | None
    latency_high: float | None
    latency_by: str
    latency_noisy: bool = Field(description="Whether other work disturbed the timing.")
    origin: str


class RunOut(RunRow):
    name: str = Field(description="Of its experiment.")
    live_params: dict[str, JsonValue]
    inputs: dict[str, JsonValue]
    queue: str
    progress: Progress | None
    results: list[ResultOut]


class MeasurementOut(Told):
    id: UUID
    variant_name: str
    variant: UUID | None = Field(validation_alias="variant_id")
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    unit: str
    origin: str = Field(description="measured, predicted or emulated.")
    device: str
    engine: str
    threads: int | None
    batch: int | None
    dataset: str
    split: str
    noisy: bool = Field(description="Whether other work disturbed this timing.")


class FileOut(Told):
    id: int
    name: str
    path: str
    media_type: str
    sha256: str = Field(validation_alias="blob_id")


def run_told(run: Run) -> dict[str, Any]:
    plain = {name: getattr(run, name) for name in (
        "id", "number", "team_id", "experiment_id", "stream_id", "recipe", "status", "params", "attempt", "queued_at",
        "started_at", "finished_at", "summary", "reason", "live_params", "inputs", "queue")}
    return plain | {"name": run.experiment.name, "progress": main_stage(run), "results": results(run)}


def recipe_told(name: str) -> dict[str, Any]:
    """404 for a name that is not on the menu."""
    if menu.find(name) is None:
        raise Http404
    return _declared(name)


@cache
def _declared(name: str) -> dict[str, Any]:
    """A declaration never changes while the process lives."""
    found = menu.get(name)
    return {"name": found.name, "title": found.title, "summary": found.summary, "use_when": found.use_when,
            "parameters": found.params.model_json_schema(), "references": found.params.references(),
            "live": found.params.live_fields(), "presets": found.presets,
            "charts": [{**asdict(each), "y": list(each.y)} for each in found.charts],
            "papers": [{**asdict(each), "authors": list(each.authors), "bibtex": each.bibtex} for each in found.papers]}
