"""The line that joins a board, and the script behind it: pinned, checked, and nothing left behind when it fails."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from django.test import Client, RequestFactory

from apps.devices import agent_wheel, certificate
from apps.devices.join_line import SCRIPT, join_command
from edgeportal import lan
from tests.worker.agent.fake_portal import FakePortal, says, served

CODE = "ABCD-EFGH-JKMN"
HOST = "192.0.2.7"


@pytest.fixture
def on_the_lan(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPORTAL_VAR", str(tmp_path))
    lan.make_certificate()
    settings.LAN, settings.LAN_HOSTS, settings.TLS_CERTIFICATE = True, [HOST], lan.certificate()
    settings.ALLOWED_HOSTS = ["127.0.0.1", HOST]


def test_the_line_names_an_address_that_others_reach_and_pins_the_key(on_the_lan: None) -> None:
    request = RequestFactory().get("/", secure=True, headers={"host": "127.0.0.1:8000"})
    sha256 = agent_wheel.wheel().sha256
    assert join_command(request, CODE) == (
        f"curl -fsSk --pinnedpubkey 'sha256//{certificate.public_key_pin()}' https://{HOST}:8000/devices/join.sh "
        f"| sh -s -- {CODE} {sha256}")
    assert certificate.readable(certificate.fingerprint()) == lan.fingerprint()


def test_without_a_certificate_of_its_own_the_line_trusts_the_systems_authorities(settings: Any) -> None:
    settings.LAN, settings.TLS_CERTIFICATE, settings.ALLOWED_HOSTS = False, None, ["portal.example.org"]
    line = join_command(RequestFactory().get("/", secure=True, headers={"host": "portal.example.org"}), CODE)
    assert line.startswith("curl -fsS https://portal.example.org/devices/join.sh | sh -s -- ")
    assert certificate.fingerprint() == "" == certificate.public_key_pin()


@pytest.mark.django_db
def test_the_script_is_for_anybody_and_whole(client: Client, on_the_lan: None) -> None:
    answer = client.get("/devices/join.sh", headers={"host": f"{HOST}:8000"}, secure=True)
    text = answer.content.decode()
    assert f"BASE='https://{HOST}:8000'" in text and agent_wheel.wheel().sha256 in text and certificate.fingerprint() in text
    assert "ExecStart=/opt/edgeportal-agent/python -m worker.agent run" in text and "@" not in text.replace('"$@"', "")
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    assert subprocess.run(["sh", "-n", SCRIPT], check=False).returncode == 0
    assert client.get("/devices/join.sh", headers={"host": "evil.example.org"}).status_code == 400


@pytest.fixture
def portal() -> Iterator[FakePortal]:
    with served() as fake:
        fake.wheel = agent_wheel.wheel().body
        yield fake


def run(folder: Path, portal: FakePortal, *words: str,
        replaced: Mapping[str, str] = MappingProxyType({})) -> subprocess.CompletedProcess[str]:
    """The script as the portal at that address would serve it, run with these words."""
    made = agent_wheel.wheel()
    values = {"BASE": portal.base, "PIN": "", "FINGERPRINT": "", "SHA256": made.sha256, "WHEEL": made.name, "UNIT": "",
              "NEEDS": " ".join(agent_wheel.requirements()),
              "TRAINS": " ".join(agent_wheel.requirements(agent_wheel.TRAINS_WITH))}
    text = SCRIPT.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    for name, value in replaced.items():
        text = text.replace(name, value)
    environment = {"EDGEPORTAL_PYTHON": sys.executable, **os.environ, "EDGEPORTAL_AGENT_FOLDER": str(folder),
                   "EDGEPORTAL_AGENT_UID": str(os.getuid())}
    return subprocess.run(["sh", "-s", "--", *words], input=text, env=environment, capture_output=True, text=True, check=False,
                          timeout=300)


def test_an_agent_with_another_hash_is_not_run_and_nothing_is_left(tmp_path: Path, portal: FakePortal) -> None:
    portal.wheel = b"something else"
    done = run(tmp_path / "agent", portal, CODE)
    assert done.returncode == 1 and "not the one of this line; nothing was run" in done.stderr
    assert not (tmp_path / "agent").exists() and not portal.asked["join"]


def test_a_line_from_before_an_upgrade_is_told_so(tmp_path: Path, portal: FakePortal) -> None:
    done = run(tmp_path / "agent", portal, CODE, "0" * 64)
    assert done.returncode == 1 and "reload the page" in done.stderr and not (tmp_path / "agent").exists()


def test_a_wrong_code_leaves_nothing(tmp_path: Path, portal: FakePortal) -> None:
    portal.faults["join"] = [says(403, title="This code does not let a board join.")]
    done = run(tmp_path / "agent", portal, CODE)
    assert done.returncode == 1 and "This code does not let a board join." in done.stderr
    assert not (tmp_path / "agent").exists()


def test_uninstalling_leaves_nothing(tmp_path: Path, portal: FakePortal) -> None:
    (tmp_path / "agent" / "state").mkdir(parents=True)
    (tmp_path / "agent" / "state" / "identity.json").write_text("{}")
    again = run(tmp_path / "agent", portal, CODE)
    assert again.returncode == 1 and "joined another portal already" in again.stderr and (tmp_path / "agent" / "state").exists()
    assert run(tmp_path / "agent", portal, "--uninstall").returncode == 0
    assert not (tmp_path / "agent").exists()


def test_the_same_line_starts_the_agent_of_a_board_that_has_joined_again(tmp_path: Path, portal: FakePortal) -> None:
    portal.faults["beat"] = [says(401), says(401)]  # So that it ends.
    first, again = (run(tmp_path / "agent", portal, CODE) for _ in range(2))
    assert first.returncode == again.returncode == 78, first.stderr + again.stderr
    assert "starting its agent again" in again.stdout and "starting its agent again" not in first.stdout
    assert f"nohup '{tmp_path / 'agent' / 'start'}' &" in first.stdout and "/start' &" in again.stdout
    assert portal.asked["join"] == 1 and portal.asked["beat"] == 2


def test_a_line_typed_beside_a_running_agent_changes_nothing(tmp_path: Path, portal: FakePortal) -> None:
    portal.faults["beat"] = [says(401)]
    run(tmp_path / "agent", portal, CODE)
    portal.wheel = b"not fetched"
    with (tmp_path / "agent" / "state" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(tmp_path / "agent", portal, CODE)
    assert done.returncode == 0 and "its agent runs" in done.stdout and "to start it by hand" in done.stdout, done.stderr


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without any package, which can make no virtual environment."""
    python = tmp_path / "bare-python"
    python.write_text(f'#!/bin/sh\n[ "$2" != venv ] || exit 1\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("EDGEPORTAL_PYTHON", str(python))


WITHOUT = {"import numpy, onnxruntime, pydantic": "import no_such_package"}


def test_the_code_is_spent_before_anything_is_installed(tmp_path: Path, portal: FakePortal, bare: None) -> None:
    done = run(tmp_path / "agent", portal, CODE, replaced=WITHOUT)
    assert done.returncode == 1 and "venv module is missing" in done.stderr, done.stderr
    assert "has joined all the same" in done.stderr and (tmp_path / "agent" / "state" / "identity.json").exists()
    again = run(tmp_path / "agent", portal, CODE, replaced=WITHOUT)
    assert "installing" in again.stdout and portal.asked["join"] == 1


def test_with_a_wrong_code_nothing_is_installed(tmp_path: Path, portal: FakePortal, bare: None) -> None:
    portal.faults["join"] = [says(403, title="This code does not let a board join.")]
    done = run(tmp_path / "agent", portal, CODE, replaced=WITHOUT)
    assert done.returncode == 1 and "does not let a board join" in done.stderr and "installing" not in done.stdout
    assert not (tmp_path / "agent").exists()


@pytest.mark.parametrize("trains", ["", "1"])
def test_torch_is_installed_only_for_a_board_that_is_to_learn(
    tmp_path: Path, portal: FakePortal, bare: None, monkeypatch: pytest.MonkeyPatch, trains: str,
) -> None:
    monkeypatch.setenv("EDGEPORTAL_AGENT_TRAIN", trains)
    said = run(tmp_path / "agent", portal, CODE, replaced=WITHOUT).stdout
    assert "installing pydantic==" in said and ("torch==" in said) == ("safetensors==" in said) == bool(trains), said
