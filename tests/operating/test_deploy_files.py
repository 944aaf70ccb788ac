"""The files in deploy/ are untried where no container or proxy can be started; here they are read and held against the code."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from edgeportal import programs
from tests.operating.test_settings_for_production import FIT, check
from tests.operating.variables import documented

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VERBS = {*programs.PROGRAMS, "web", "health"}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "edgeportal:local"}
# A board has none of the portal's folders: its unit stands apart.
AGENT = DEPLOY / "systemd" / "edgeportal-agent.service"
UNITS = sorted(set((DEPLOY / "systemd").glob("*.service")) - {AGENT})
HARDENED = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "User": "edgeportal"}


def names(file: str) -> dict[str, str]:
    lines = [line for line in (DEPLOY / file).read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def exists(words: list[str]) -> bool:
    """Whether these words after `python` name something of ours."""
    match words:
        case ["-m", "edgeportal", verb]:
            return verb in VERBS
        case ["manage.py", command, *_]:
            return command in get_commands()
    return False


def test_every_program_and_the_migration_are_there() -> None:
    assert set(OURS) == {"migrate", "web", *programs.PROGRAMS}


@pytest.mark.parametrize("name", OURS)
def test_what_a_container_runs_exists_and_runs_with_few_rights(name: str) -> None:
    service = OURS[name]
    assert exists(service["command"]), service["command"]
    assert service["user"] == "10001:10001" and service["read_only"] and service["cap_drop"] == ["ALL"]
    assert any(volume.endswith(":/var/lib/edgeportal") for volume in service["volumes"]), "what it writes has a place"
    if name != "migrate":
        assert "mem_limit" in service
        assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_containers_name_volumes_networks_images_and_services_that_are_there() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(services)
        named = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert all(one.startswith("./") or one in COMPOSE["volumes"] for one in named), named
        image = service["image"]
        assert ":" in image and not image.endswith(":latest"), "a version that somebody chose"
    assert (DEPLOY / "Caddyfile").exists() and services["proxy"]["volumes"][0].startswith("./Caddyfile:")


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]


def test_what_compose_asks_for_is_in_its_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked == set(names("compose.env.example"))


def test_the_web_container_is_asked_how_it_is() -> None:
    assert exists(OURS["web"]["healthcheck"]["test"][2:])


def test_the_trusted_proxy_is_the_one_in_front() -> None:
    address = COMPOSE["services"]["proxy"]["networks"]["inside"]["ipv4_address"]
    assert f"TRUSTED_PROXIES={address}" in (DEPLOY / "compose.yaml").read_text()


@pytest.mark.parametrize("service", ["web", "worker", "desk", "answers", "beat"])
def test_every_variable_that_is_set_is_documented(service: str) -> None:
    given = {*OURS[service].get("environment", {}), *names("env.example")}
    assert given <= set(documented())


def test_the_example_environment_is_refused_as_it_is_and_clean_when_it_is_filled_in() -> None:
    example = {name: value for name, value in names("env.example").items() if value}
    assert check(**{**dict.fromkeys(FIT, ""), **example}).returncode == 1, "nobody serves with an empty secret"
    done = check(**{**dict.fromkeys(FIT, ""), **example, "SECRET_KEY": FIT["SECRET_KEY"], "METRICS_TOKEN": "m" * 32})
    assert done.returncode == 0, done.stderr


def test_the_image_copies_what_is_there_and_is_not_root() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    for source in (line.split()[1] for line in lines if line.startswith("COPY")):
        assert (ROOT / source).exists(), source
        assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()
    assert "USER 10001" in lines
    assert exists([word.strip(' "[]') for word in next(line for line in lines if line.startswith("CMD"))[3:].split(",")])


def read(unit: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=True, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit.read_text())
    return parsed


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_what_exists_with_few_rights_and_bounded_memory(unit: Path) -> None:
    service = read(unit)["Service"]
    python, *words = shlex.split(service["ExecStart"])
    assert python == "/opt/edgeportal/.venv/bin/python" and exists(words)
    assert {name: service[name] for name in HARDENED} == HARDENED
    assert service["MemoryMax"] and service["StateDirectory"] == "edgeportal"


def test_a_boards_unit_runs_the_agent_as_a_user_of_its_own_and_stops_where_a_person_must_act() -> None:
    from worker.agent import keeper

    service = read(AGENT)["Service"]
    python, *words = shlex.split(service["ExecStart"])
    assert words[:3] == ["-m", "worker.agent", "run"] and Path(python).parent == Path("/opt/edgeportal-agent")
    assert words[-1] == f"/var/lib/{service['StateDirectory']}" and service["StateDirectoryMode"] == "0700"
    assert service["DynamicUser"] == "yes" and "User" not in service
    hardened = {name: value for name, value in HARDENED.items() if name != "User"}
    assert {name: service[name] for name in hardened} == hardened
    assert int(service["RestartPreventExitStatus"]) == keeper.OVER and service["KillMode"] == "mixed"


def test_there_is_a_unit_for_each_program_and_a_nightly_backup() -> None:
    assert {unit.stem for unit in UNITS} == {f"edgeportal-{name}" for name in {*programs.PROGRAMS, "web", "backup"}}
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(DEPLOY / "systemd" / "edgeportal-backup.timer")
    assert timer["Timer"]["OnCalendar"]


def test_a_worker_gives_its_run_back_before_it_is_killed() -> None:
    for name in ("worker", "desk"):
        service = read(DEPLOY / "systemd" / f"edgeportal-{name}.service")["Service"]
        assert service["KillMode"] == "mixed" and int(service["TimeoutStopSec"]) >= 30
        assert COMPOSE["services"][name]["stop_grace_period"] == "60s"


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    copies = []
    for unit in [*UNITS, AGENT, DEPLOY / "systemd" / "edgeportal-backup.timer"]:
        copy = tmp_path / unit.name
        # What an installation has and this machine has not: the interpreter's place.
        python = "/opt/edgeportal-agent/python" if unit == AGENT else "/opt/edgeportal/.venv/bin/python"
        copy.write_text(unit.read_text().replace(python, sys.executable))
        copies.append(str(copy))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *copies], capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "edgeportal" in line]
    assert not ours, done.stderr


def test_nginx_limits_bodies_upgrades_sockets_and_overwrites_what_visitors_forge() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert text.count("{") == text.count("}")
    for directive in ("client_max_body_size 9m;", "proxy_set_header X-Forwarded-For $remote_addr;",
                      "proxy_set_header X-Forwarded-Proto $scheme;", "proxy_set_header Upgrade $http_upgrade;",
                      "proxy_set_header X-Request-ID $request_id;", "proxy_set_header Host $host;", "location = /metrics"):
        assert directive in text
    from django.conf import settings

    assert settings.BODY_LIMIT_BYTES < 9 * 1024 * 1024, "an upload's part passes the proxy"
