"""The yardstick of a device: small, the same work every time, and readable by a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np

from tests.portal import ROOT, strain
from worker.profiling.yardstick import _Lap, yardstick


def test_it_reads_a_median_within_its_interval_and_takes_no_time_to_speak_of() -> None:
    begun = time.process_time()
    found = yardstick()
    assert time.process_time() - begun < 0.5 * strain()
    assert found["low_ms"] is not None and found["high_ms"] is not None
    assert 0 < found["low_ms"] <= found["median_ms"] <= found["high_ms"]


def test_every_lap_is_the_same_work() -> None:
    one, other = _Lap(), _Lap()
    one()
    far, out = one._far.copy(), one._out.copy()
    one()
    other()
    assert np.array_equal(one._far, far) and np.array_equal(one._out, out) and np.array_equal(other._out, out)


def test_a_program_of_its_own_prints_it_and_loads_no_engine() -> None:
    code = ("import runpy, sys; runpy.run_module('worker.profiling.yardstick', run_name='__main__'); "
            "print([name for name in ('torch', 'onnxruntime', 'django') if name in sys.modules])")
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
                          capture_output=True, text=True, check=True).stdout.splitlines()
    assert set(json.loads(said[0])) == {"median_ms", "low_ms", "high_ms", "noisy"} and said[1] == "[]"
