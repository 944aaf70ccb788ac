"""What a machine knows of its own state: governor, clock, temperature, throttling, memory, load, power, energy.

Linux tells it in files; a Raspberry Pi, a Jetson, a laptop and a container each in other ones. What a machine does not tell is
None, never a guess. No NumPy, no torch: an agent reports its board's health from here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from worker.profiling.power import energy_uj, power_w
from worker.profiling.sysfs import field, number, numbers, text, under

PROCESSOR = re.compile(r"cpu|soc|x86_pkg|package|\btj\b|tj-|core|k10|zenpower", re.IGNORECASE)
CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
# Of the kinds of "cooling device" those that cool by being slower; a fan is none.
SLOWING = re.compile(r"^(Processor|thermal-(cpufreq|devfreq)|cpufreq|cpu-|.*throttl)", re.IGNORECASE)
# The low bits of the Raspberry Pi's get_throttled say what is so now.
PI_NOW = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


class Ticks(NamedTuple):
    """What the processors did since the machine started, in ticks: working, and altogether."""

    busy: int
    all: int


@dataclass(frozen=True)
class Reading:
    """One look at the machine. `throttled` names what slows it now; `throttle_count` counts how often it was slowed so far."""

    governor: str = ""
    clock_mhz: float | None = None
    clock_cap_mhz: float | None = None
    temperature_c: float | None = None
    throttled: tuple[str, ...] = ()
    throttle_count: int | None = None
    free_memory_bytes: int | None = None
    load1: float | None = None
    power_w: float | None = None
    energy_uj: int | None = None
    ticks: Ticks | None = None

    @property
    def can_tell_throttling(self) -> bool:
        return bool(self.throttled) or self.throttle_count is not None

    def as_facts(self) -> dict[str, Any]:
        """What is known, as JSON; the ticks mean nothing to a reader."""
        known = {name: value for name, value in vars(self).items() if name != "ticks" and value not in (None, "", ())}
        return known | ({"throttled": list(self.throttled)} if self.throttled else {})


@dataclass(frozen=True)
class Sensors:
    """The files of one machine below `root`; a test gives a folder that looks like one."""

    root: Path = Path("/")

    def read(self) -> Reading:
        cpu = self.root / "sys/devices/system/cpu"
        return Reading(
            governor=_governor(cpu), clock_mhz=_mhz(cpu, "scaling_cur_freq"), clock_cap_mhz=_mhz(cpu, "scaling_max_freq"),
            temperature_c=_temperature(self.root / "sys/class"), throttled=(*_pi(self.root), *_slowed(self.root / "sys/class")),
            throttle_count=_counted(cpu), free_memory_bytes=_free(self.root / "proc/meminfo"), load1=_load(self.root / "proc"),
            power_w=power_w(self.root), energy_uj=energy_uj(self.root), ticks=_ticks(self.root / "proc/stat"),
        )


def health(root: Path = Path("/")) -> dict[str, Any]:
    """A board's health in the words of its agent's report; what the board does not tell is left out."""
    now = Sensors(root).read()
    said = {"governor": now.governor or None, "temperature_c": now.temperature_c, "free_memory_bytes": now.free_memory_bytes,
            "throttled": bool(now.throttled) if _tells(root, now) else None, "load1": now.load1, "clock_mhz": now.clock_mhz,
            "power_w": now.power_w}
    return {name: value for name, value in said.items() if value is not None}


def _tells(root: Path, now: Reading) -> bool:
    """Whether "not throttled" would be knowledge here, and not just silence."""
    return now.can_tell_throttling or _firmware(root) is not None or any(_slowing(root / "sys/class"))


def _governor(cpu: Path) -> str:
    return ", ".join(sorted({found for path in under(cpu, "cpu[0-9]*/cpufreq/scaling_governor") if (found := text(path))}))


def _mhz(cpu: Path, file: str) -> float | None:
    """That of the fastest core: the one that a single thread is moved to."""
    found = numbers(under(cpu, f"cpu[0-9]*/cpufreq/{file}"))
    return max(found) / 1000 if found else None


def _temperature(classes: Path) -> float | None:
    """The hottest of the processor's sensors, in degrees Celsius; a broken one is no sensor."""
    zones = [(text(zone / "type"), number(zone / "temp")) for zone in under(classes, "thermal/thermal_zone*")]
    found = [value for name, value in zones if value is not None and PROCESSOR.search(name)]
    if not found:
        chips = [chip for chip in under(classes, "hwmon/hwmon*") if text(chip / "name") in CHIPS]
        found = [value for chip in chips for value in numbers(under(chip, "temp*_input"))]
    sane = [value / 1000 for value in found if -40_000 <= value <= 150_000]
    return max(sane, default=None)


def _firmware(root: Path) -> int | None:
    """The Raspberry Pi's word of bits, from the kernel or from its own program."""
    told = text(root / FIRMWARE)
    if not told and root == Path("/") and (program := shutil.which("vcgencmd")):
        told = _asked(program).partition("=")[2]
    return int(told, 16) if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,8}", told) else None


def _asked(program: str) -> str:
    try:
        return subprocess.run([program, "get_throttled"], capture_output=True, text=True, timeout=2, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _pi(root: Path) -> list[str]:
    bits = _firmware(root) or 0
    return [word for bit, word in PI_NOW.items() if bits >> bit & 1]


def _slowing(classes: Path) -> list[Path]:
    return [path for path in under(classes, "thermal/cooling_device*") if SLOWING.search(text(path / "type"))]


def _slowed(classes: Path) -> list[str]:
    """Whether the kernel holds a processor back to cool it."""
    return ["slowed down to cool"] if any((number(path / "cur_state") or 0) > 0 for path in _slowing(classes)) else []


def _counted(cpu: Path) -> int | None:
    """How often x86 processors throttled since the machine started."""
    found = numbers(under(cpu, "cpu[0-9]*/thermal_throttle/*_throttle_count"))
    return sum(found) if found else None


def _free(meminfo: Path) -> int | None:
    found = field(meminfo, "MemAvailable")
    return found * 1024 if found is not None else None


def _load(proc: Path) -> float | None:
    found = re.match(r"(\d+\.\d+) ", text(proc / "loadavg"))
    return float(found[1]) if found else None


def _ticks(stat: Path) -> Ticks | None:
    """Idle and waiting for a disk is not working; time stolen by other guests of the same machine is."""
    found = re.match(r"cpu +((?:\d+ ?)+)", text(stat))
    if not found:
        return None
    user, nice, system, idle, *rest = (int(part) for part in found[1].split()[:8])
    waiting = rest[0] if rest else 0
    every = user + nice + system + idle + sum(rest)
    return Ticks(every - idle - waiting, every)
