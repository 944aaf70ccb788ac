"""A network with an int8 transfer layer run in parts: bytes go from process to process, and the answers stay what they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.worker.partitioning.slices_built import Built, answers, chain, heard, hosts
from tests.worker.partitioning.test_transfer_inside_a_network import SHAPE, lenet, placed_with
from worker.context import Context, DatasetInput, ModelInput
from worker.dnn import files
from worker.dnn.slices import split
from worker.links.frames import Frame, size
from worker.partitioning.slicing import preparing
from worker.partitioning.slicing.asked import asked
from worker.partitioning.transfer.carrying import sends_int8
from worker.partitioning.transfer.insertion import shape_at
from worker.partitioning.transfer.options import read
from worker.planning.parted import read_links, read_plan

LINE, LINKS = "max-pool, int8", "pi to cloud: 1 ms, 100 Mbit/s"


@pytest.mark.parametrize(("line", "whole"), [(LINE, True), ("identity, int8 per channel", True), ("max-pool", False)])
def test_a_head_says_by_its_last_layers_whether_it_sends_int8(line: str, whole: bool) -> None:
    found = placed_with(line)
    assert sends_int8(found.split().head.network) is whole
    assert not sends_int8(found.split().tail.network) and not sends_int8(split(lenet(), SHAPE, "relu1").head.network)


def test_bytes_go_from_process_to_process_and_the_answers_stay(tmp_path: Path) -> None:
    found, file = placed_with(LINE), tmp_path / "cut.safetensors"
    files.save(found.network, file, in_shape=SHAPE, classes=10, name="cut", trained=True)
    context = Context(tmp_path / "run", inputs={"model": ModelInput("cut", file=file), "dataset": DatasetInput("digits")})
    parts = read_plan(f"pi until {found.down}; cloud")
    links = read_links(LINKS, [part.name for part in parts])
    order, _ = heard(preparing.prepare(parts, links, "onnxruntime", 6, context))
    what = asked(order, engine="onnxruntime", images=6, warmup=1, context=context)
    payload = read(LINE).payload_bytes(shape_at(lenet(), SHAPE, "relu1"))
    assert what.out_bytes[0] == payload == 96
    given = Built(what, context, load_file(tmp_path / "run" / "images.safetensors"))
    with hosts(given) as on, chain(given, on) as through:
        assert answers(given, through, *range(6)) == (True, [])
        ran, _ = heard(through.image(6, given.arrays["images"][:1]))
    assert ran.stamps[0].tensor_bytes == payload
    plain = size(Frame("image", {"image": 1}, {"x": np.zeros((1, 6, 4, 4), np.int8)}))
    assert ran.stamps[0].sent_bytes is not None and abs(ran.stamps[0].sent_bytes - plain) < 400
    whole = given.arrays["whole"]
    assert np.abs(given.arrays["slices"] - whole).max() <= 2e-2 * np.abs(whole).max()
