"""The outline of an ONNX file by its fields: counted as onnx counts, cheap, and at peace with any bytes at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quiet import cpu_s
from tests.worker.inspection import hostile_onnx as build
from worker.dnn import architectures, export
from worker.firstlook import Unfit, graphs, is_safetensors, look

GOOD = build.model()


def test_nodes_and_tensors_are_counted_as_onnx_counts_them(tmp_path: Path) -> None:
    network = architectures.build("resnet20", 10, (3, 32, 32), seed=1)
    model = export.writer.to_model(network, (3, 32, 32), name="net")
    seen = graphs.outline(model.SerializeToString())
    assert (seen.nodes, seen.tensors) == (len(model.graph.node), len(model.graph.initializer))
    assert (seen.graphs, seen.depth, seen.separate) == (1, 1, None)


def test_tensors_are_found_wherever_they_stand() -> None:
    for body in (build.in_a_constant("w.data"), build.in_a_function("w.data")):
        assert graphs.outline(body).separate == "w.data"


@pytest.mark.parametrize("cut", [3, 20, 60, 150, 250])
def test_a_beginning_shows_what_is_in_it_and_no_more_is_asked_of_it(cut: int) -> None:
    assert graphs.glance(GOOD[:cut], len(GOOD)).nodes <= 4
    with pytest.raises(Unfit, match="cut off"):
        graphs.outline(GOOD[:cut])


def test_the_beginning_of_a_large_file_is_looked_at_in_no_time() -> None:
    many = build.field(1, build.field(1, b"a") + build.field(2, b"a") + build.field(4, b"Relu")) * 18_000
    body = b"\x08\x08" + build.field(7, many)
    assert cpu_s(lambda: graphs.glance(body, len(body)), 0.5) < 0.5


def test_a_model_whose_bytes_resemble_a_header_of_safetensors_is_a_model() -> None:
    body = b"\x08\x08\x3a\x80\x80\x80\x01\x0a{" + bytes(90)
    assert not is_safetensors(body, len(body)) and graphs.looks_like_onnx(body)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_behind_a_models_first_field_end_in_a_sentence_or_a_count(rest: bytes) -> None:
    body = b"\x08\x08" + rest
    for sees in (graphs.outline, lambda given: graphs.glance(given, len(given) + 7)):
        try:
            sees(body)
        except Unfit as unfit:
            assert str(unfit).isprintable() and str(unfit).endswith(".")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD)))
def test_a_good_model_with_one_byte_changed_or_cut_off_ends_in_a_sentence_or_a_count(at: int, byte: int, end: int) -> None:
    body = bytearray(GOOD)
    body[at] = byte
    for given_ in (bytes(body), bytes(body[:end])):
        try:
            look("model", "net.onnx", given_, len(given_))
            graphs.outline(given_)
        except Unfit as unfit:
            assert str(unfit).isprintable()


@pytest.mark.parametrize(("place", "told"), [
    ("../secret.bin", "leads out of the upload"), ("/etc/passwd", "leads out of the upload"),
    ("a/../b", "leads out of the upload"), ("w.data", "drop both together"), ("parts/w.data", "drop both together")])
def test_weights_that_could_never_be_sent_along_are_not_asked_for(place: str, told: str) -> None:
    with pytest.raises(Unfit, match=told):
        graphs.alone(graphs.Outline(separate=place))
