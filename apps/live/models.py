"""Stream and Event: the gap-free log that runs, portfolios and teams speak on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from apps.accounts.models import Team, TeamOwned


class Saying(NamedTuple):
    """Something to append: its type, its body, and the key that names the fact (said again, it is kept once)."""

    type: str
    body: dict[str, Any]
    key: str | None = None


class Stream(TeamOwned):
    """A numbered log. `head` is the last number given; whoever holds this row's lock gives the next ones."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = models.PositiveBigIntegerField(default=0)
    is_teams = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team"], condition=models.Q(is_teams=True), name="one_stream_a_team")]

    def __str__(self) -> str:
        return f"{self.pk} at {self.head}"

    @classmethod
    def of_team(cls, team: Team) -> Stream:
        """The one stream on which a team's uploads, devices and notices speak; made when it is first asked for."""
        stream: Stream = cls.objects.get_or_create(team=team, is_teams=True)[0]
        return stream

    @classmethod
    def begin(cls, team: Team, sayings: Sequence[Saying]) -> list[Stream]:
        """New streams, one for each saying, which is its first event: two statements, however many they are."""
        streams = cls.objects.bulk_create(cls(team=team, head=1) for _ in sayings)
        Event.objects.bulk_create(Event(stream=stream, seq=1, type=said.type, body=said.body, key=said.key)
                                  for stream, said in zip(streams, sayings, strict=True))
        return list(streams)

    @classmethod
    def append_to_each(cls, sayings: Mapping[uuid.UUID, Saying]) -> None:
        """One saying without a key to each of these streams, in three statements; call it inside a transaction."""
        locked = list(cls.objects.select_for_update(of=("self",)).filter(pk__in=sayings).order_by("pk"))
        cls.objects.filter(pk__in=sayings).update(head=F("head") + 1)
        Event.objects.bulk_create(Event(stream=stream, seq=stream.head + 1, type=said.type, body=said.body)
                                  for stream in locked for said in [sayings[stream.pk]])

    def append(self, sayings: Sequence[Saying]) -> list[Event]:
        """Number and keep the sayings that are new. Call it inside a transaction; the row lock makes `seq` gap-free."""
        Stream.objects.select_for_update().only("pk").get(pk=self.pk)
        fresh = self._new(sayings)
        if not fresh:
            return []
        Stream.objects.filter(pk=self.pk).update(head=F("head") + len(fresh))
        self.refresh_from_db(fields=["head"])
        first = self.head - len(fresh) + 1
        return Event.objects.bulk_create(
            Event(stream=self, seq=first + i, type=s.type, body=s.body, key=s.key) for i, s in enumerate(fresh))

    def _new(self, sayings: Sequence[Saying]) -> list[Saying]:
        asked = {saying.key for saying in sayings if saying.key}
        known = set(self.events.filter(key__in=asked).values_list("key", flat=True)) if asked else set()
        fresh: list[Saying] = []
        for saying in sayings:
            if saying.key is None or saying.key not in known:
                fresh.append(saying)
                known.add(saying.key)
        return fresh


class Event(models.Model):
    """One row of a stream; immutable once written."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField(db_default=Now())
    type = models.CharField(max_length=20)
    body = models.JSONField()
    key = models.TextField(null=True)  # noqa: DJ001  null means that the fact has no name; nulls never collide

    class Meta:
        ordering = ("seq",)
        indexes = [models.Index(fields=["stream", "type", "seq"], name="events_of_a_type")]
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="seq_is_unique_in_a_stream"),
            models.UniqueConstraint(fields=["stream", "key"], name="a_fact_is_kept_once"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
