"""A person reads our own words about what broke; a library's text, class names and paths stay in the trace."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.reasons import DISK, FILE_SIZE, INSIDE, MEMORY, is_ours, reason


def caught(act: Callable[[], object]) -> Exception:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("nothing broke")


def at_home(source: str) -> Exception:
    """What breaks when this source stands in a module of the workshop."""
    return caught(lambda: exec(compile(source, "<workshop>", "exec"), {"__name__": "worker.somewhere"}))


@pytest.mark.parametrize("source", [
    "raise ValueError('The shapes do not fit.\\nmore')",
    "class Refused(ValueError): pass\nraise Refused('The shapes do not fit.')",
    "try:\n  int('x')\nexcept ValueError as error:\n  raise ValueError('The shapes do not fit.') from error",
    "def steps():\n  yield 1\n  raise ValueError('The shapes do not fit.')\nlist(steps())",
])
def test_a_value_error_that_the_workshop_raised_is_told_in_its_own_words(source: str) -> None:
    assert reason(at_home(source)) == "The shapes do not fit."


@pytest.mark.parametrize("source", [
    "int('/root/secret')", "import json\njson.loads('{')", "b'\\xff'.decode()",
    "import torch\ntorch.zeros(2, 3) @ torch.zeros(2, 3)",
    "open('/nowhere/of/ours')", "{}['key']", "raise RuntimeError('not written for a person')", "raise ValueError",
    "from worker.params import Params\nParams(seed='/root/secret')", "assert False, 'inside'",
    "import safetensors.torch as st\nst.load(b'nothing')",
])
def test_a_librarys_text_is_never_told(source: str) -> None:
    error = at_home(source)
    assert reason(error) == INSIDE and not (is_ours(error) and str(error))


def test_a_value_error_raised_outside_of_the_workshop_is_not_told() -> None:
    def outside() -> None:
        raise ValueError("a library's words")

    assert reason(caught(outside)) == INSIDE


def test_a_long_sentence_is_cut() -> None:
    assert reason(at_home("raise ValueError('x' * 9000)")) == "x" * 500


@pytest.mark.parametrize("error", [
    MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried "
                 "to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)"),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 139 GiB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    Exception("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 9"),
    Exception("[ONNXRuntimeError] : 1 : FAIL : std::bad_alloc"),
])
def test_too_little_memory_is_told_whoever_noticed_it(error: Exception) -> None:
    assert reason(error) == MEMORY


@pytest.mark.parametrize(("number", "told"), [
    (errno.ENOSPC, DISK), (errno.EDQUOT, DISK), (errno.EFBIG, FILE_SIZE), (errno.EACCES, INSIDE), (errno.EIO, INSIDE),
])
def test_a_full_disk_and_a_file_that_grew_too_large_are_told_apart(number: int, told: str) -> None:
    assert reason(OSError(number, "words of the system", "/root/a/path")) == told


def test_what_the_machine_lacked_is_told_before_what_broke_over_it() -> None:
    error = at_home("try:\n  raise MemoryError\n"
                    "except MemoryError as e:\n  raise ValueError('The layer cannot be built.') from e")
    assert reason(error) == MEMORY


HUNGRY = {
    "torch": "import torch; act = lambda: torch.zeros(10**9)",
    "numpy": "import numpy; act = lambda: numpy.zeros(10**9)",
    "onnxruntime": """
import numpy, onnx, onnxruntime
from onnx import TensorProto as T, helper as h
graph = h.make_graph([h.make_node("Expand", ["x", "shape"], ["y"])], "g",
                     [h.make_tensor_value_info("x", T.FLOAT, [1]), h.make_tensor_value_info("shape", T.INT64, [1])],
                     [h.make_tensor_value_info("y", T.FLOAT, None)])
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8).SerializeToString()
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
act = lambda: session.run(None, {"x": numpy.zeros(1, numpy.float32), "shape": numpy.array([10**10])})
""",
}


@pytest.mark.parametrize("library", sorted(HUNGRY))
def test_every_librarys_real_complaint_about_memory_is_known(library: str) -> None:
    program = HUNGRY[library] + f"""
import resource
from pathlib import Path
from worker.reasons import reason
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000, -1))
try:
    act()
except Exception as error:
    print(repr(error)[:300]); print(reason(error) == {MEMORY!r})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True,
                          check=False)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stdout + done.stderr


def test_a_file_beyond_its_limit_is_told(tmp_path: Path) -> None:
    program = (f"import resource, signal; from pathlib import Path; from worker.reasons import reason\n"
               f"signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
               f"try:\n  Path({str(tmp_path / 'large')!r}).write_bytes(bytes(5000))\n"
               f"except OSError as error:\n  print(reason(error))")
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == FILE_SIZE
