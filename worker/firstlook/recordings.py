"""Which files of a folder or of an archive are recorded detections in the format of the MOT challenges, by their names alone."""

from __future__ import annotations

from collections.abc import Iterable

SEQUENCE, TRUTH, TEXT = "seqinfo.ini", "gt.txt", ".txt"
# Folders in which the challenges keep the truth and detections.
TRUTHS, FOUND = "gt", "det"
LITTER = ("__MACOSX",)


def of_names(names: Iterable[str]) -> dict[str, list[str]]:
    """`seqinfo.ini`, `gt.txt` and `NAME.txt` of each detector, with the entries that are called so; several are too many.

    A folder around all of it does no harm. What is nothing of that is left out.
    """
    paths = {name: parts for name in names if (parts := _parts(name))}
    depth = _around(list(paths.values()))
    found: dict[str, list[str]] = {}
    for name, parts in paths.items():
        if plain := _plain(parts[depth:]):
            found.setdefault(plain, []).append(name)
    return found


def is_one(names: Iterable[str], *, whole: bool) -> bool:
    """Whether an archive with these entries is a recording. Without `whole`, other names may follow: then only what is sure."""
    found = of_names(names)
    return SEQUENCE in found or (whole and any(name.endswith(TEXT) for name in found))


def _parts(name: str) -> tuple[str, ...]:
    """Its folders and its own name; nothing for a folder and for what operating systems leave behind."""
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part)
    return () if name.endswith("/") or any(part.startswith(".") or part in LITTER for part in parts) else parts


def _around(paths: list[tuple[str, ...]]) -> int:
    """How many folders lie around all of it; those that mean something do not count."""
    depth = 0
    while paths and all(len(path) > depth + 1 for path in paths):
        if len({path[depth] for path in paths}) > 1 or paths[0][depth] in (TRUTHS, FOUND):
            break
        depth += 1
    return depth


def _plain(parts: tuple[str, ...]) -> str:
    """What it is called without the folder that says what it is; empty for anything else."""
    last = parts[-1]
    if parts == (SEQUENCE,) or parts in ((TRUTH,), (TRUTHS, TRUTH)):
        return last
    is_found = last.lower().endswith(TEXT) and last != TRUTH and (len(parts) == 1 or parts[:-1] == (FOUND,))
    return f"{last[:-len(TEXT)]}{TEXT}" if is_found else ""
