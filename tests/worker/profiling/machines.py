"""Folders that look like the /sys and /proc of machines that are not here."""

from __future__ import annotations

from pathlib import Path

MEMINFO = "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:    5000000 kB\n"
STAT = "cpu  100 0 50 800 30 0 5 15 7 0\ncpu0 100 0 50 800 30 0 5 15 7 0\n"
PLAIN = {"proc/meminfo": MEMINFO, "proc/loadavg": "0.42 0.30 0.20 1/300 4242", "proc/stat": STAT}
CPU = "sys/devices/system/cpu"
FREQUENCY = f"{CPU}/cpu0/cpufreq"


def built(root: Path, *parts: dict[str, str]) -> Path:
    """The folder with these files in it."""
    for path, body in (item for part in parts for item in part.items()):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(body + "\n")
    return root


PI = PLAIN | {
    f"{FREQUENCY}/scaling_governor": "ondemand", f"{FREQUENCY}/scaling_cur_freq": "1500000",
    f"{FREQUENCY}/scaling_max_freq": "1800000", f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "600000",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal", "sys/class/thermal/thermal_zone0/temp": "82345",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0",
}
JETSON = PLAIN | {
    f"{FREQUENCY}/scaling_governor": "schedutil", f"{FREQUENCY}/scaling_cur_freq": "1190400",
    "sys/class/thermal/thermal_zone0/type": "CPU-therm", "sys/class/thermal/thermal_zone0/temp": "45500",
    "sys/class/thermal/thermal_zone1/type": "PMIC-Die", "sys/class/thermal/thermal_zone1/temp": "100000",
    "sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0", "sys/class/thermal/cooling_device0/cur_state": "2",
    "sys/class/hwmon/hwmon3/name": "ina3221", "sys/class/hwmon/hwmon3/in1_label": "VDD_CPU",
    "sys/class/hwmon/hwmon3/in1_input": "5000", "sys/class/hwmon/hwmon3/curr1_input": "400",
    "sys/class/hwmon/hwmon3/in2_label": "VDD_IN", "sys/class/hwmon/hwmon3/in2_input": "5000",
    "sys/class/hwmon/hwmon3/curr2_input": "1500",
}
LAPTOP = PLAIN | {
    f"{FREQUENCY}/scaling_governor": "powersave", f"{FREQUENCY}/scaling_cur_freq": "3400000",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance",
    f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "3", f"{CPU}/cpu0/thermal_throttle/package_throttle_count": "4",
    "sys/class/thermal/thermal_zone0/type": "acpitz", "sys/class/thermal/thermal_zone0/temp": "99000",
    "sys/class/hwmon/hwmon4/name": "coretemp", "sys/class/hwmon/hwmon4/temp1_input": "67000",
    "sys/class/hwmon/hwmon4/temp2_input": "65000",
    "sys/class/thermal/cooling_device0/type": "Processor", "sys/class/thermal/cooling_device0/cur_state": "0",
    "sys/class/powercap/intel-rapl:0/name": "package-0", "sys/class/powercap/intel-rapl:0/energy_uj": "123456789",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850",
    "sys/class/powercap/intel-rapl:0:0/name": "core", "sys/class/powercap/intel-rapl:0:0/energy_uj": "1",
}
