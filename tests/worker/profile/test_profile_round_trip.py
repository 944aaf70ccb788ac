"""What was read is written again as it was: tables byte for byte, JSON and YAML value for value, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.profile import Block, Hardware, NetworkProfile, TransferLayer
from worker.profile.reading import read
from worker.profile.sheet import guarded, is_formula, unguarded
from worker.profile.writing import Written, write

QUICK = settings(max_examples=25, deadline=None, derandomize=True, database=None)
SIGNS = st.characters(exclude_categories=("C", "Zl", "Zp"))
NAMES = st.text(SIGNS, min_size=1, max_size=20).filter(lambda text: text == text.strip())
DOUBTFUL = st.sampled_from([
    "no", "yes", "null", "~", "010", "1e3", "12:30:45", "2024-05-01", ".nan", "=1+1", "@SUM(A1)", "-x", "'=x", "a,b",
    'a"b', "a: b", "# a", "- a", "{a}", "[a]", "&a", "*a", "!a", "a;b", "<script>", "é", "\U0001f40d"])
TEXTS = st.one_of(NAMES, DOUBTFUL)
SECONDS = st.floats(0, 3600, allow_nan=False)
BYTES = st.integers(0, 10**12)
TRANSFERS = st.builds(TransferLayer, output_bytes=BYTES, downsample_s=st.none() | SECONDS, upsample_s=st.none() | SECONDS,
                      convert_s=st.none() | SECONDS)


KINDS = st.dictionaries(st.sampled_from(["conv", "linear", "no"]), BYTES)


@st.composite
def blocks(draw: Any) -> Block:
    low, middle, high = sorted(draw(st.tuples(SECONDS, SECONDS, SECONDS)))
    interval = {"low_s": low, "high_s": high} if draw(st.booleans()) else {}
    return Block(first=draw(TEXTS), last=draw(TEXTS), seconds=middle, output_bytes=draw(BYTES), macs=draw(st.none() | BYTES),
                 params_bytes=draw(st.none() | BYTES), activation_bytes=draw(st.none() | BYTES),
                 joules=draw(st.none() | st.floats(0, 1e6)), output_tensors=draw(st.none() | st.integers(0, 9)),
                 kinds=draw(KINDS), transfer=draw(st.none() | TRANSFERS), **interval)


@st.composite
def profiles(draw: Any) -> NetworkProfile:
    found = draw(st.lists(blocks(), min_size=1, max_size=4).filter(lambda all_of: sum(each.seconds for each in all_of) > 0))
    return NetworkProfile(
        network=draw(TEXTS), blocks=tuple(found), input_bytes=draw(st.none() | BYTES), whole_s=draw(st.none() | SECONDS),
        additivity_error=draw(st.none() | st.floats(-1, 1000)), sha256=draw(st.sampled_from(["", "0af" + "0" * 61])),
        engine=draw(st.just("") | TEXTS), threads=draw(st.none() | st.integers(1, 64)), batch=draw(st.integers(1, 64)),
        repeats=draw(st.none() | st.integers(1, 99)), origin=draw(st.sampled_from(["measured", "predicted", "emulated"])),
        noisy=draw(st.booleans()))


HARDWARE = st.builds(
    Hardware, name=TEXTS, tier=st.sampled_from(["device", "edge", "cloud"]), hardware=st.just("") | TEXTS, os=st.just("") | TEXTS,
    cores=st.none() | st.integers(1, 999), memory_bytes=st.none() | st.integers(1, 10**15),
    runtimes=st.dictionaries(st.sampled_from(["torch", "no", "on-x"]), st.sampled_from(["1.10", "no", "2.13.0+cpu"])),
    labels=st.lists(st.sampled_from(["arm", "no", "lab-2"]), max_size=4).map(tuple))
SEVERAL = st.lists(profiles(), min_size=1, max_size=3, unique_by=lambda each: each.network)
FORMS = ("json", "yaml", "csv")


@QUICK
@given(SEVERAL, st.none() | HARDWARE, st.sampled_from(FORMS))
def test_any_profiles_come_back_as_they_were(told: list[NetworkProfile], device: Hardware | None, form: str) -> None:
    found = read(write(form, [Written(each) for each in told], device), f"x.{form}")
    assert [each.profile for each in found.profiles] == told
    assert found.device == (None if form == "csv" else device)


@QUICK
@given(HARDWARE, st.sampled_from(FORMS))
def test_any_device_comes_back_as_it_was(device: Hardware, form: str) -> None:
    assert read(write(form, [], device), f"x.{form}").device == device


@QUICK
@given(profiles(), st.sampled_from(["\r\n", "\n"]), st.booleans(), st.booleans())
def test_a_table_leaves_byte_for_byte_as_it_came(told: NetworkProfile, end: str, has_mark: bool, has_last: bool) -> None:
    lines = write("csv", [Written(told)]).decode().split("\r\n")[:-1]
    sent = (("\ufeff" if has_mark else "") + end.join(lines) + (end if has_last else "")).encode()
    found = read(sent, "x.csv")
    layers = (name for each in told.blocks for name in (each.first, each.last))
    assert write("csv", found.profiles) == sent or any(map(is_formula, [told.network, told.engine, *layers]))
    assert read(write("csv", found.profiles)).profiles[0].profile == told


HEAD = "model,block_index,input_layer,output_layer,second_prediction_s,output_size_bytes"
# Numbers as other programs write them, and tables as they do.
AS_THEY_CAME = {
    "digits": f"{HEAD}\nm,0,0,1,0.50,4\nm,1,2,2,1e-05,4\nm,2,3,3,1E-5,4\nm,3,4,4,5,4\n",
    "needless quotes": f'{HEAD}\n"m",0,0,1,"0.5",4\n',
    "blanks": "model, block_index, input_layer, output_layer, second_prediction_s, output_size_bytes\nm, 0, 0, 1,   0.5, 4\n",
    "another order": "model,output_size_bytes,second_prediction_s,output_layer,input_layer,block_index\r\nm,4,0.5,1,0,0",
    "semicolons": f"{HEAD.replace(',', ';')}\r\nm;0;0;1;0,5;4\r\nm;1;2;2;1,25E-05;4\r\n",
    "tabs": HEAD.replace(",", "\t") + "\nm\t0\t0\t1\t0.5\t4\n",
    "comments": f"# Measured at night.\n# Twice, the faster.\n{HEAD}\nm,0,0,1,0.5,4\n",
    "a mark": f"\ufeff{HEAD}\nm,0,0,1,0.5,4\n",
    "a transfer layer without its times": f"{HEAD},tl_output_size_bytes,downsample_s,upsample_s,dataconvert_s\n"
                                          "m,0,0,1,0.5,4,7,-1.0,0.25,-1\nm,1,2,2,0.5,4,0,-1,-1.0,-1.0\nm,2,3,3,0.5,4,0,0.0,-1.0,-1.0\n",
}


@pytest.mark.parametrize("name", AS_THEY_CAME)
def test_however_a_table_writes_it_the_bytes_are_the_same(name: str) -> None:
    sent = AS_THEY_CAME[name].encode()
    found = read(sent)
    assert write(found.form, found.profiles) == sent
    assert write(found.form, [Written(each.profile) for each in found.profiles]) != sent  # What is kept beside is needed.


def test_a_decimal_comma_is_read_as_a_point_and_the_semicolons_are_told() -> None:
    found = read(AS_THEY_CAME["semicolons"].encode())
    assert [block.seconds for block in found.profiles[0].profile.blocks] == [0.5, 1.25e-05]
    assert any("semicolons" in note for note in found.notes)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\u00a0=1", " =1", "'=1", "''=1", "=cmd|' /C calc'!A0"])
def test_a_text_that_could_be_a_formula_is_guarded_and_comes_back(text: str) -> None:
    assert guarded(text) == "'" + text and unguarded(guarded(text)) == text


def test_what_came_unguarded_leaves_guarded_and_every_line_in_the_standard_way() -> None:
    sent = b"network,first,last,seconds,output_bytes\n=HYPERLINK(1),a,b,0.50,4\n"
    made = write("csv", read(sent).profiles)
    assert made == b"network,first,last,seconds,output_bytes\r\n'=HYPERLINK(1),a,b,0.5,4\r\n"
    assert read(made).profiles[0].profile.network == "=HYPERLINK(1)"


def test_a_comment_that_hides_a_formula_is_left_out() -> None:
    sent = b"# a,=1+1\nnetwork,first,last,seconds,output_bytes\nn,a,b,0.5,4\n"
    found = read(sent)
    assert b"=1+1" not in write("csv", found.profiles) and "formula" in found.notes[0]


def test_layers_with_names_get_numbers_in_scissions_table() -> None:
    told = NetworkProfile(network="n", blocks=(Block(first="conv", last="pool", seconds=1, output_bytes=2),
                                               Block(first="fc", last="fc", seconds=3, output_bytes=4)))
    assert write("scission", [Written(told)]).decode().split("\r\n")[1:] == ["n,0,0,0,1.0,2", "n,1,1,1,3.0,4", ""]


def test_a_profile_as_a_run_leaves_it_is_read_without_anything_around_it() -> None:
    told = NetworkProfile(network="n", blocks=(Block(first="a", last="b", seconds=1, output_bytes=2),))
    assert read(told.model_dump_json().encode()).profiles == (Written(told),)
    assert json.loads(write("json", [Written(told)]))["profiles"][0]["network"] == "n"
