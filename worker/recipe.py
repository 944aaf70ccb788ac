"""A recipe: parameters, a generator that yields events, and the charts its metrics feed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from worker.events import Event
from worker.orders import Order
from worker.params import Params

if TYPE_CHECKING:
    from worker.context import Context
    from worker.evidence import Evidence
    from worker.structure import Structure

ChartKind = Literal["tradeoff", "line", "bars", "lanes", "clients", "bands", "heat", "samples", "budget", "scene"]
Run = Callable[[Any, "Context"], Iterator[Event]]
# What a pruned network is: of fewer and smaller layers, or of the same shape with zeros in it. Nothing where that is no question.
Makes = Literal["", "smaller", "sparse"]
MAKES: dict[Makes, str] = {"smaller": "really smaller: whole channels go, the file and its work shrink",
                           "sparse": "sparse: single weights become zero, the shape stays"}


Lacks = Callable[[Any, "Evidence"], dict[str, str]]
Unfit = Callable[[Any, "Structure", "Evidence"], dict[str, str]]


def nothing_lacks(params: Any, evidence: Evidence) -> dict[str, str]:
    return {}


def nothing_unfit(params: Any, known: Structure, evidence: Evidence) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Chart:
    """How a metric is drawn. `y` names the metrics (or, on a trade-off, what `Measured` says); `by` the label that splits them.

    line: metrics `y` over step, one trace per metric and value of label `by`; `point` is a label that names the points of a trace
    instead of making traces of them, and so many steps as `steps_per_x` says are one unit of the axis.
    bars: metric `y` over label `x`; `line` names a metric drawn as a horizontal line, in the words of `line_title`.
    tradeoff: variants at (`x`, `y`), both metrics of `Measured`.
    `logarithmic`: both axes of a line are.
    lanes: a lane for each value of label `x`, in it metric `y` end to end in the order of the steps, parts named by label `by`;
    the first word of `y_title` is its unit.
    clients: a lane for each value of label `x`, in it the rounds (steps) one after the other, in each of them metric `y` end
    to end in the order in which it comes, parts named by label `by`. Labels `cut`, `edge` and `group` say where a client hands
    over, to whom and with whom; `line` names the metric of what a move saved its client, with labels `to` and `after`.
    bands: who of label `by` wins from label `low` to label `high`, on a logarithmic axis; metric `y` stands beside it.
    scene: a picture of `width` by `height` (labels) for each step, the newest or one that is chosen: in grey the boxes of label
    `truth`, where it is there, in the colour of label `by` those of label `boxes`, both packed as worker/detection/packing.py
    says; `at` is its time in seconds, `old` by how many frames the boxes are older. Labels are part of an event's key: a few
    hundred steps, of at most 60 boxes each.
    A label `place` beside that of `by`, on bars beside that of `x`, is the number of its colour in all charts of a page; below 0
    it has none of its own and is drawn in that of text.
    """

    kind: ChartKind
    title: str
    y: tuple[str, ...]
    x: str = "step"
    by: str = ""
    line: str = ""
    line_title: str = ""
    point: str = ""
    steps_per_x: int = 1
    x_title: str = ""
    y_title: str = ""
    percent: bool = False
    logarithmic: bool = False


Titled = Callable[[Chart, Mapping[str, Any]], str]


def as_declared(chart: Chart, params: Mapping[str, Any]) -> str:
    return chart.title


@dataclass(frozen=True)
class Paper:
    """What to cite when a recipe's system was used: only what is known of it, nothing guessed. `authors` in their order."""

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    venue: str = ""
    arxiv: str = ""

    @property
    def bibtex(self) -> str:
        """`@misc{...}`, as BibTeX and biber read it; capitals in the title are kept."""
        fields = {"author": " and ".join(map(_escaped, self.authors)), "title": f"{{{_escaped(self.title)}}}",
                  "year": str(self.year), "howpublished": _escaped(self.venue), "eprint": self.arxiv,
                  "archiveprefix": "arXiv" if self.arxiv else ""}
        said = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        return f"@misc{{{self.key},\n{said}\n}}\n"


def _escaped(text: str) -> str:
    """Signs that mean something to TeX, as themselves."""
    return "".join(f"\\{sign}" if sign in "&%$#_" else sign for sign in text if sign not in "{}\\")


@dataclass(frozen=True)
class Board:
    """How a recipe runs on a board, which has NumPy and ONNX Runtime but no torch.

    `prepare(params, context)` runs in the portal, writes files into the run's folder and returns the Order that names them;
    `measure(params, order, context)` runs on the board, imports no torch, and returns the run's summary. The recipe's own `run`
    is the one after the other. `refuse(params)` says, by field, what a board cannot do of what was asked: known before anything
    runs. `hosts(params)` names the devices on which its parts stand where they stand on several, the lead first: `measure` runs
    on the lead, or on this computer, and finds the others in `context.hosts`. `named_by`: the parameter that names them.
    `is_star`: the lead speaks with each of the others, in place of each one with the next, and goes on without one that is not
    there. `needs`: packages that the others must have beside what every agent has.
    """

    prepare: Callable[[Any, Context], Generator[Event, None, Order]]
    measure: Callable[[Any, Order, Context], Generator[Event, None, dict[str, Any]]]
    refuse: Callable[[Any], dict[str, str]] = lambda params: {}
    hosts: Callable[[Any], tuple[str, ...]] = lambda params: ()
    named_by: str = "plan"
    is_star: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """One entry of the menu. `name` is its place: recipes/pruning/reconvene.py is `pruning.reconvene`."""

    name: str
    title: str
    params: type[Params]
    run: Run
    charts: tuple[Chart, ...] = ()
    example: dict[str, Any] = field(default_factory=dict)
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    summary: str = ""
    use_when: str = ""
    needs_quiet: bool = False
    papers: tuple[Paper, ...] = ()
    board: Board | None = None
    needs_profiles: bool = False
    needs_links: bool = False
    lacks: Lacks = nothing_lacks
    unfit: Unfit = nothing_unfit
    makes: Makes = ""
    titled: Titled = as_declared

    @property
    def makes_words(self) -> str:
        """`really smaller: whole channels go ...`, for a heading above recipes of its kind."""
        return MAKES.get(self.makes, "")

    def charts_of(self, params: Mapping[str, Any]) -> tuple[Chart, ...]:
        """The charts of a run with these parameters."""
        return tuple(replace(chart, title=self.titled(chart, params)) for chart in self.charts)

    @property
    def measures_where_it_runs(self) -> bool:
        """Whether the device that it is given is where it runs; to another recipe it is but a name."""
        return self.needs_quiet or self.board is not None

    @property
    def does_without_profiles(self) -> bool:
        """Whether the network whose profiles it would rest on may be left out."""
        names = self.params.networks()
        return bool(names) and not any(self.params.model_fields[name].is_required() for name in names)

    @property
    def kind(self) -> str:
        return self.name.partition(".")[0]


def recipe(
    title: str,
    *,
    params: type[Params],
    charts: Sequence[Chart] = (),
    example: dict[str, Any],
    presets: dict[str, dict[str, Any]] | None = None,
    use_when: str = "",
    needs_quiet: bool = False,
    papers: Sequence[Paper] = (),
    board: Board | None = None,
    needs_profiles: bool = False,
    needs_links: bool = False,
    lacks: Lacks = nothing_lacks,
    unfit: Unfit = nothing_unfit,
    makes: Makes = "",
    titled: Titled = as_declared,
) -> Callable[[Run], Run]:
    """Put the decorated generator on the menu. Its name comes from its module, its summary from the module's docstring.

    `needs_quiet` sends runs to the device's own bench queue, where nothing else runs beside them. `papers` are what whoever used
    it cites. `board`: its two halves, where a device without torch can run it. `needs_profiles`: a run is given the team's newest
    measured profiles (`context.profiles()`), on the command line those of `--profiles`. `needs_links`: of the network that is
    asked for whatever profile speaks for each device, predicted ones too, and the links between the devices, on the command line
    those of `--links`; without `needs_profiles` these alone. `lacks(params, evidence)`: what a run would need that is not known,
    by field; asked before it is queued. `unfit(params, known, evidence)`: what the network of `model`, told by its structure,
    cannot do of what was asked, by field; asked before it is queued, where the structure is known. `makes`: of a pruned network
    whether it is smaller or sparse; the menu groups by it. `titled(chart, params)`: what a chart is called above a run with these
    parameters, where that depends on them: what is emulated in one run is recorded or measured in another.
    """

    def enter(run: Run) -> Run:
        run.__recipe__ = Recipe(  # type: ignore[attr-defined]
            name=run.__module__.removeprefix("worker.recipes."),
            title=title, params=params, run=run, charts=tuple(charts), example=example,
            presets=presets or {}, summary=_first_line(run), use_when=use_when, needs_quiet=needs_quiet,
            papers=tuple(papers), board=board, makes=makes, needs_profiles=needs_profiles, needs_links=needs_links, lacks=lacks,
            unfit=unfit, titled=titled,
        )
        return run

    return enter


def _first_line(run: Run) -> str:
    import sys

    return (sys.modules[run.__module__].__doc__ or "").strip().partition("\n")[0]
