"""What machines tell of themselves, each in its own files; and what they do not tell is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.profiling.machines import FREQUENCY, JETSON, LAPTOP, PI, PLAIN, built
from worker.profiling.sensors import Sensors, Ticks, health

FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
OLD_RAIL = "sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0"


def test_a_raspberry_pi_tells_its_clock_its_heat_and_that_nothing_slows_it(tmp_path: Path) -> None:
    assert health(built(tmp_path, PI)) == {
        "governor": "ondemand", "temperature_c": 82.345, "free_memory_bytes": 5_120_000_000, "throttled": False, "load1": 0.42,
        "clock_mhz": 1500.0}


@pytest.mark.parametrize(("bits", "words"), [
    ("0x50005", ("under-voltage", "throttled")), ("50000", ()), ("0x8", ("soft temperature limit",)),
    ("f", ("under-voltage", "clock capped", "throttled", "soft temperature limit")), ("nonsense", ())])
def test_its_bits_are_read_as_words_of_now(bits: str, words: tuple[str, ...], tmp_path: Path) -> None:
    found = built(tmp_path, PI, {FIRMWARE: bits})
    assert Sensors(found).read().throttled == words
    assert health(found).get("throttled") is (None if bits == "nonsense" else bool(words))


def test_a_jetson_tells_the_power_of_the_whole_board_and_that_it_is_held_back(tmp_path: Path) -> None:
    now = Sensors(built(tmp_path, JETSON)).read()
    assert (now.temperature_c, now.power_w, now.throttled) == (45.5, 7.5, ("slowed down to cool",))
    assert health(tmp_path)["throttled"] is True


def test_an_older_jetson_has_its_rails_elsewhere(tmp_path: Path) -> None:
    rails = {f"{OLD_RAIL}/rail_name_0": "POM_5V_IN", f"{OLD_RAIL}/in_power0_input": "2150"}
    assert Sensors(built(tmp_path, PLAIN, rails)).read().power_w == 2.15


def test_a_laptop_counts_its_throttling_and_its_energy(tmp_path: Path) -> None:
    now = Sensors(built(tmp_path, LAPTOP)).read()
    assert (now.governor, now.temperature_c) == ("performance, powersave", 67.0)
    assert (now.throttle_count, now.energy_uj) == (7, 123_456_789)
    assert health(tmp_path)["throttled"] is False


def test_a_container_without_sensors_tells_memory_and_load_and_guesses_nothing(tmp_path: Path) -> None:
    assert health(built(tmp_path, PLAIN)) == {"free_memory_bytes": 5_120_000_000, "load1": 0.42}


def test_nothing_at_all_is_no_error(tmp_path: Path) -> None:
    assert health(tmp_path / "nowhere") == {}


def test_a_broken_sensor_is_none(tmp_path: Path) -> None:
    odd = {"sys/class/thermal/thermal_zone0/temp": "-274000", f"{FREQUENCY}/scaling_cur_freq": "<unsupported>",
           f"{FREQUENCY.replace('cpu0', 'cpu1')}/scaling_cur_freq": "", "proc/meminfo": "MemAvailable: lots"}
    now = Sensors(built(tmp_path, PI, odd)).read()
    assert (now.temperature_c, now.clock_mhz, now.free_memory_bytes) == (None, None, None)


def test_time_that_other_guests_stole_counts_as_work_and_waiting_for_a_disk_does_not(tmp_path: Path) -> None:
    assert Sensors(built(tmp_path, PLAIN)).read().ticks == Ticks(busy=170, all=1000)


def test_this_machine_answers_in_the_same_words() -> None:
    assert set(health()) <= {"governor", "temperature_c", "free_memory_bytes", "throttled", "load1", "clock_mhz", "power_w"}
