"""What is put into a frame comes out of it: kind, facts, and tensors of any type and shape, bit by bit."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.worker.links.ends import forged, packed, unpacked
from worker.links import bodies, frames
from worker.links.faults import Strange, TooLarge
from worker.links.frames import Frame

DTYPES = st.sampled_from([np.dtype(code).newbyteorder(order) for code in bodies.CODES.values() for order in "<>"])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
TENSORS = st.dictionaries(st.text(max_size=8), DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES)), max_size=4)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8)
FACTS = st.dictionaries(st.text(), JSON, max_size=4)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """The same bits, NaNs too, whatever the order of bytes in memory."""
    little = [np.asarray(each, each.dtype.newbyteorder("<"), order="C") for each in (one, other)]
    return little[0].dtype == little[1].dtype and one.shape == other.shape and little[0].tobytes() == little[1].tobytes()


@given(st.from_regex(frames.KIND, fullmatch=True), FACTS, TENSORS)
def test_any_facts_and_tensors_come_back(kind: str, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    back = unpacked(packed(Frame(kind, facts, tensors)))
    assert (back.kind, back.facts, list(back.tensors)) == (kind, facts, list(tensors))
    assert all(same(back.tensors[name], tensor) for name, tensor in tensors.items())


@given(hnp.arrays(np.float32, st.just((4, 5, 6))), st.permutations([0, 1, 2]),
       st.lists(st.sampled_from([-2, -1, 1, 2, 3]), min_size=3, max_size=3))
def test_a_tensor_may_be_strided_turned_or_backwards(whole: np.ndarray, axes: list[int], steps: list[int]) -> None:
    view = whole.transpose(axes)[tuple(slice(None, None, step) for step in steps)]
    assert same(unpacked(packed(Frame("image", tensors={"x": view}))).tensors["x"], view)


def test_a_tensor_of_no_dimension_and_one_of_no_element_stay_what_they_are() -> None:
    given = {"none": np.float64(3.5), "empty": np.empty((0, 7), ">i2"), "one": np.array([[True]])}
    back = unpacked(packed(Frame("image", tensors=given))).tensors
    assert [(back[name].shape, back[name].dtype.str) for name in given] == [((), "<f8"), ((0, 7), "<i2"), ((1, 1), "|b1")]


def test_the_bytes_of_a_tensor_are_its_own() -> None:
    large = np.ones((3, 1000, 1000), np.float32)
    tracemalloc.start()
    parts = frames.parts(Frame("image", {"number": 1}, {"x": large}))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100_000
    assert sum(np.shares_memory(np.frombuffer(part, np.uint8), large) for part in parts) >= large.nbytes / frames.PIECE


@settings(max_examples=30)
@given(TENSORS)
def test_what_comes_back_can_be_written_and_lies_where_processors_like_it(tensors: dict[str, np.ndarray]) -> None:
    back = unpacked(packed(Frame("image", {"some": "facts"}, tensors))).tensors.values()
    assert all(tensor.flags.writeable and tensor.flags.aligned and tensor.flags.c_contiguous for tensor in back)


@pytest.mark.parametrize("facts", [b"{}", b'{"a":1}', b'{"ab":1}'])
def test_tensors_lie_well_whatever_stands_before_them(facts: bytes) -> None:
    """Somebody else may not fill facts up to eight bytes."""
    given = np.arange(5, dtype=np.float64)
    back = unpacked(forged(facts, b"".join(bodies.parts({"x": given})))).tensors["x"]
    assert back.flags.aligned and np.array_equal(back, given)


@given(TENSORS)
def test_a_body_is_a_file_of_safetensors(tensors: dict[str, np.ndarray]) -> None:
    body = b"".join(bodies.parts(tensors))
    if tensors:
        read = safetensors.numpy.load(body)
        assert all(same(read[name], tensor) for name, tensor in tensors.items())
    plain = {name: np.asarray(tensor, tensor.dtype.newbyteorder("<"), order="C") for name, tensor in tensors.items()}
    theirs = safetensors.numpy.save(plain, {"made": "elsewhere"})
    assert {name: tensor.tobytes() for name, tensor in bodies.read(np.frombuffer(theirs, np.uint8)).items()} == {
        name: tensor.tobytes() for name, tensor in plain.items()}


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 3))
def test_a_frame_has_the_bytes_that_its_size_says(height: int, width: int, names: int) -> None:
    frame = Frame("image", {"at": 1}, {str(name): np.zeros((height, width), np.float32) for name in range(names)})
    assert frames.size(frame) == len(packed(frame))
    overhead = len(packed(frame)) - 4 * height * width * names
    assert 0 < overhead < 200 + 80 * names


@pytest.mark.parametrize("tensor", [np.array([object()]), np.array(["text"]), np.zeros(3, np.complex128), np.zeros(2, "f4,i2"),
                                    np.zeros(2, "M8[s]"), np.zeros(2, np.longdouble)], ids=lambda tensor: str(tensor.dtype))
def test_a_type_that_no_frame_carries_is_refused_with_those_it_does(tensor: np.ndarray) -> None:
    with pytest.raises(Strange, match="float32"):
        frames.parts(Frame("image", tensors={"x": tensor}))


def test_the_name_that_safetensors_keeps_for_itself_is_refused() -> None:
    with pytest.raises(Strange, match="__metadata__"):
        frames.parts(Frame("image", tensors={"__metadata__": np.zeros(1)}))


@pytest.mark.parametrize("facts", [{"x": math.nan}, {"x": -math.inf}, {"x": {1, 2}}, {"x": b"bytes"}, {("a", 1): 2}])
def test_facts_that_are_no_json_are_refused_before_anything_leaves(facts: dict[Any, Any]) -> None:
    with pytest.raises(Strange, match="JSON"):
        frames.parts(Frame("image", facts))


@pytest.mark.parametrize("kind", ["", "Image", "a b", "1a", "x" * 17, "é", "a\0"])
def test_a_kind_is_a_short_plain_word(kind: str) -> None:
    with pytest.raises(Strange, match="kind"):
        frames.parts(Frame(kind))


def test_too_many_facts_or_names_are_refused_where_they_are_written() -> None:
    with pytest.raises(TooLarge, match="facts"):
        frames.parts(Frame("image", {"text": "x" * frames.MOST_FACTS_BYTES}))
    with pytest.raises(TooLarge, match="names"):
        frames.parts(Frame("image", tensors={"x" * bodies.MOST_HEADER_BYTES: np.zeros(1)}))
