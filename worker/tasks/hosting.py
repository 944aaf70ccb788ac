"""What a worker says of the host it runs on: what it is, how it is, whether it works, and once an hour its yardstick."""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.devices.models import Baseline, Device
from apps.experiments.models import HELD, Run
from worker.profiling import sensors

log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
PATIENCE_S = 20.0
RUNTIMES = ("onnxruntime", "torch", "numpy")


def tell() -> None:
    """This host is here. Its devices, one a team, hear it in one statement."""
    Device.objects.filter(host=settings.HOST, retired=False).update(
        last_seen=timezone.now(), alerted=None, busy=_holds_a_run(), health=sensors.health(), **about_this_host())


def measure_when_due() -> bool:
    """Time the yardstick, an hour after the last time and only while nothing else works here; whether it did."""
    mine = list(Device.objects.filter(host=settings.HOST, retired=False).values_list("pk", flat=True))
    if not mine or Baseline.objects.filter(device__in=mine, at__gt=timezone.now() - EVERY).exists() or _holds_a_run():
        return False
    found = reading()
    if found is None or _holds_a_run():
        return False
    now = timezone.now()
    Baseline.objects.bulk_create(Baseline(device_id=pk, at=now, **found) for pk in mine)
    return True


def reading() -> dict[str, Any] | None:
    """One reading by a process of its own, so that the worker loads no NumPy and one thread is one thread."""
    command = [sys.executable, "-m", "worker.profiling.yardstick"]
    alone = {"PATH": os.environ.get("PATH", ""), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        said = subprocess.run(command, cwd=settings.BASE_DIR, env=alone, capture_output=True, timeout=PATIENCE_S, check=True)
        found: dict[str, Any] = json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        log.warning("The yardstick of %s could not be read: %s", settings.HOST, error)
        return None
    return found


def about_this_host() -> dict[str, Any]:
    """What the registry shows of the machine this worker runs on."""
    return {"os": f"{platform.system()} {platform.release()}"[:120], "cores": os.cpu_count(), "runtimes": _runtimes(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")}


def _runtimes() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in RUNTIMES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _holds_a_run() -> bool:
    """Whether any worker of this host does, of whatever team."""
    return Run.objects.filter(status__in=HELD, worker__endswith=f"@{settings.HOST}").exists()
