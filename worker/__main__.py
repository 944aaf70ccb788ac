"""`python -m worker list | describe RECIPE | run RECIPE --model ... --dataset ... --<param> ...`."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from worker import menu
from worker.context import Context, DatasetInput, DeviceInput, Inputs, ModelInput, write_durably
from worker.events import Event, Finished
from worker.executor import execute
from worker.params import Params, ReferenceKind, extra
from worker.recipe import Recipe
from worker.wording import complaint, range_or_choices

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help=__doc__)


class Refused(Exception):
    """What was typed cannot be run; one line a person can act on for each field."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@app.command("list")
def list_recipes() -> None:
    """The menu: name, title and sentence of every recipe."""
    for name, recipe in menu.recipes().items():
        typer.echo(f"{name:28} {recipe.summary}")


@app.command()
def describe(recipe: str) -> None:
    """One recipe: its parameters with bounds and defaults, its presets and its charts."""
    found = find(recipe)
    typer.echo(f"{found.name}: {found.title}\n{found.summary}")
    if found.use_when:
        typer.echo(f"Use it when {found.use_when}")
    for line in [*_parameters(found), *_presets(found), *(f"chart: {chart.title}" for chart in found.charts)]:
        typer.echo(line)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    typed: typer.Context, recipe: str,
    out: Annotated[Path | None, typer.Option(help="The run's folder; a stopped run in it is resumed.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads of one operation.")] = 1,
    preset: Annotated[str, typer.Option(help="Start from a preset of the recipe.")] = "",
) -> None:
    """Run a recipe; `describe` tells which --PARAM VALUE it takes.

    Events are JSON lines, the last one is Finished with its summary; exit status 0 only then, 1 when it failed,
    2 when what was typed cannot be run.
    """
    found = find(recipe)
    params = read(found, typed.args, preset=preset)
    inputs = resolve(params)
    context = Context(workdir=_folder(out, found, params, inputs), inputs=inputs, seed=params.seed, threads=threads)
    raise typer.Exit(_speak(execute(found, params, context, cancelled=_asked_to_stop())))


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
        return recipe.params.model_validate(values)
    except ValidationError as error:
        raise Refused(*(_line(recipe, each) for each in error.errors())) from None


def resolve(params: Params) -> Inputs:
    """Names and paths become inputs; only the command line knows them."""
    inputs: Inputs = {}
    for name, kind in params.references().items():
        typed = getattr(params, name)
        if typed or type(params).model_fields[name].is_required():
            inputs[name] = RESOLVERS[kind](name, typed)
    return inputs


def _model(field: str, typed: str) -> ModelInput:
    from worker.dnn import architectures

    if typed in architectures.names():
        return ModelInput(name=typed, architecture=typed)
    return ModelInput(name=Path(typed).stem, file=_file(field, typed, list(architectures.names())))


def _dataset(field: str, typed: str) -> DatasetInput:
    from worker import datasets

    if typed in datasets.names():
        return DatasetInput(name=typed)
    return DatasetInput(name=Path(typed).stem, file=_file(field, typed, list(datasets.names())))


def _device(_field: str, typed: str) -> DeviceInput:
    return DeviceInput(name=typed)


RESOLVERS: dict[ReferenceKind, Callable[[str, str], ModelInput | DatasetInput | DeviceInput]] = {
    "model": _model, "dataset": _dataset, "device": _device}


def _file(field: str, typed: str, names: list[str]) -> Path:
    path = Path(typed)
    if path.is_file():
        return path.resolve()
    raise Refused(f"{field}: got {typed!r}; allowed: {', '.join(names)}, or a file{_meant(typed, names)}")


def _flags(recipe: Recipe, words: list[str]) -> dict[str, Any]:
    """`--name value`, `--name=value`, `--flag`, `--no-flag`; a dash and an underscore are the same."""
    values: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        field = name.replace("-", "_")
        if word.startswith("--") and not equals and _switch(recipe, field.removeprefix("no_")):
            values[field.removeprefix("no_")] = not field.startswith("no_")
        elif not word.startswith("--") or field not in recipe.params.model_fields:
            raise Refused(_unknown(recipe, word))
        else:
            values[field] = _value(value if equals else _next(rest, word))
    return values


def _switch(recipe: Recipe, field: str) -> bool:
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


def _parameters(recipe: Recipe) -> Iterator[str]:
    for name, field in recipe.params.model_fields.items():
        flag = f"--{name.replace('_', '-')}" + (f" / --no-{name.replace('_', '-')}" if _switch(recipe, name) else "")
        default = "required" if field.is_required() else f"default {field.default}"
        unit = extra(recipe.params, name).get("unit")
        yield f"  {flag}  [{default}{' ' + unit if unit else ''}; {range_or_choices(field)}]  {field.description or ''}"


def _presets(recipe: Recipe) -> Iterator[str]:
    for name, values in recipe.presets.items():
        yield f"preset {name!r}: " + ", ".join(f"{field}={value}" for field, value in values.items())


def _folder(out: Path | None, recipe: Recipe, params: Params, inputs: Inputs) -> Path:
    """A run's folder belongs to one recipe with one set of parameters: there it resumes, another is refused."""
    folder = out or Path(tempfile.mkdtemp(prefix="edgeportal-"))
    mine = {"recipe": recipe.name, "params": params.model_dump(mode="json"), "files": _hashes(inputs)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "run.json").exists() and json.loads((folder / "run.json").read_text()) != mine:
            raise Refused(f"out: {folder} holds another run (other recipe, parameters or files); choose another folder")
        write_durably(folder / "run.json", json.dumps(mine, indent=1).encode())
    except (OSError, ValueError) as error:
        raise Refused(f"out: got {str(folder)!r}; allowed: a folder that can be written ({error})") from None
    if out is None:
        typer.echo(f"files: {folder}", err=True)
    return folder


def _hashes(inputs: Inputs) -> dict[str, str]:
    files = {name: getattr(given, "file", None) for name, given in inputs.items()}
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items() if file}


def _asked_to_stop() -> Callable[[], bool]:
    """Ctrl-C and a polite kill cancel the run after its next event, checkpoints kept."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: asked.append(got))
    return lambda: bool(asked)


def _speak(events: Iterator[Event]) -> int:
    last: Event | None = None
    for last in events:
        print(last.model_dump_json(), flush=True)
    return 0 if isinstance(last, Finished) else 1


def main() -> None:
    try:
        app()
    except Refused as refusal:
        print(*refusal.lines, sep="\n", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever listened has left; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
