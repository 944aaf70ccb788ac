"""A written variant: two files, equal answers, facts that fit."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from worker.dnn import architectures, files
from worker.profiling.variants import Variant, write
from worker.profiling.written import slug

SHAPE = (3, 32, 32)


def written(folder: Path, **changes: Any) -> Variant:
    running = write(architectures.build("lenet5", seed=2), "net 0.5", in_shape=SHAPE, classes=10, folder=folder)
    while True:
        try:
            next(running)
        except StopIteration as end:
            found: Variant = end.value
            return found


def test_the_file_has_the_hash_and_the_size_it_says(tmp_path: Path) -> None:
    variant = written(tmp_path)
    body = variant.path.read_bytes()
    assert variant.sha256 == hashlib.sha256(body).hexdigest()
    assert variant.facts.size_bytes == len(body)


def test_both_files_answer_alike(tmp_path: Path) -> None:
    variant = written(tmp_path)
    images = torch.randn(3, *SHAPE)
    with torch.no_grad():
        expected = files.load(variant.path).network(images).numpy()
    session = onnxruntime.InferenceSession(str(variant.onnx))
    found = session.run(None, {session.get_inputs()[0].name: images.numpy()})[0]
    assert np.abs(found - expected).max() < 1e-5


def test_the_event_names_files_in_the_runs_folder(tmp_path: Path) -> None:
    said = written(tmp_path).said()
    assert said.file == "net-0.5.safetensors" and said.onnx == "net-0.5.onnx"
    assert (tmp_path / said.file).exists() and (tmp_path / said.onnx).exists()


def test_a_name_is_never_a_path() -> None:
    assert slug("../../etc/passwd") == "etc-passwd"
    assert slug("///") == "variant"


def test_the_difference_of_the_two_files_is_told_relative_to_the_answers(tmp_path: Path) -> None:
    network = architectures.build("lenet5", seed=2)
    with torch.no_grad():
        list(network.parameters())[-2].mul_(1e12)
    said = [event.message for event in write(network, "large", in_shape=SHAPE, classes=10, folder=tmp_path)]
    found = re.fullmatch(r"large: the ONNX file's answers differ from torch's by at most (\S+) of the largest\.", said[0])
    assert found and float(found[1]) < 1e-4
