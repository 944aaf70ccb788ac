"""What a run said is on disk before it is sent, is sent in numbered batches, and nothing measured is ever dropped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from worker.agent.spool import Spool


def log(number: int, level: str = "info") -> dict[str, Any]:
    return {"type": "log", "level": level, "message": f"{number} " + "x" * 60}


def measured(number: int) -> dict[str, Any]:
    return {"type": "measured", "variant": "v", "metric": f"m{number}", "value": 1.0, "unit": "ms"}


def progress(done: int) -> dict[str, Any]:
    return {"type": "progress", "done": done, "total": 9, "stage": "timing"}


def drained(spool: Spool) -> list[dict[str, Any]]:
    found = []
    while batch := spool.next():
        found += batch.events
        spool.confirm(batch)
    return found


def test_a_batch_keeps_its_number_and_its_words_until_it_is_confirmed_across_a_reboot_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add([log(1), measured(1)])
    first = spool.next()
    spool.add([measured(2)])
    assert spool.next() == first and first.number == 1 and first.events == [log(1), measured(1)]
    again = Spool(tmp_path)
    assert again.next() == first
    again.confirm(again.next())
    second = again.next()
    assert (second.number, second.events) == (2, [measured(2)])
    again.confirm(second)
    assert again.is_empty and again.next() is None and again.confirmed == 2


def test_a_confirmation_that_a_crash_forgot_sends_the_same_batch_once_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add([measured(1)])
    first = spool.next()
    spool.confirm(first)
    assert Spool(tmp_path).next() == first


def test_a_line_that_a_crash_cut_short_goes(tmp_path: Path) -> None:
    Spool(tmp_path).add([measured(1)])
    with (tmp_path / "events-0.jsonl").open("ab") as out:
        out.write(b'{"type": "measured", "var')
    spool = Spool(tmp_path)
    spool.add([measured(2)])
    assert drained(spool) == [measured(1), measured(2)]


def test_of_progress_only_the_newest_of_a_batch_is_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add([progress(1), measured(1), progress(2), progress(3), measured(2)])
    assert drained(spool) == [measured(1), progress(3), measured(2)]


def test_the_end_of_a_run_is_known_after_a_reboot(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add([measured(1)])
    assert not spool.ended
    spool.add([{"type": "finished", "summary": {}, "seconds": 1.0}])
    assert spool.ended and Spool(tmp_path).ended


def test_a_full_spool_drops_the_oldest_debug_lines_first_and_measurements_never(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_bytes=6000)
    said = [event for n in range(40) for event in (log(n, "debug"), log(n), measured(n))]
    for event in said:
        spool.add([event])
    kept = drained(spool)
    assert [event for event in kept if event["type"] == "measured"] == [measured(n) for n in range(40)]
    numbers = [int(event["message"].split()[0]) for event in kept if event.get("level") == "debug"]
    assert numbers == sorted(numbers) and numbers[-1] == 39 and 0 not in numbers and len(numbers) < 40
    assert kept == [event for event in said if event in kept]


def test_a_batch_on_its_way_is_not_touched_when_room_is_made(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_bytes=3000)
    spool.add([log(n, "debug") for n in range(10)])
    sent = spool.next()
    for n in range(100):
        spool.add([log(n, "debug")])
    assert spool.next().events == sent.events == [log(n, "debug") for n in range(10)]
    assert Spool(tmp_path, most_bytes=3000).next().events == sent.events
    files = [path for path in tmp_path.glob("events-*.jsonl")]
    assert len(files) == 1 and files[0].stat().st_size < 5000


def test_a_disk_that_is_full_adds_nothing_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    spool.add([measured(1)])

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(OSError, match="No space"):
        spool.add([measured(2)])
    monkeypatch.undo()
    spool.add([measured(2)])
    assert drained(spool) == [measured(1), measured(2)]
    lines = (tmp_path / "events-0.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [measured(1), measured(2)]
