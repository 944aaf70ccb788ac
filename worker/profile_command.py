"""`python -m worker profile check | convert | example`: files of block times, read and written as the portal does; no torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from worker.flags import Refused
from worker.profile.examples import FILES
from worker.profile.faults import Unfit
from worker.profile.reading import Brought, read
from worker.profile.text import MOST_FILE_BYTES
from worker.profile.writing import FORMS, write

File = Annotated[Path, typer.Argument(help="JSON, YAML or CSV; - reads what is piped in.")]
app = typer.Typer(add_completion=False, no_args_is_help=True,
                  help="Files of block times: check one, or write it in another form.")


@app.command()
def check(file: File) -> None:
    """What the portal would make of a file, as JSON; or everything that is wrong with it, a line each, and exit status 2."""
    found = _read(file)
    rows = [{"network": each.profile.network, "blocks": len(each.profile.blocks), "total_s": each.profile.total_s,
             "origin": each.profile.origin} for each in found.profiles]
    device = found.device.model_dump(mode="json", exclude_defaults=True) if found.device else None
    print(json.dumps({"form": found.form, "device": device, "profiles": rows, "notes": found.notes}, allow_nan=False))


@app.command()
def convert(
    file: File,
    to: Annotated[str, typer.Option(help=f"{', '.join(FORMS)}.")],
    out: Annotated[Path | None, typer.Option(help="The file to be written; left out: the terminal.")] = None,
) -> None:
    """The same in another form. Scission's tables number layers: those that have names become numbers, a block a layer."""
    if to not in FORMS:
        raise Refused(f"to: got {to!r}; allowed: {', '.join(FORMS)}")
    found = _read(file)
    if to.startswith("scission") and not found.profiles:
        raise Refused(f"file: got {str(file)!r}, which describes a device only; allowed: a file with profiles")
    _put(write(to, found.profiles, found.device), out)


@app.command()
def example(name: Annotated[str, typer.Argument(help=f"One of {', '.join(FILES)}.")]) -> None:
    """A file to fill in."""
    if name not in FILES:
        raise Refused(f"name: got {name!r}; allowed: {', '.join(FILES)}")
    _put(FILES[name].text().encode(), None)


def _read(file: Path) -> Brought:
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(MOST_FILE_BYTES + 1)
        else:
            with file.open("rb") as source:
                data = source.read(MOST_FILE_BYTES + 1)
        return read(data, file.name)
    except (OSError, ValueError):
        raise Refused(f"file: got {str(file)!r}; allowed: a file that can be read") from None
    except Unfit as unfit:
        raise Refused(*unfit.lines) from None


def _put(body: bytes, out: Path | None) -> None:
    """As bytes: a terminal's own line ends would make another file of it."""
    if out is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(body)
    except (OSError, ValueError):
        raise Refused(f"out: got {str(out)!r}; allowed: a file that can be written") from None
