"""`python -m worker prune | export | diff`: networks in, smaller or other files out, told as one JSON object."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from worker.dnn import architectures, files

ROOT = Path(__file__).resolve().parents[3]
Cli = Callable[..., tuple[int, str, str]]
SHAPE = (3, 32, 32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "resnet.safetensors"
    files.save(architectures.build("resnet20", 10, SHAPE, seed=3), path, in_shape=SHAPE, classes=10, name="resnet")
    return path


def said(cli: Cli, *words: str | Path) -> dict[str, Any]:
    code, out, err = cli(*map(str, words))
    assert code == 0 and out.count("\n") == 1, err
    found: dict[str, Any] = json.loads(out)
    return found


def refused(cli: Cli, *words: str | Path, lines: int = 1) -> str:
    code, out, err = cli(*map(str, words))
    assert (code, out, err.count("\n")) == (2, "", lines)
    return err


def answer(path: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input": images})
    return np.asarray(found)


def is_told_rightly(told: dict[str, Any]) -> bool:
    path = Path(told["file"])
    return (told["sha256"], told["size_bytes"]) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


@pytest.mark.parametrize("fold", [[], ["--fold"]], ids=["as it is", "folded"])
def test_an_onnx_file_is_written_with_its_hash_and_its_parity(cli: Cli, network: Path, tmp_path: Path, fold: list[str]) -> None:
    told = said(cli, "export", network, "--to", "onnx", "--out", tmp_path / "new" / "a.onnx", *fold)
    assert is_told_rightly(told) and told["parity"]["max_relative"] < 1e-5 and told["out_shape"] == [10]
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    with torch.no_grad():
        mine = files.load(network).network(torch.from_numpy(images)).numpy()
    assert np.allclose(answer(tmp_path / "new" / "a.onnx", images), mine, rtol=1e-4, atol=1e-4)
    nodes = onnxruntime.InferenceSession(tmp_path / "new" / "a.onnx").get_modelmeta().producer_name
    assert nodes == "EdgePortal" and (told["params"] < 272_474) == bool(fold)


def test_without_a_name_the_file_is_written_beside_the_one_that_is_read_and_never_over_another(
    cli: Cli, network: Path, tmp_path: Path,
) -> None:
    given = tmp_path / "net.safetensors"
    given.symlink_to(network)
    written = [Path(said(cli, "export", given, "--to", "onnx")["file"]).name for _ in range(2)]
    written += [Path(said(cli, "export", tmp_path / "net.onnx", "--to", "onnx", *fold)["file"]).name for fold in ([], ["--fold"])]
    told = said(cli, "export", given, "--to", "slices", "--after", "stages.0.2.relu2")
    assert written == ["net.onnx", "net-2.onnx", "net-3.onnx", "net-folded.onnx"]
    assert Path(told["head"]["file"]).parent.name == "net-slices" and is_told_rightly(told["tail"])
    assert (tmp_path / "net.onnx").read_bytes() == (tmp_path / "net-2.onnx").read_bytes()


def test_onnx_becomes_safetensors_with_the_same_answers(cli: Cli, network: Path, tmp_path: Path) -> None:
    said(cli, "export", network, "--to", "onnx", "--out", tmp_path / "a.onnx")
    told = said(cli, "export", tmp_path / "a.onnx", "--to", "safetensors", "--out", tmp_path / "a.safetensors")
    assert is_told_rightly(told) and told["parity"]["max_relative"] < 1e-5
    images = torch.rand(2, *SHAPE)
    one, other = (files.load(path) for path in (network, tmp_path / "a.safetensors"))
    assert torch.equal(one.network(images), other.network(images)) and other.classes == 10


def test_slices_answer_together_as_the_whole(cli: Cli, network: Path, tmp_path: Path) -> None:
    told = said(cli, "export", network, "--to", "slices", "--after", "stages.0.2.relu2", "--out", tmp_path / "cut")
    assert is_told_rightly(told["head"]) and is_told_rightly(told["tail"])
    assert (told["crossing_shape"], told["crossing_bytes"]) == ([16, 32, 32], 4 * 16 * 32 * 32)
    assert told["head"]["out_shape"] == told["tail"]["in_shape"] and told["head"]["params"] + told["tail"]["params"] == 272_474
    images = np.random.default_rng(0).random((3, *SHAPE), np.float32)
    found = answer(tmp_path / "cut" / "tail.onnx", answer(tmp_path / "cut" / "head.onnx", images))
    with torch.no_grad():
        assert np.allclose(found, files.load(network).network(torch.from_numpy(images)).numpy(), rtol=1e-4, atol=1e-4)


def test_a_cut_across_several_results_names_them(cli: Cli, network: Path, tmp_path: Path) -> None:
    words = ("export", network, "--to", "slices", "--out", tmp_path, "--after")
    assert "parts 2 results" in refused(cli, *words, "stages.0.0.conv1")
    assert "to be cut behind; it has stages.0.0.conv" in refused(cli, *words, "stages.0.0.conv9")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["onnx", "safetensors"])
def test_half_the_channels_are_pruned_and_the_file_runs(cli: Cli, network: Path, tmp_path: Path, ending: str) -> None:
    told = said(cli, "prune", network, "--channels", "0.5", "--out", tmp_path / f"small.{ending}")
    assert is_told_rightly(told) and told["parity"]["max_relative"] < 1e-5
    assert told["before"]["params"] == 272_474 and told["after"]["params"] == told["params"] < 272_474 / 3.5
    assert told["after"]["macs"] < told["before"]["macs"] / 3.5
    first = told["channels"]["conv1"]
    assert (first["before"], first["after"], len(first["kept"])) == (16, 8, 8)
    assert told["channels"]["fc"]["after"] == 10 and "fc" in told["reasons"] and "conv1" not in told["reasons"]


def test_the_channels_with_the_largest_weights_stay(cli: Cli, network: Path, tmp_path: Path) -> None:
    told = said(cli, "prune", network, "--channels", "0.25", "--round-to", "3", "--out", tmp_path / "small.safetensors")
    kept = told["channels"]["stages.1.0.conv1"]["kept"]
    norms = files.load(network).network.get_submodule("stages.1.0.conv1").weight.abs().sum((1, 2, 3))
    assert len(kept) == 9 and set(kept) == set(norms.topk(9).indices.tolist())


def test_weights_alone_are_read_with_their_architecture(cli: Cli, tmp_path: Path) -> None:
    torch.save(architectures.build("lenet5", 10, (1, 8, 8), seed=1).state_dict(), tmp_path / "w.pt")
    words = ("prune", tmp_path / "w.pt", "--out", tmp_path / "s.onnx")
    assert said(cli, *words, "--architecture", "lenet5", "--in-shape", "1x8x8")["in_shape"] == [1, 8, 8]
    assert "choose its architecture" in refused(cli, *words, lines=2)


def test_a_difference_is_told_row_by_row_or_as_a_table(cli: Cli, network: Path, tmp_path: Path) -> None:
    said(cli, "prune", network, "--out", tmp_path / "small.onnx")
    told = said(cli, "diff", network, tmp_path / "small.onnx")
    assert told["counts"]["narrowed"] == 73 and told["params"]["before"] == 272_474 > told["params"]["after"]
    code, out, _ = cli("diff", str(network), str(tmp_path / "small.onnx"), "--table")
    lines = out.splitlines()
    assert code == 0 and lines[1].split()[:3] == ["conv1", "narrowed", "Conv2d"] and "432 > 216" in lines[1]
    assert "73 narrowed" in lines and lines[-3].startswith("parameters: 272,474 > ")


@pytest.mark.parametrize(("words", "told"), [
    (["prune", "{net}", "--channels", "0", "--out", "{out}/a.onnx"], "channels: got 0.0; allowed: more than 0 and at most 1"),
    (["prune", "{net}", "--channels", "nan", "--out", "{out}/a.onnx"], "channels: got nan"),
    (["prune", "{net}", "--out", "{out}/a.pt"], "ending in .onnx or .safetensors"),
    (["prune", "{net}", "--out", "{net}"], "another file than the one that is read"),
    (["prune", "nothing.onnx", "--out", "{out}/a.onnx"], "file: got 'nothing.onnx'; allowed: a file that can be read"),
    (["prune", "{net}", "--out", "/proc/a/b.onnx"], "out: "),
    (["export", "{net}", "--to", "pickle", "--out", "{out}/a.onnx"], "to: got 'pickle'; allowed: onnx, safetensors, slices"),
    (["export", "{net}", "--to", "onnx", "--out", "{out}"], "ending in .onnx"),
    (["export", "nothing.onnx", "--to", "onnx"], "file: got 'nothing.onnx'; allowed: a file that can be read"),
    (["export", "{out}", "--to", "onnx"], "allowed: a file that can be read"),
    (["export", "x" * 300, "--to", "onnx"], "allowed: a file that can be read"),
    (["export", "{net}", "--to", "onnx", "--out", "{out}/a.safetensors"], "ending in .onnx"),
    (["export", "{net}", "--to", "slices", "--out", "{out}"], "slices need --after LAYER"),
    (["export", "{net}", "--to", "onnx", "--out", "{out}/a.onnx", "--after", "fc"], "only --to slices takes it"),
    (["export", "{net}", "--to", "slices", "--after", "fc", "--out", "{net}"], "allowed: a folder that can be written"),
    (["export", "{net}", "--to", "safetensors", "--fold", "--out", "{out}/a.safetensors"], "only --to onnx takes it"),
    (["export", "README.md", "--to", "onnx", "--out", "{out}/a.onnx"], "neither"),
    (["diff", "{net}", "README.md"], "neither"),
    (["diff", "{net}", "{net}", "--architecture", "skynet"], "architecture: got 'skynet'"),
    (["diff", "{net}", "{net}", "--in-shape", "3"], "three whole numbers"),
])
def test_wrong_words_are_refused_in_one_line(cli: Cli, network: Path, tmp_path: Path, words: list[str], told: str) -> None:
    assert told in refused(cli, *(word.format(net=network, out=tmp_path) for word in words))
    assert not list(tmp_path.iterdir())


def test_wrong_words_are_told_without_loading_torch(network: Path, tmp_path: Path) -> None:
    words = ["prune", str(network), "--channels", "2", "--out", str(tmp_path / "a.onnx")]
    command = [sys.executable, "-X", "importtime", "-m", "worker", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 2 and "typer" in loaded and not loaded & {"torch", "numpy", "onnxruntime"}


def test_a_network_for_other_images_is_refused(cli: Cli, network: Path, tmp_path: Path) -> None:
    told = refused(cli, "export", network, "--to", "onnx", "--out", tmp_path / "a.onnx", "--in-shape", "1x8x8")
    assert "images of 3x32x32; 1x8x8 was asked for" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told_beforehand(cli: Cli, network: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "a folder that can be written" in refused(cli, "prune", network, "--out", tmp_path / "a.onnx")
