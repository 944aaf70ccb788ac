"""A recipe: parameters, a generator that yields events, and the charts its metrics feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from worker.events import Event
from worker.params import Params

if TYPE_CHECKING:
    from worker.context import Context

ChartKind = Literal["tradeoff", "line", "bars", "lanes", "bands", "heat", "samples", "budget"]
Run = Callable[[Any, "Context"], Iterator[Event]]


@dataclass(frozen=True)
class Chart:
    """How a metric is drawn. `y` names the metrics (or, on a trade-off, what `Measured` says); `by` the label that splits them.

    line: metrics `y` over step, one trace per metric and value of label `by`.
    bars: metric `y` over label `x`; `line` names a metric drawn as a horizontal line.
    tradeoff: variants at (`x`, `y`), both metrics of `Measured`.
    """

    kind: ChartKind
    title: str
    y: tuple[str, ...]
    x: str = "step"
    by: str = ""
    line: str = ""
    x_title: str = ""
    y_title: str = ""
    percent: bool = False


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
) -> Callable[[Run], Run]:
    """Put the decorated generator on the menu. Its name comes from its module, its summary from the module's docstring.

    `needs_quiet` sends runs to the device's own bench queue, where nothing else runs beside them.
    """

    def enter(run: Run) -> Run:
        run.__recipe__ = Recipe(  # type: ignore[attr-defined]
            name=run.__module__.removeprefix("worker.recipes."),
            title=title, params=params, run=run, charts=tuple(charts), example=example,
            presets=presets or {}, summary=_first_line(run), use_when=use_when, needs_quiet=needs_quiet,
        )
        return run

    return enter


def _first_line(run: Run) -> str:
    import sys

    return (sys.modules[run.__module__].__doc__ or "").strip().partition("\n")[0]
