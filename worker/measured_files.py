"""Measured profiles from a folder of files, each of the device that it names or is called after; and links from a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from worker.evidence import MOST_PROFILES, DeviceFacts, Evidence, LinkFacts, Seen
from worker.planning import offers
from worker.planning.offers import MOST_SIZE, Offer
from worker.profile.faults import Fault, Faults, Unfit, quoted
from worker.profile.hardware import Hardware
from worker.profile.reading import LINKS, Brought, read
from worker.profile.sheet import Row, sheet, unguarded
from worker.profile.text import text_of

ENDINGS = (".csv", ".json", ".yaml", ".yml")
MOST_FILES, LARGEST = 200, 10_000_000
WANTED = "a folder of profiles (JSON, YAML, CSV), or the profiles.json of a run"
HEADER = ("source", "destination", "ping(ms)", "bandwidth(mbps)")
MOST_LINKS = 5_000


def evidence_of(path: Path) -> Evidence:
    """ValueError, a line for each thing that is wrong."""
    try:
        if path.is_file():
            return _told(path)
        files = [each for each in sorted(path.iterdir()) if each.suffix.lower() in ENDINGS and each.is_file()][:MOST_FILES]
        return _gathered([(each.stem, brought) for each in files if (brought := _read(each))])
    except OSError:
        raise ValueError(f"got {str(path)!r}; allowed: {WANTED}") from None
    except Unfit as unfit:
        raise ValueError("\n".join(unfit.lines)) from None


def tables_of_links(folder: Path) -> list[Path]:
    """Those that lie beside the profiles."""
    files = sorted(each for each in folder.glob("*.csv") if each.is_file())[:MOST_FILES] if folder.is_dir() else []
    return [each for each in files if _begins_as_links(each)]


def _begins_as_links(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(200).decode("utf-8", "replace").removeprefix("\ufeff").partition("\n")[0]
    return [cell.strip(' "\r').lower() for cell in head.split(",")] == list(HEADER)


def links_of(path: Path) -> tuple[LinkFacts, ...]:
    """A line a direction, as Scission has them. ValueError, a line for each thing that is wrong."""
    faults = Faults()
    try:
        found = sheet(*text_of(_bytes(path)))
        if tuple(cell.lower() for cell in found.header.cells) != HEADER:
            raise Unfit(Fault("", quoted(",".join(found.header.cells)), f"the header {','.join(HEADER)}", found.header.line, 1))
        if len(found.rows) > MOST_LINKS:
            raise Unfit(Fault("", f"{len(found.rows):,} lines", f"at most {MOST_LINKS:,}", found.rows[MOST_LINKS].line))
        links = {(made.sender, made.receiver): made for row in found.rows if (made := _link(row, faults))}
        faults.check()
    except OSError:
        raise ValueError(f"got {str(path)!r}; allowed: a table of links that can be read: {','.join(HEADER)}") from None
    except Unfit as unfit:
        raise ValueError("\n".join(f"{path.name}, {line}" for line in unfit.lines)) from None
    return tuple(links.values())


def offers_of(path: Path) -> tuple[Offer, ...]:
    """What a run of ScissionLite offers plans. ValueError in a sentence."""
    try:
        if path.stat().st_size > MOST_SIZE:
            raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes; at most {MOST_SIZE:,} are read")
        return offers.read(path.read_bytes())
    except OSError:
        raise ValueError(f"got {str(path)!r}; allowed: the offers.json of a run of ScissionLite") from None
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def _link(row: Row, faults: Faults) -> LinkFacts | None:
    names = [unguarded(cell) for cell in row.cells[:2]]
    try:
        latency, bandwidth = (float(cell) for cell in row.cells[2:4])
        return LinkFacts(sender=names[0], receiver=names[1], latency_ms=latency, bandwidth_mbps=bandwidth)
    except ValueError:
        allowed = "two names, a ping from 0 ms and a bandwidth above 0 Mbit/s"
        faults.add(Fault("", quoted(",".join(row.cells)), allowed, row.line, 1))
        return None


def _told(path: Path) -> Evidence:
    """What a run was given; or one file as a folder of one."""
    body = _bytes(path)
    try:
        return Evidence.model_validate_json(body)
    except ValidationError:
        return _gathered([(path.stem, read(body, path.name))])


def _read(path: Path) -> Brought | None:
    """Beside the tables of networks Scission has one of links, which tells of no network."""
    try:
        return read(_bytes(path), path.name)
    except Unfit as unfit:
        if any(fault.allowed == LINKS for fault in unfit.faults):
            return None
        raise ValueError("\n".join(f"{path.name}, {line}" for line in unfit.lines)) from None


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has more than {LARGEST:,} bytes")
    return path.read_bytes()


def _gathered(found: list[tuple[str, Brought]]) -> Evidence:
    """What was seen on each device."""
    devices = {facts.id: facts for stem, brought in found for facts in _device(stem, brought.device)}
    seen = [Seen(device=brought.device.name if brought.device else stem, profile=each.profile)
            for stem, brought in found for each in brought.profiles]
    if not seen:
        raise ValueError(f"there is no measured profile in it; allowed: {WANTED}")
    return Evidence(devices=tuple(devices.values()), profiles=tuple(seen[:MOST_PROFILES]),
                    left_out=max(0, len(seen) - MOST_PROFILES))


def _device(stem: str, told: Hardware | None) -> Iterator[DeviceFacts]:
    if told is None:
        yield DeviceFacts(id=stem, name=stem)
    else:
        yield DeviceFacts(id=told.name, name=told.name, tier=told.tier, hardware=told.hardware, accelerators=told.accelerators,
                          cores=told.cores)
