"""What a person wants to become of an uploaded file: under which name, of which model, in which architecture."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.catalog.models import RegisteredModel
from worker import architectures

LONGEST_NAME = 200
ENDINGS = ("safetensors", "pt", "pth", "bin", "ckpt", "npz", "onnx", "zip", "tar", "tgz", "tar.gz")
SIDE = Annotated[int, Field(ge=1, le=65_536)]
PX = Annotated[int, Field(ge=1, le=20_000)]
RATE = Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)]
Kind = Literal["model", "dataset"]


def plain(text: str) -> str:
    """Without what no eye sees: control signs, marks that turn the writing direction, halves of characters."""
    kept = (sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return "".join(kept).strip()


def _no_nul(text: str) -> str:
    if "\x00" in text or any(unicodedata.category(sign) == "Cs" for sign in text):
        raise ValueError("holds characters that no text has")
    return plain(text)


Line = Annotated[str, AfterValidator(_no_nul)]


class Wish(BaseModel):
    """Options of an upload; what is not said is found out, or asked for."""

    model_config = ConfigDict(extra="forbid")
    name: Line = Field("", max_length=120, description="Name of the new model, variant or data set; the file's own when empty.")
    description: Line = Field("", max_length=2000, description="What a colleague should know.")
    model: UUID | None = Field(None, description="Put the file beside the variants of this model instead of a new one.")
    architecture: str = Field("", max_length=80, description="Whose weights the file holds; empty when the file says so itself.")
    classes: int | None = Field(None, ge=1, le=1 << 20, description="How many classes it tells apart; found out when empty.")
    in_shape: tuple[SIDE, SIDE, SIDE] | None = Field(None, description="Channels, height and width of one image.")
    footage: tuple[PX, PX, RATE] | None = Field(
        None, description="Of recorded detections without seqinfo.ini: width and height of the picture, px, and frames a second.")


WORDS = {"name": "at most 120 characters", "description": "at most 2,000 characters", "model": "a model of this team",
         "architecture": "an architecture of the house", "classes": "a whole number from 1 to 1,048,576",
         "in_shape": "channels, height and width, each a whole number from 1 to 65,536",
         "footage": "width and height, each from 1 to 20,000 px, and 1 to 1,000 frames a second, as 1920x1080 at 30"}


def read(user: User, team: Team, kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options, checked, as they are kept; Refused field by field."""
    try:
        wish = Wish.model_validate(options)
    except ValidationError as wrong:
        raise Refused({_field(error): _said(error) for error in wrong.errors()}) from None
    if wish.architecture and wish.architecture not in architectures.names():
        raise Refused({"architecture": f"must be one of {', '.join(architectures.names())}"})
    if kind == "model" and wish.footage:
        raise Refused({"footage": "A model has no frames; recorded detections are data."})
    if kind == "dataset" and (wish.model or wish.architecture):
        raise Refused({"": "A data set has no architecture and belongs to no model."})
    return _with_its_model(user, team, wish).model_dump(mode="json")


def _with_its_model(user: User, team: Team, wish: Wish) -> Wish:
    """A variant takes the images and tells apart the classes that its model does."""
    if wish.model is None:
        return wish
    found = RegisteredModel.objects.editable_by(user).filter(team=team, pk=wish.model).first()
    if found is None:
        raise Refused({"model": "There is no such model in this team."})
    known = {"classes": wish.classes or found.classes or None,
             "in_shape": wish.in_shape or (tuple(found.in_shape) if len(found.in_shape) == 3 else None)}
    return wish.model_copy(update=known)


def _field(error: Any) -> str:
    return str(error["loc"][0])[:40] if error["loc"] else ""


def _said(error: Any) -> str:
    field = _field(error)
    return f"must be {WORDS[field]}" if field in WORDS else "is no option of an upload"


def shown_name(name: str) -> str:
    """What the file is called on pages: its last part, cleaned, at most 200 characters; never a path of ours."""
    last = PurePosixPath(plain(name).replace("\\", "/").replace("\n", " ").replace("\t", " ")).name
    return last[:LONGEST_NAME] or "unnamed"


def stem(name: str) -> str:
    """A file's name without its ending, as the name of what comes of it; `net.epoch3.pt` is not `net`."""
    ending = next((each for each in reversed(ENDINGS) if name.lower().endswith(f".{each}") and len(name) > len(each) + 1), "")
    return plain(name[:-len(ending) - 1] if ending else name)[:100] or "unnamed"
