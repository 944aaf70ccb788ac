"""`python -m worker inspect`: facts or the refusal; wrong words are told without loading torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from worker.dnn import architectures, export

ROOT = Path(__file__).resolve().parents[3]


def inspect(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "-m", "worker", "inspect", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def told(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join(line for line in done.stderr.splitlines() if not line.startswith("import time:"))


def loads_torch(done: subprocess.CompletedProcess[str]) -> bool:
    return any(line.rpartition("|")[2].strip() == "torch" for line in done.stderr.splitlines())


def test_weights_become_facts_and_files(tmp_path: Path) -> None:
    torch.save(architectures.build("lenet5", 10, (1, 8, 8), seed=1).state_dict(), tmp_path / "w.pt")
    done = inspect(tmp_path / "w.pt", "--architecture", "lenet5", "--in-shape", "1x8x8", "--out", tmp_path / "out")
    assert done.returncode == 0, told(done)
    facts = json.loads(done.stdout)
    assert (facts["classes"], facts["in_shape"]) == (10, [1, 8, 8]) and (tmp_path / "out" / facts["onnx"]).is_file()
    assert (tmp_path / "w.pt").is_file()


def test_an_onnx_file_tells_its_shapes_costs_layers_cuts_and_parity_as_one_object(tmp_path: Path) -> None:
    export.to_onnx(architectures.build("resnet20", 7, (3, 32, 32), seed=1), (3, 32, 32), tmp_path / "net.onnx")
    done = inspect(tmp_path / "net.onnx")
    assert done.returncode == 0, told(done)
    facts = json.loads(done.stdout)
    assert (facts["in_shape"], facts["out_shape"], facts["classes"]) == ([3, 32, 32], [7], 7)
    assert facts["params"] == facts["facts"]["params"] > 270_000 and facts["macs"] > 40_000_000 and facts["activation_bytes"] > 0
    assert {"conv1", "fc"} < {layer["name"] for layer in facts["layers"]} and all(cut["bytes"] > 0 for cut in facts["cuts"])
    assert set(facts["parity"]) == {"max_abs", "max_relative"} and 0 < facts["parity"]["max_relative"] < 1e-5
    more = json.loads(inspect(tmp_path / "net.onnx", "--most-tensors", "2").stdout)
    assert {len(cut["tensors"]) for cut in facts["cuts"]} == {1} and {len(cut["tensors"]) for cut in more["cuts"]} == {1, 2}
    assert more | {"cuts": 0} == facts | {"cuts": 0}


def test_an_onnx_file_is_given_its_data_files_one_by_one_and_reads_no_other(tmp_path: Path) -> None:
    export.to_onnx(architectures.build("lenet5", 10, (1, 8, 8), seed=1), (1, 8, 8), tmp_path / "whole.onnx")
    onnx.save(onnx.load(tmp_path / "whole.onnx"), tmp_path / "net.onnx", save_as_external_data=True, size_threshold=0,
              location="w.bin")
    alone = inspect(tmp_path / "net.onnx")
    assert alone.returncode == 2 and "'w.bin'" in told(alone) and not loads_torch(alone)
    together = inspect(tmp_path / "net.onnx", "--data", tmp_path / "w.bin")
    assert together.returncode == 0 and json.loads(together.stdout)["classes"] == 10


def test_a_data_set_tells_its_parts(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.zeros((50, 8, 8), np.uint8), labels=np.arange(50) % 5)
    done = inspect(tmp_path / "d.npz")
    assert json.loads(done.stdout)["counts"] == {"train": 35, "validation": 5, "test": 10}


def test_weights_of_another_network_exit_2_with_what_fits(tmp_path: Path) -> None:
    torch.save(architectures.build("lenet5", 10, (1, 8, 8), seed=1).state_dict(), tmp_path / "w.pt")
    done = inspect(tmp_path / "w.pt", "--architecture", "resnet20", "--in-shape", "1x8x8")
    assert done.returncode == 2 and "not those of resnet20" in told(done) and "fit: lenet5" in told(done)


@pytest.mark.parametrize(("words", "said"), [
    (["nothing.pt"], "a file that can be read"), (["README.md"], "neither"), (["README.md", "--kind", "film"], "model, dataset"),
    (["README.md", "--in-shape", "3x3"], "as 3x32x32"), (["README.md", "--architecture", "skynet"], "resnet20"),
    (["README.md", "--classes", "0"], "greater than or equal to 1")])
def test_wrong_words_exit_2_at_once(words: list[str], said: str) -> None:
    done = inspect(*words)
    assert done.returncode == 2 and said in told(done) and not loads_torch(done)
