"""`python -m worker list | describe RECIPE | run RECIPE --model ... --dataset ... --<param> ...
| inspect FILE | prune FILE | export FILE | diff A B | fit | scission FOLDER NETWORK_CSV MODEL | joint PROFILES`."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from worker import menu, profile_command
from worker.context import Context, Inputs, write_durably
from worker.events import Cancelled, Event, Finished
from worker.executor import execute
from worker.flags import (
    AT,
    Refused,
    find,
    given_profiles,
    hashes,
    is_switch,
    read,
    refuse_lacking,
    refuse_misfits,
    refuse_unfit,
    resolve,
    takes_file,
)
from worker.inspection import command
from worker.joint_command import joint
from worker.networks import command as networks
from worker.networks.fit_command import fit
from worker.params import Params, extra
from worker.reasons import lacked
from worker.recipe import Recipe
from worker.scission_command import scission
from worker.wording import range_or_choices

PAST = "attempts.json"
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help=__doc__)


app.command("inspect")(command.inspect)
app.command("prune")(networks.prune)
app.command("export")(networks.export)
app.command("diff")(networks.diff)
app.command("fit")(fit)
app.add_typer(profile_command.app, name="profile")
app.command("scission")(scission)
app.command("joint")(joint)


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
    profiles: Annotated[Path | None, typer.Option(help="Measured profiles, for a recipe that rests on some: a folder of files of "
                                                  "the house or of Scission, or the profiles.json of a run.")] = None,
    links: Annotated[Path | None, typer.Option(help="What lies between the devices, for a recipe that plans: a table "
                                               "source,destination,ping(ms),bandwidth(mbps).")] = None,
    offers: Annotated[list[Path] | None, typer.Option(help="Transfer layers that plans may have, for a recipe that plans: the "
                                                      "offers.json of a run of ScissionLite.")] = None,
) -> None:
    """Run a recipe; `describe` tells which --PARAM VALUE it takes.

    Events are JSON lines, the last one is Finished with its summary; exit status 0 only then, 1 when it failed,
    2 when what was typed cannot be run.
    """
    found = find(recipe)
    params = read(found, typed.args, preset=preset)
    inputs = resolve(params) | given_profiles(found, profiles, links, offers or (), params.timed())
    refuse_misfits(params, inputs)
    refuse_lacking(found, params, inputs)
    refuse_unfit(found, params, inputs)
    folder = _folder(out, found, params, inputs)
    context = Context(workdir=folder, inputs=inputs, seed=params.seed, threads=threads)
    past = _Past.of(folder)
    if past.finished:
        typer.echo("this run has already finished; its result again", err=True)
    now = _Past(past.attempts + 1, past.finished)
    now.keep(folder)
    last = _speak(execute(found, params, context, attempt=now.attempts, cancelled=_asked_to_stop()))
    if isinstance(last, Finished) and not past.finished:
        _Past(now.attempts, finished=True).keep(folder)
    if isinstance(last, Cancelled):
        typer.echo(f"stopped; the same command with --out {shlex.quote(str(folder))} goes on from the last checkpoint", err=True)
    raise typer.Exit(0 if isinstance(last, Finished) else 1)


def _parameters(recipe: Recipe) -> Iterator[str]:
    for name, field in recipe.params.model_fields.items():
        flag = f"--{name.replace('_', '-')}" + (f" / --no-{name.replace('_', '-')}" if is_switch(recipe, name) else "")
        default = "required" if field.is_required() else f"default {str(field.default).replace(chr(10), '; ')}"
        unit = extra(recipe.params, name).get("unit")
        file = f"; {AT}FILE reads a file" if takes_file(recipe, name) else ""
        yield f"  {flag}  [{default}{' ' + unit if unit else ''}; {range_or_choices(field)}{file}]  {field.description or ''}"


def _presets(recipe: Recipe) -> Iterator[str]:
    for name, values in recipe.presets.items():
        yield f"preset {name!r}: " + ", ".join(f"{field}={value}" for field, value in values.items())


def _folder(out: Path | None, recipe: Recipe, params: Params, inputs: Inputs) -> Path:
    """A run's folder belongs to one recipe with one set of parameters: there it resumes, another is refused."""
    folder = out or Path(tempfile.mkdtemp(prefix="edgeportal-"))
    mine = {"recipe": recipe.name, "params": params.model_dump(mode="json"), "files": hashes(inputs)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "run.json").exists() and json.loads((folder / "run.json").read_bytes()) != mine:
            raise Refused(f"out: {folder} holds another run (other recipe, parameters or files); choose another folder")
        write_durably(folder / "run.json", json.dumps(mine, indent=1).encode())
        (folder / "checkpoints").mkdir(exist_ok=True)
    except ValueError:
        raise Refused(f"out: the run.json in {folder} cannot be read; choose another folder") from None
    except OSError as error:
        told = lacked(error) or "allowed: a folder that can be written"
        raise Refused(f"out: got {str(folder)!r}; {told}") from None
    if out is None:
        typer.echo(f"files: {folder}", err=True)
    return folder


def _asked_to_stop() -> Callable[[], bool]:
    """Ctrl-C and a polite kill cancel the run after its next event, checkpoints kept."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: asked.append(got))
    return lambda: bool(asked)


@dataclass(frozen=True)
class _Past:
    """What a run's folder has seen: how often it was begun, and whether it was once finished."""

    attempts: int = 0
    finished: bool = False

    @classmethod
    def of(cls, folder: Path) -> _Past:
        """Nothing where nothing can be read: a wrong count harms no result."""
        try:
            kept = json.loads((folder / PAST).read_bytes())
            return cls(int(kept["attempts"]), bool(kept["finished"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def keep(self, folder: Path) -> None:
        """Best effort: a disk that is full is the run's to tell."""
        with suppress(OSError):
            write_durably(folder / PAST, json.dumps(asdict(self)).encode())


def _speak(events: Iterator[Event]) -> Event | None:
    last: Event | None = None
    for last in events:
        print(last.model_dump_json(), flush=True)
    return last


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
