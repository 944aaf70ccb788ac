"""Parameters, written once: a frozen pydantic class yields form, API schema, CLI flags, documentation and test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from worker.events import Metric
from worker.profile import Name

ReferenceKind = Literal["model", "dataset", "device", "recordings"]
Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
REFERENCE_KINDS: tuple[ReferenceKind, ...] = ("model", "dataset", "device", "recordings")


NO_WHEN = "{name} was changed while it ran, and no parameter says when: in the line its last value counts from the beginning."


class Suited(NamedTuple):
    """Values of fields, and what a person has to know of them."""

    values: Mapping[str, Any] = MappingProxyType({})
    note: str = ""


class Refit(NamedTuple):
    """What could stand in an open form instead, so that it fits what was chosen in it: why, and what a person has to know of it
    once it does. Nothing where it fits."""

    values: Mapping[str, Any] = MappingProxyType({})
    why: str = ""
    note: str = ""


class Retraced(NamedTuple):
    """Of a run that was changed while it went on, the values that repeat it with these changes, and what no value can say of
    them, in sentences."""

    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Reference:
    """Marks a field that names a thing: a uuid in the portal, a name or path on the command line.

    `precisions`: of a model, the precisions of numbers that the recipe can work on.
    """

    def __init__(self, kind: ReferenceKind, precisions: tuple[Precision, ...] = ("fp32",)) -> None:
        self.kind = kind
        self.precisions = precisions


class Profiled:
    """Marks a field that names a network as measured profiles call it, in the portal as on the command line."""


NetworkName = Annotated[Name, Profiled()]
ModelRef = Annotated[str, Reference("model")]
AnyModelRef = Annotated[str, Reference("model", PRECISIONS)]
DatasetRef = Annotated[str, Reference("dataset")]
DeviceRef = Annotated[str, Reference("device")]
# Of what the team has as data, recorded detections; on the command line a folder or a zip of the MOT format.
RecordingsRef = Annotated[str, Reference("recordings")]


def param(
    default: Any = ...,
    *,
    help: str,
    unit: str = "",
    essential: bool = False,
    live: bool = False,
    lines: bool = False,
    cuts: Literal["", "run", "learnt"] = "",
    zero: str = "",
    folded: str = "",
    needed: str = "",
    **bounds: Any,
) -> Any:
    """One parameter: `essential` ones stand first in the form, `live` ones may be changed while the run goes on.

    `lines`: text of several lines, which a form gives the room for. `cuts`: names layers behind which the network of `model` is
    cut, to be run or to be learnt in parts; a form lists them. `zero`: what 0 stands for where it is no amount, as people say it.
    `folded`: stands right behind the essential one before it, folded under these words together with its neighbours of the same
    words. `needed`: why nothing runs without it, where that is not plain.
    """
    noted: JsonDict = {"unit": unit, "essential": essential, "live": live, **({"lines": True} if lines else {}),
                       **({"cuts": cuts} if cuts else {}), **({"zero": zero} if zero else {}),
                       **({"folded": folded} if folded else {}), **({"needed": needed} if needed else {})}
    return Field(default, description=help, json_schema_extra=noted, **bounds)


class Params(BaseModel):
    """What every recipe takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    # The metric by which a run says from when to when what was changed of it counted; what `retraced` is given.
    tells_changes_by: ClassVar[str] = ""
    seed: int = param(7, help="Random seed; the same seed gives the same numbers.", ge=0, le=2**31 - 1)

    @classmethod
    def marks(cls) -> dict[str, Reference]:
        """Which fields name things, and what they say about them."""
        marks = {name: mark for name, field in cls.model_fields.items() for mark in field.metadata}
        return {name: mark for name, mark in marks.items() if isinstance(mark, Reference)}

    @classmethod
    def references(cls) -> dict[str, ReferenceKind]:
        """Which fields name things, and of what kind."""
        return {name: mark.kind for name, mark in cls.marks().items()}

    @classmethod
    def networks(cls) -> list[str]:
        """Which fields name a network as profiles call it."""
        return [name for name, field in cls.model_fields.items() if any(isinstance(mark, Profiled) for mark in field.metadata)]

    def remarks(self) -> list[str]:
        """What is worth knowing before it is started, in sentences; a form says them."""
        return []

    def at_least_s(self) -> float:
        """How many seconds a run takes at least, because so much of it passes in real time; 0 where nobody can tell."""
        return 0.0

    def timed(self) -> tuple[str, ...]:
        """Whose measured latencies these values rest on, each as `NETWORK on DEVICE`; a run is given them."""
        return ()

    def misfits(self, detectors: Sequence[str], *, has_truth: bool) -> dict[str, str]:
        """What these values ask that recordings of these detectors have not, by field; asked before a run is queued."""
        return {}

    @classmethod
    def suited(cls, detectors: Sequence[str], *, fps: float, has_truth: bool) -> Suited:
        """What a form begins with that is opened for recordings of these detectors."""
        return Suited()

    @classmethod
    def refitted(cls, values: Mapping[str, Any], detectors: Sequence[str], *, fps: float, has_truth: bool) -> Refit:
        """What of these values could be others where recordings of these detectors are chosen; nothing that was typed for them
        is another."""
        return Refit()

    @classmethod
    def unused(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """The fields that do not count beside these values, however they are typed, each with the reason."""
        return {}

    @classmethod
    def retraced(cls, begun: Mapping[str, Any], changed: Mapping[str, Any], said: Sequence[Metric]) -> Retraced:
        """What repeats a run that began with `begun`, was last changed to `changed` and said `said` of when these counted."""
        return Retraced({**begun, **changed}, tuple(NO_WHEN.format(name=_title(cls, name)) for name in changed))

    @classmethod
    def live_fields(cls) -> list[str]:
        return [name for name in cls.model_fields if extra(cls, name).get("live")]


def said(params: type[Params], name: str, value: Any) -> Any:
    """A value as people say it: what its 0 stands for, where that is no amount."""
    word = extra(params, name).get("zero") if name in params.model_fields else ""
    return word if word and not isinstance(value, bool) and value in (0, "0", "0.0") else value


def _title(params: type[Params], name: str) -> str:
    words = (params.model_fields[name].title if name in params.model_fields else "") or name.replace("_", " ")
    return words[:1].upper() + words[1:]


def extra(params: type[Params], name: str) -> dict[str, Any]:
    """What `param` noted beside the type: unit, essential, live."""
    noted = params.model_fields[name].json_schema_extra
    return noted if isinstance(noted, dict) else {}
