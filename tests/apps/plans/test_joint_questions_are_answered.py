"""The process that plans answers joint questions: the example from itself, all else from the team's rows."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from apps.live.asking import Asked
from apps.plans.joint_asking import ready
from apps.plans.joint_scene import example
from apps.plans.joint_wanted import JointWanted
from worker.planning import joint_example
from worker.planning.joint_question import JointQuestion
from worker.profile import NetworkProfile
from worker.tasks import answering, known_profiles

WAIT_MS = 20_000


def reply(question: JointQuestion) -> dict[str, object]:
    told: dict[str, object] = json.loads(answering.said(Asked("joint", {"question": question.model_dump(mode="json")}), WAIT_MS))
    return told


@pytest.fixture
def question() -> JointQuestion:
    return ready(example(), JointWanted(networks=tuple(joint_example.networks()[:2]), deadline_ms=100)).question


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """What was fetched; each row is the first network of the example on its board."""
    found: list[Mapping[str, str]] = []

    def of(devices: Mapping[str, str]) -> dict[str, NetworkProfile]:
        found.append(dict(devices))
        profile = next(iter(joint_example.profiles().values()))
        return dict.fromkeys(devices, profile)

    monkeypatch.setattr(known_profiles, "of", of)
    return found


def test_the_example_needs_no_rows(question: JointQuestion, fetched: list[Mapping[str, str]]) -> None:
    answer = reply(question)["answer"]
    assert isinstance(answer, dict) and answer["chosen"] is not None and len(answer["versions"]) == 2 * 68
    assert fetched == [{}]


def test_what_is_not_made_up_is_fetched_with_the_name_of_its_device(question: JointQuestion,
                                                                    fetched: list[Mapping[str, str]]) -> None:
    told = question.model_dump()
    told["variants"][0]["profiles"]["example board"] = "a row"
    assert "answer" in reply(JointQuestion.model_validate(told))
    assert fetched == [{"a row": "example board"}]


def test_what_cannot_be_planned_is_refused_by_field(question: JointQuestion, fetched: list[Mapping[str, str]]) -> None:
    refused = reply(question.model_copy(update={"rules": ("use nowhere",)}))["refused"]
    assert isinstance(refused, dict) and list(refused) == ["rules.0"]
