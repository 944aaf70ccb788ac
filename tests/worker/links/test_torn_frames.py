"""Whatever comes, a frame is whole or a clear fault: never a crash, a wait for what is not there, or room for a claim."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.worker.links.ends import forged, packed, unpacked
from worker.links.faults import Ended, LinkFault, Refused, Strange, TooLarge, Torn
from worker.links.frames import HEAD_BYTES, MOST_FACTS_BYTES, Frame

GOOD = packed(Frame("image", {"number": 7, "sent_ns": 123456789}, {"x": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
                                                               "mask": np.array([True, False, True])}))


@settings(max_examples=1000)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_any_byte_that_changed_is_noticed(at: int, by: int) -> None:
    changed = bytearray(GOOD)
    changed[at] ^= by
    with pytest.raises((Torn, Strange, TooLarge)):
        unpacked(bytes(changed))


def test_a_cut_anywhere_is_torn() -> None:
    for at in range(len(GOOD)):
        with pytest.raises(Ended if at == 0 else Torn) as raised:
            unpacked(GOOD[:at])
        assert at == 0 or not isinstance(raised.value, Ended)


def test_a_head_that_changed_is_known_before_anybody_waits_for_what_it_claims() -> None:
    for at in range(HEAD_BYTES):
        changed = bytearray(GOOD[:HEAD_BYTES])
        changed[at] ^= 0xFF
        with pytest.raises((Torn, Strange), match=r"changed on the way|is no frame"):
            unpacked(bytes(changed))


@given(st.binary(max_size=200))
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
@example(b"\x16\x03\x01\x02\x00\x01")
@example(b"E")
def test_bytes_of_somebody_else_are_a_fault(said: bytes) -> None:
    with pytest.raises((Torn, Strange)):
        unpacked(said)


def test_who_speaks_tls_to_a_plain_end_is_told_so() -> None:
    with pytest.raises(Strange, match="TLS"):
        unpacked(b"\x16\x03\x01\x02\x00\x01\x00\x01")


def test_bytes_before_a_frame_are_never_skipped() -> None:
    with pytest.raises(Strange):
        unpacked(b"\n" + GOOD)


@pytest.mark.parametrize("facts", [
    b"", b"[]", b"3", b"null", b"{", b"{} {}", b'{"x": NaN}', b'{"x": -Infinity}', b'{"x": 1e999}',
    b'{"x": 1' + b"0" * 5000 + b"}", b"\xff\xfe{\x00}\x00", b"\xff", b"[" * 100_000, b'{"x":' * 5000],
    ids=lambda facts: repr(facts[:12]))
def test_facts_that_are_not_an_object_of_json_are_strange(facts: bytes) -> None:
    with pytest.raises(Strange, match="facts"):
        unpacked(forged(facts))


def body(header: object, data: bytes = b"", length: int = -1) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length < 0 else length).to_bytes(8, "little") + text + data


def one(**about: object) -> dict[str, object]:
    return {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | about}


BAD_BODIES = {
    "too short for a length": b"\x01\x02",
    "a header longer than the body": body(one(), bytes(4), length=10**6),
    "a header of 2^64 - 1": b"\xff" * 8 + bytes(64),
    "a header that is no JSON": body(b"not json"),
    "a header that is a list": body([1, 2]),
    "a header that nests without end": body(b"[" * 100_000),
    "a tensor that is text": body({"x": "F32"}),
    "a pickle's type": body(one(dtype="object"), bytes(4)),
    "a type that is a list": body(one(dtype=["F32"]), bytes(4)),
    "bfloat16": body(one(dtype="BF16", shape=[2]), bytes(4)),
    "fewer bytes than its shape": body(one(shape=[2]), bytes(4)),
    "more bytes than its shape": body(one(shape=[]), bytes(8)),
    "a negative side": body(one(shape=[-1, -1]), bytes(4)),
    "a side that is true": body(one(shape=[True]), bytes(4)),
    "a side that is 1.0": body(one(shape=[1.0]), bytes(4)),
    "a side of 2^70": body(one(shape=[0, 2**70], data_offsets=[0, 0])),
    "sides whose product is past all memory": body(one(shape=[0, 2**62, 2**62], data_offsets=[0, 0])),
    "a thousand dimensions": body(one(shape=[1] * 1000), bytes(4)),
    "an end before its begin": body(one(data_offsets=[4, 0]), bytes(4)),
    "an end behind the body": body(one(data_offsets=[4, 8]), bytes(4)),
    "a hole": body(one() | {"y": one(data_offsets=[8, 12])["x"]}, bytes(12)),
    "two on one place": body(one() | {"y": one()["x"]}, bytes(4)),
    "bytes that belong to none": body(one(), bytes(8)),
    "one name twice": body(b'{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                           b'"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', bytes(2)),
    "a truth of 2": body(one(dtype="BOOL", data_offsets=[0, 1]), b"\x02"),
}


@pytest.mark.parametrize("bad", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_is_not_what_it_says_is_strange(bad: bytes) -> None:
    with pytest.raises(Strange, match="tensor"):
        unpacked(forged(body=bad))


LEAVES = st.none() | st.booleans() | st.integers(-9, 2**65) | st.sampled_from(["F32", "BOOL", "U8", "I64", "x"]) | st.floats()
KEYS = st.sampled_from(["x", "y", "dtype", "shape", "data_offsets", "__metadata__"])
HEADERS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
                       max_leaves=12)


@settings(max_examples=500)
@given(HEADERS | st.builds(lambda *values: {"x": dict(zip(("dtype", "shape", "data_offsets"), values, strict=True))},
                           st.sampled_from(["F32", "U8", "BOOL", "C64"]), st.lists(st.integers(-1, 3), max_size=4),
                           st.lists(st.integers(-1, 12), min_size=2, max_size=2)), st.binary(max_size=16), st.binary(max_size=8))
def test_a_made_up_body_is_read_or_strange(header: object, data: bytes, facts: bytes) -> None:
    for said in (forged(body=body(header, data)), forged(facts, body(header, data)), forged(body=data)):
        try:
            unpacked(said)
        except LinkFault as fault:
            assert str(fault).endswith(".")


def test_another_version_is_refused_by_name() -> None:
    with pytest.raises(Refused, match=r"version 2 .* version 1"):
        unpacked(forged(version=2))


@pytest.mark.parametrize("kind", [b"", b"Image", b"a\0b", b"\xff" * 16, b"a b"])
def test_a_kind_that_is_no_word_is_strange(kind: bytes) -> None:
    with pytest.raises(Strange, match="kind"):
        unpacked(forged(kind=kind))


@pytest.mark.parametrize(("facts_bytes", "body_bytes"), [(2, 10 * 10**9), (2, 2**64 - 1), (2**32 - 1, 0),
                                                         (MOST_FACTS_BYTES + 1, 0), (2, 10**8 - 1)])
def test_a_claim_past_what_is_allowed_is_too_large_and_says_both(facts_bytes: int, body_bytes: int) -> None:
    with pytest.raises(TooLarge, match="allowed") as raised:
        unpacked(forged(facts_bytes=facts_bytes, body_bytes=body_bytes), most_bytes=10**8)
    assert f"{max(facts_bytes, facts_bytes + body_bytes):,}" in str(raised.value)


CAPPED = """
import io, resource, sys
from tests.worker.links.ends import forged
from worker.links import faults, frames
pages = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
cap = pages + 256 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
for most, claim in ((10**9, 10**10), (10**11, 10**10), (10**8, 9 * 10**7)):
    try:
        frames.read(io.BytesIO(forged(body_bytes=claim)), most)
    except faults.LinkFault as fault:
        print(type(fault).__name__, fault)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_a_claim_of_10_gb_takes_no_memory() -> None:
    """Past what is allowed, past what there is, and allowed but never sent: room is kept for that, and none of it is used."""
    done = subprocess.run([sys.executable, "-c", CAPPED], capture_output=True, text=True, check=True)
    past, none, hollow, most_kb = done.stdout.splitlines()
    assert past.startswith("TooLarge") and "10,000,000,002 bytes; 1,000,000,000 are allowed" in past
    assert none.startswith("TooLarge") and "no memory" in none
    assert hollow.startswith("Torn") and "stopped after 6 of" in hollow
    assert int(most_kb) < 80_000
