"""Writes rows at a steady rate, each in a transaction of its own with its knock, and notes when each was committed.

`python -m bench.speaker` reads one JSON line: stream, per_second, seconds, bytes, by ("knock" or "group_send"), out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")


def main() -> None:
    import django

    django.setup()
    asked = json.loads(sys.stdin.readline())
    from django.db import connection

    connection.ensure_connection()
    print("ready", flush=True)
    commits, begun = [], time.monotonic()
    for number in range(round(asked["per_second"] * asked["seconds"])):
        time.sleep(max(0.0, begun + number / asked["per_second"] - time.monotonic()))
        commits.append(speak(asked, number))
    time.sleep(1)  # the last knock leaves by a thread of its own
    Path(asked["out"]).write_text(json.dumps(commits))


def speak(asked: dict[str, Any], number: int) -> tuple[int, float]:
    """The row's number and the moment its transaction had ended, before anybody was told."""
    from django.db import transaction

    from apps.live.models import Saying, Stream

    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.monotonic()))
        stream = Stream.objects.get(pk=asked["stream"])
        body = {"name": "accuracy", "value": number / 7, "step": number, "note": "x" * asked["bytes"]}
        event = stream.append([Saying("metric", body)])[0]
        transaction.on_commit(lambda: tell(asked, event))
    return event.seq, committed[0]


def tell(asked: dict[str, Any], event: Any) -> None:
    from apps.live import knock

    if asked["by"] == "knock":
        knock.knock(event.stream_id)
        return
    from channels.layers import get_channel_layer

    from apps.live.reading import row

    text = json.dumps({"type": "events", "events": [row(event)], "head": event.seq}, separators=(",", ":"))
    plain = get_channel_layer().group_send("plain", {"type": "say", "text": text})
    asyncio.run_coroutine_threadsafe(plain, knock._loop())


if __name__ == "__main__":
    main()
