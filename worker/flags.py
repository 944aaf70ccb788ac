"""What was typed on the command line, read: flags become parameters, names and paths become inputs, or it is refused."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from worker import architectures, menu
from worker.context import DatasetInput, DeviceInput, Inputs, ModelInput, ProfilesInput, RecordingsInput
from worker.detection.texts import texts
from worker.evidence import FILE, DeviceFacts, Evidence
from worker.firstlook.recordings import TRUTH
from worker.measured_files import evidence_of, links_of, offers_of, tables_of_links
from worker.params import Params, Reference, ReferenceKind, extra
from worker.recipe import Recipe, nothing_unfit
from worker.wording import complaint

HERE = "this computer"
# In front of a path, where text of several lines is expected.
AT, LONGEST_TEXT = "@", 1_000_000
Read = TypeVar("Read")


class Refused(Exception):
    """What was typed cannot be run; one line a person can act on for each field."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def find(name: str) -> Recipe:
    try:
        return menu.get(name)
    except KeyError:
        names = list(menu.recipes())
        raise Refused(f"recipe: got {name!r}; allowed: {', '.join(names)}{_meant(name, names)}") from None


def read(recipe: Recipe, words: list[str], *, preset: str = "") -> Params:
    """The validated parameters of what was typed."""
    if preset and preset not in recipe.presets:
        raise Refused(f"preset: got {preset!r}; allowed: {', '.join(recipe.presets) or 'none'}")
    values = recipe.presets.get(preset, {}) | _flags(recipe, words)
    try:
        params = recipe.params.model_validate(values)
    except ValidationError as error:
        raise Refused(*(_line(recipe, each) for each in error.errors())) from None
    _refuse_elsewhere(recipe, params)
    return params


def _refuse_elsewhere(recipe: Recipe, params: Params) -> None:
    """A recipe that measures where it runs measures here: under the name of another device its numbers would lie."""
    for name, mark in params.marks().items() if recipe.measures_where_it_runs else ():
        if mark.kind == "device" and (typed := getattr(params, name)) not in ("", HERE):
            raise Refused(f"{name}: got {typed!r}; a terminal measures the computer it runs on: leave --{name} out, or start the "
                          "run in the portal")


def resolve(params: Params) -> Inputs:
    """Names and paths become inputs; only the command line knows them."""
    inputs: Inputs = {}
    for name, mark in params.marks().items():
        typed = getattr(params, name)
        if typed or type(params).model_fields[name].is_required():
            inputs[name] = RESOLVERS[mark.kind](name, typed, mark)
    return inputs


def _model(field: str, typed: str, mark: Reference) -> ModelInput:
    if typed in architectures.names():
        return ModelInput(name=typed, architecture=typed)
    file = _file(field, typed, architectures.names())
    if file.suffix.lower() == ".onnx":
        return _quantised(field, typed, file, mark)
    from worker.dnn import files

    try:
        files.load(file)
    except files.Refused as refusal:
        raise Refused(f"{field}: got {typed!r}; {refusal} Allowed: {_models(mark)}") from None
    return ModelInput(name=Path(typed).stem, file=file)


def _quantised(field: str, typed: str, file: Path, mark: Reference) -> ModelInput:
    from worker.dnn import quantised

    try:
        precision = quantised.read(file).precision
    except quantised.Refused:
        raise Refused(f"{field}: got {typed!r}; ONNX files are not read yet. Allowed: {_models(mark)}") from None
    if precision not in mark.precisions:
        raise Refused(f"{field}: got {typed!r}; it is an {precision} network, this recipe takes {' or '.join(mark.precisions)}. "
                      f"Allowed: {_models(mark)}")
    return ModelInput(name=Path(typed).stem, file=file, precision=precision)


def _models(mark: Reference) -> str:
    some, others = (", an ONNX file that EdgePortal quantised", "other ") if len(mark.precisions) > 1 else ("", "")
    return (f"{', '.join(architectures.names())}{some}, or a safetensors file of EdgePortal "
            f"({others}ONNX files become one by: python -m worker inspect FILE --out DIR)")


def _dataset(field: str, typed: str, _mark: Reference) -> DatasetInput:
    from worker import datasets

    if typed in datasets.names():
        return DatasetInput(name=typed)
    file, allowed = _file(field, typed, datasets.names()), ", ".join(datasets.names())
    try:
        datasets.read(file)
    except ValueError as refusal:
        raise Refused(f"{field}: got {typed!r}; {refusal} Allowed: {allowed}, or a data set in a file of EdgePortal") from None
    return DatasetInput(name=Path(typed).stem, file=file)


def _device(_field: str, typed: str, _mark: Reference) -> DeviceInput:
    return DeviceInput(name=typed)


def _recordings(field: str, typed: str, _mark: Reference) -> RecordingsInput:
    try:
        place = Path(typed).resolve()
        if place.is_dir() or (place.is_file() and zipfile.is_zipfile(place)):
            return RecordingsInput(place.name if place.is_dir() else place.stem, place)
    except (OSError, RuntimeError, ValueError):
        pass  # A name that is too long, a link to itself: nothing.
    raise Refused(f"{field}: got {typed!r}; allowed: a folder or a zip of the MOT format, with seqinfo.ini and a NAME.txt for "
                  "each detector")


def given_profiles(recipe: Recipe, path: Path | None, links: Path | None = None, offers: Sequence[Path] = (),
                   timed: Sequence[str] = ()) -> Inputs:
    """What `--profiles`, `--links` and `--offers` name, for a recipe that needs it. `timed`: whose latencies a run rests on."""
    if offers and not (recipe.needs_profiles and recipe.needs_links):
        raise Refused(f"offers: {recipe.name} takes none")
    if links and not recipe.needs_links:
        raise Refused(f"links: {recipe.name} takes none")
    if recipe.needs_profiles and path is None and not recipe.does_without_profiles:
        raise Refused(f"profiles: {recipe.name} needs --profiles, a folder of measured profiles or the {FILE} of a run")
    if timed and path is None:
        raise Refused(f"profiles: {', '.join(timed)}: measured latencies need --profiles, a folder of measured profiles or the "
                      f"{FILE} of a run")
    if path is not None and not (recipe.needs_profiles or recipe.needs_links or timed):
        raise Refused(f"profiles: {recipe.name} takes none")
    if path is None:
        return {"profiles": ProfilesInput("links", _links_alone(links))} if recipe.needs_links else {}
    found = _read_or_refuse("profiles", path, evidence_of)
    found = _linked(found, path, links) if recipe.needs_links else found
    given = [offer for each in offers for offer in _read_or_refuse("offers", each, offers_of)]
    return {"profiles": ProfilesInput(path.name, found.model_copy(update={"offers": (*given, *found.offers)}))}


def refuse_misfits(params: Params, inputs: Inputs) -> None:
    """What is asked of recordings that these have not, in the form's words."""
    for field, given in inputs.items():
        if isinstance(given, RecordingsInput):
            there = _read_or_refuse(field, given.place, texts)
            if wrong := params.misfits(there.detectors, has_truth=TRUTH in there.entries):
                raise Refused(*(f"{name}: {sentence}" for name, sentence in wrong.items()))


def refuse_lacking(recipe: Recipe, params: Params, inputs: Inputs) -> None:
    """What the profiles and links do not tell that this run would need."""
    given = inputs.get("profiles")
    if isinstance(given, ProfilesInput) and (wrong := recipe.lacks(params, given.evidence)):
        raise Refused(*(f"{field or recipe.name}: {sentence}" for field, sentence in wrong.items()))


def refuse_unfit(recipe: Recipe, params: Params, inputs: Inputs) -> None:
    """What a network in a file cannot do of what was asked; one that is but an architecture is judged by its run."""
    model, given = inputs.get("model"), inputs.get("profiles")
    if recipe.unfit is nothing_unfit or not isinstance(model, ModelInput) or model.file is None or model.precision != "fp32":
        return
    from worker.dnn import files
    from worker.dnn.describe import describe

    loaded = files.load(model.file)
    known = describe(loaded.network, loaded.in_shape)
    evidence = given.evidence if isinstance(given, ProfilesInput) else Evidence()
    if wrong := recipe.unfit(params, known, evidence):
        places = f" All places to cut: python -m worker inspect {model.file}"
        raise Refused(*(f"{field or recipe.name}: {sentence}{places}" for field, sentence in wrong.items()))


def _links_alone(table: Path | None) -> Evidence:
    """The links of the table that was named, between devices that are called as in it."""
    links = _read_or_refuse("links", table, links_of) if table else ()
    ends = dict.fromkeys(name for each in links for name in (each.sender, each.receiver))
    return Evidence(devices=tuple(DeviceFacts(id=name, name=name) for name in ends), links=links)


def _linked(found: Evidence, folder: Path, links: Path | None) -> Evidence:
    """With the links of the table that was named, also by its name in the folder; of the folder's only one, where none was."""
    tables = tables_of_links(folder)
    if links is None and len(tables) > 1:
        raise Refused(f"links: {folder} has several tables of links; name one of them by --links: "
                      f"{', '.join(each.name for each in tables)}")
    if links is not None:
        inside = folder / links
        tables = [links if links.is_file() or not inside.is_file() else inside]
    return found.model_copy(update={"links": _read_or_refuse("links", tables[0], links_of)}) if tables else found


def _read_or_refuse(field: str, path: Path, reader: Callable[[Path], Read]) -> Read:
    try:
        return reader(path)
    except ValueError as refusal:
        raise Refused(*(f"{field}: {line}" for line in str(refusal).splitlines())) from None


RESOLVERS: dict[ReferenceKind, Callable[[str, str, Reference], ModelInput | DatasetInput | DeviceInput | RecordingsInput]] = {
    "model": _model, "dataset": _dataset, "device": _device, "recordings": _recordings}


def _file(field: str, typed: str, names: list[str]) -> Path:
    try:
        path = Path(typed).resolve()
        if path.is_file() and os.access(path, os.R_OK):
            return path
    except (OSError, RuntimeError):
        pass  # A name that is too long, a link to itself: no file.
    raise Refused(f"{field}: got {typed!r}; allowed: {', '.join(names)}, or a file that can be read{_meant(typed, names)}")


def _flags(recipe: Recipe, words: list[str]) -> dict[str, Any]:
    """`--name value`, `--name=value`, `--flag`, `--no-flag`; a dash and an underscore are the same."""
    values: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        field = name.replace("-", "_")
        if word.startswith("--") and not equals and is_switch(recipe, field.removeprefix("no_")):
            values[field.removeprefix("no_")] = not field.startswith("no_")
        elif not word.startswith("--") or field not in recipe.params.model_fields:
            raise Refused(_unknown(recipe, word))
        else:
            typed = value if equals else _next(rest, word)
            values[field] = _text(field, typed) if typed[:1] == AT and takes_file(recipe, field) else _value(typed)
    return values


def _text(field: str, typed: str) -> str:
    """Behind one `@` the name of a file, behind two the text itself, which begins with one."""
    return typed[1:] if typed.startswith(2 * AT) else _of_file(field, typed[1:])


def takes_file(recipe: Recipe, field: str) -> bool:
    """Whether the parameter is text of several lines, which `@FILE` reads from a file."""
    return bool(extra(recipe.params, field).get("lines"))


def _of_file(field: str, path: str) -> str:
    """The text of a file, as it stands there; what is wrong with a line of it is said by whoever reads it."""
    try:
        with Path(path).open("rb") as file:
            body = file.read(LONGEST_TEXT + 1)
        text = body.decode("utf-8-sig")
    except (OSError, ValueError):
        raise Refused(f"{field}: got {AT + path!r}; behind {AT} stands a file of text that can be read") from None
    if len(body) > LONGEST_TEXT:
        raise Refused(f"{field}: got {AT + path!r}, which is longer than {LONGEST_TEXT:,} bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_switch(recipe: Recipe, field: str) -> bool:
    """Whether the parameter is typed as `--name` or `--no-name`, without a value."""
    return field in recipe.params.model_fields and recipe.params.model_fields[field].annotation is bool


def _next(rest: Iterator[str], word: str) -> str:
    try:
        return next(rest)
    except StopIteration:
        raise Refused(f"{word.removeprefix('--')}: a value is missing behind {word}") from None


def _value(text: str) -> Any:
    """Lists and mappings are typed as JSON; everything else is text that the parameter's type reads."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _unknown(recipe: Recipe, word: str) -> str:
    flags = ["--" + name.replace("_", "-") for name in recipe.params.model_fields]
    return f"{word}: {recipe.name} has no such parameter; allowed: {' '.join(flags)}{_meant(word, flags)}"


def _meant(typed: str, names: Any) -> str:
    close = difflib.get_close_matches(typed, list(names), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _line(recipe: Recipe, error: Any) -> str:
    """One field, what is allowed and what was got, in one line."""
    field = ".".join(str(part) for part in error["loc"])
    return f"{field or recipe.name}: {complaint(error, recipe.params)}"


def hashes(inputs: Inputs) -> dict[str, str]:
    files = {name: getattr(given, "file", None) for name, given in inputs.items()}
    bodies = {name: file.read_bytes() for name, file in files.items() if file} | {
        name: given.evidence.model_dump_json().encode() for name, given in inputs.items() if isinstance(given, ProfilesInput)} | {
        name: _together(given.place) for name, given in inputs.items() if isinstance(given, RecordingsInput)}
    return {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}


def _together(folder: Path) -> bytes:
    """The names and hashes of a folder's text files: enough to know it again; of an archive all of it."""
    if folder.is_file():
        return folder.read_bytes()
    patterns = ("*.ini", "*.txt", "gt/*.txt", "det/*.txt")
    files = sorted(each for pattern in patterns for each in folder.glob(pattern) if each.is_file())
    return "\n".join(f"{each.name} {hashlib.sha256(each.read_bytes()).hexdigest()}" for each in files).encode()
