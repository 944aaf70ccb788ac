from __future__ import annotations

import json
from typing import Any

import pytest

from apps.catalog import rehearsals
from apps.live import asking
from worker.training.fitted import answer


@pytest.fixture
def desk_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the desk was woken, in place of waking it."""
    calls: list[int] = []
    monkeypatch.setattr(rehearsals, "wake", lambda: calls.append(1))
    monkeypatch.setattr(rehearsals.transaction, "on_commit", lambda call: call())
    return calls


@pytest.fixture
def answered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers questions answers in this process; what is asked and said goes through JSON as it does."""
    def said(name: str, question: dict[str, Any], **_: Any) -> dict[str, Any]:
        assert name == "fit"
        found: dict[str, Any] = json.loads(answer(**json.loads(json.dumps(question))).model_dump_json())
        return found
    monkeypatch.setattr(asking, "ask", said)
