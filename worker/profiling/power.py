"""What a machine draws, where it has a sensor: the energy counters of x86 packages (RAPL), the INA chips of boards."""

from __future__ import annotations

from pathlib import Path

from worker.profiling.sysfs import number, numbers, text, under

# The whole board, as makers label its rail, before any part of it.
WHOLE = ("VDD_IN", "POM_5V_IN", "VDD_GPU_SOC", "TOTAL")


def energy_uj(root: Path) -> int | None:
    """Microjoules counted so far by all processor packages; most systems let only root read it."""
    found = numbers(path / "energy_uj" for path in under(root / "sys/class/powercap", "intel-rapl:[0-9]*")
                    if text(path / "name").startswith("package"))
    return sum(found) if found else None


def energy_range_uj(root: Path) -> int:
    """Where the counter starts again from nothing; 0 where it is not told, or where several counters are summed."""
    found = numbers(path / "max_energy_range_uj" for path in under(root / "sys/class/powercap", "intel-rapl:[0-9]*")
                    if text(path / "name").startswith("package"))
    return found[0] if len(found) == 1 else 0


def power_w(root: Path) -> float | None:
    """Watts drawn now: of the whole board where a rail says that it is it, else of the first rail."""
    rails = [*_hwmon(root), *_jetson(root)]
    for name in WHOLE:
        for label, watts in rails:
            if label.upper() == name:
                return watts
    return rails[0][1] if rails else None


def _hwmon(root: Path) -> list[tuple[str, float]]:
    """Each rail of an INA chip: its power in microwatts, or volts times amperes in thousandths."""
    found = []
    for chip in under(root / "sys/class/hwmon", "hwmon*"):
        if not text(chip / "name").startswith("ina"):
            continue
        found += [(text(path.with_name(path.name.replace("input", "label"))), watts / 1e6)
                  for path in under(chip, "power*_input") if (watts := number(path)) is not None]
        for path in under(chip, "curr*_input"):
            index = path.name.removeprefix("curr").removesuffix("_input")
            amperes, volts = number(path), number(chip / f"in{index}_input")
            if amperes is not None and volts is not None:
                found.append((text(chip / f"in{index}_label"), amperes * volts / 1e6))
    return found


def _jetson(root: Path) -> list[tuple[str, float]]:
    """Older Jetsons: milliwatts below the bus of the chip."""
    rails = under(root / "sys/bus/i2c/drivers/ina3221x", "*/iio:device*/in_power*_input")
    return [(text(path.with_name(path.name.replace("in_power", "rail_name_").replace("_input", ""))), watts / 1e3)
            for path in rails if (watts := number(path)) is not None]
