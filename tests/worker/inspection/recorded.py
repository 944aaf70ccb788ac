"""Recordings in the format of the MOT challenges, small: two detectors, three frames."""

from __future__ import annotations

from collections.abc import Mapping

from tests.worker.inspection import made

INI = b"[Sequence]\nname=street\nframeRate=25\nseqLength=3\nimWidth=640\nimHeight=360\n"
LINE = b"1,-1,100,50,40,100,0.9\n"
TRUTH = b"1,1,100,50,40,100,1,1,0.8\n2,1,110,50,40,100,1,1,1\n2,2,300,50,40,100,0,1,1\n"
FILES: dict[str, bytes] = {
    "seqinfo.ini": INI, "tiny.txt": LINE + b"3,-1,120,50,40,100,0.4\n", "full.txt": LINE, "gt/gt.txt": TRUTH}


def files(**more: bytes | None) -> dict[str, bytes]:
    """With other files, by their names with __ for what no name in Python has; None leaves one out."""
    changed = {name.replace("___", "/").replace("__", "."): body for name, body in more.items()}
    found: Mapping[str, bytes | None] = FILES | changed
    return {name: body for name, body in found.items() if body is not None}


def archive(**more: bytes | None) -> bytes:
    return made.folder(files(**more))
