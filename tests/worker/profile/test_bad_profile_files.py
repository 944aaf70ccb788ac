"""Files that are no good: each is refused with where it is wrong, what stands there and what may, and none breaks the reader."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.profile.examples import FILES
from worker.profile.faults import MOST_SHOWN, Unfit
from worker.profile.reading import read

BLOCK = '{"first": "a", "last": "b", "seconds": 0.5, "output_bytes": 4}'
SCISSION = "model,block_index,input_layer,output_layer,second_prediction_s,output_size_bytes"
OURS = "network,first,last,seconds,output_bytes"
TL = f"{SCISSION},tl_output_size_bytes,downsample_s,upsample_s,dataconvert_s"


def profile(block: str = BLOCK, **more: str) -> str:
    said = "".join(f', "{key}": {value}' for key, value in more.items())
    return f'{{"profiles": [{{"network": "n", "blocks": [{block}]{said}}}]}}'


def block(**other: str) -> str:
    values = {"first": '"a"', "last": '"b"', "seconds": "0.5", "output_bytes": "4"} | other
    return "{" + ", ".join(f'"{key}": {value}' for key, value in values.items() if value) + "}"


def device(text: str) -> str:
    return f"device:\n  name: pi\n  {text}\n"


def table(header: str, *rows: str) -> str:
    return "\r\n".join([header, *rows, ""])


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True))
# What is sent, and words of its fault: where, what was got, what is allowed.
BAD: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    # Nothing, or something else altogether.
    "empty": (b"", ("an empty file",)),
    "blanks": (b" \n\t\n", ("only blanks",)),
    "too large": (b"x" * 1_000_001, ("1,000,001 bytes", "at most 1,000,000 (1 MB)")),
    "pickle": (pickle.dumps({"vgg19": []}), ("a Python pickle", "a pickle is a program")),
    "zip or spreadsheet": (b"PK\x03\x04abc", ("a spreadsheet", "as text")),
    "gzip": (b"\x1f\x8b\x08", ("gzip",)),
    "web page": (b"<!doctype html><p>404", ("a web page",)),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\n", ("git-lfs",)),
    "UTF-16": ("name,tier\npi,edge\n".encode("utf-16"), ("UTF-16", "UTF-8")),
    "UTF-16 without a mark": ("name,tier\npi,edge\n".encode("utf-16-le"), ("UTF-16", "UTF-8")),
    "Windows-1252": ("name,location\npi,Küche\n".encode("cp1252"), ("line 2, column 5", "0xfc", "UTF-8")),
    "NUL": (b"name,tier\npi\x00,edge\n", ("line 2, column 3", "\\u0000")),
    "only a word": ("hello", ("line 1, column 1", "got hello", "device, profiles")),
    "a list": ("[1, 2]", ("got a list", "device, profiles")),
    "nothing in it": ("{}", ("neither a device nor a profile",)),
    # JSON.
    "NaN": (profile(block(seconds="NaN")), ("line 1", "got NaN", "a number as 0.5")),
    "infinity": (profile(block(seconds="1e999")), ("profiles[0].blocks[0].seconds", "got 1e999", "64 bits")),
    "too small a number": (profile(block(seconds="1e-999")), ("got 1e-999", "5e-324")),
    "too many digits": (profile(block(seconds="0.123456789012345678901")), ("21 digits", "at most 17")),
    "5000 digits": (profile(block(output_bytes="9" * 5000)), ("5,000 digits", "at most 19")),
    "a key twice": ('{"device": {"name": "a",\n "name": "b"}}', ("line 2, column 2, name", "again", "it stands in line 1")),
    "10,000 deep": ("[" * 10_000, ("a level 33 deep", "at most 32")),
    "10,000 deep with keys": ('{"a":' * 10_000, ("a level 33 deep",)),
    "a comma too many": ('{"device": {"name": "a",}}', ("got }", "something behind the comma")),
    "unended text": ('{"device": {"name": "a\n"}}', ("line 1, column 21", "an end")),
    "half a character": ('{"device": {"name": "\\ud800"}}', ("halves of characters",)),
    "text behind the end": ('{"device": {"name": "a"}} b', ("got b", "nothing more")),
    "Python's words": ('{"device": {"name": None}}', ("got None", "null")),
    # YAML.
    "billion laughs": (BOMB, ("line 1, column 4", "&a, an anchor", "written out")),
    "a reference": ("device: *pi", ("*pi, a reference",)),
    "a tag": ("device: !!python/object/apply:os.system [id]", ("line 1, column 9", "the tag")),
    "a merge key": ("device:\n  <<: {name: a}", ("line 2, column 3", "merge key")),
    "Norway": (device("location: no"), ("line 3, column 13, device.location", "got no", "in quotes")),
    "octal": (device("cores: 010"), ("line 3, column 10, device.cores", "got 010")),
    "base 60": (device("location: 12:30:45"), ("line 3, column 13", "got 12:30:45", "base 60")),
    "a date": (device("os: 2024-05-01"), ("line 3, column 7", "got 2024-05-01", "a date")),
    "not a number": (device("memory_bytes: .nan"), ("line 3, column 17", "got .nan", "a finite number")),
    "underscores": (device("memory_bytes: 4_000_000"), ("got 4_000_000", "do not agree")),
    "hexadecimal": (device("cores: 0x10"), ("got 0x10",)),
    "a version that is a number": (device("runtimes: {onnxruntime: 1.10}"), (
        "device.runtimes.onnxruntime", "got 1.10", "in quotes")),
    "YAML twice a key": ("device:\n  name: a\n  name: b", ("line 3, column 3, name", "again", "line 2")),
    "YAML deep": ("a: " + "[" * 5_000, ("a level 33 deep",)),
    "a tab": ("device:\n\tname: a", ("line 2", "tab")),
    "two documents": ("device: {name: a}\n---\ndevice: {name: b}", ("a second document",)),
    "an unended quote": ('device: {name: "a}', ("line 1", "an end of the quotes")),
    "bad indentation": ("device:\n  name: a\n cores: 4", ("line 3", "indentation")),
    # Values.
    "a negative time": (profile(block(seconds="-1")), ("blocks[0].seconds", "got -1", "a number between 0 and 3,600")),
    "a huge time": (profile(block(seconds="1e308")), ("got 1e308", "between 0 and 3,600")),
    "no time at all": (profile(block(seconds="0")), ("0 seconds in all 1 blocks",)),
    "a time as text": (profile(block(seconds='"0.5"')), ("got 0.5", "a number between")),
    "milliseconds": (profile(block(seconds="", latency_ms="5")), ("latency_ms", "times are in seconds")),
    "misspelt": (profile(block(seconds="", second="5")), ("did you mean seconds?",)),
    "a size that is no whole number": (profile(block(output_bytes="4.5")), ("output_bytes", "got 4.5", "a whole number")),
    "a negative size": (profile(block(output_bytes="-1")), ("got -1", "a whole number between 0")),
    "half an interval": (profile(block(low_s="0.1")), ("low_s alone", "high_s is missing")),
    "a time outside its interval": (profile(block(low_s="0.6", high_s="0.7")), ("got 0.5, from 0.6 to 0.7",)),
    "no block": ('{"profiles": [{"network": "n", "blocks": []}]}', ("blocks", "an empty list", "1 to 5,000")),
    "too many blocks": (profile(", ".join([BLOCK] * 5_001)), ("blocks", "1 to 5,000")),
    "a network twice": (profile().replace("]}]}", ']}, {"network": "n", "blocks": [' + BLOCK + "]}]}"), (
        "n again", "once in a file")),
    "an unknown kind": (profile(origin='"guessed"'), ("origin", "got guessed", "measured, predicted, emulated")),
    "no memory": ('{"device": {"name": "a", "memory_bytes": 0}}', ("memory_bytes", "got 0", "between 1 and")),
    "memory with a unit": ('{"device": {"name": "a", "memory_bytes": "4 GB"}}', ("got 4 GB", "a whole number")),
    "an unknown tier": ('{"device": {"name": "a", "tier": "moon"}}', ("tier", "got moon", "device, edge, cloud")),
    "a name of nothing": ('{"device": {"name": ""}}', ("name", "got nothing", "1 to 120")),
    "a long name": ('{"device": {"name": "' + "x" * 121 + '"}}', ("121 characters", "1 to 120 characters")),
    "a name that turns the writing": ('{"device": {"name": "a\\u202eb"}}', ("\\u202e", "invisible")),
    "a line end in a name": ('{"device": {"name": "a\\nb"}}', ("\\u000a", "control characters")),
    # Tables.
    "no header": ("vgg19,0,0,1,0.5,4\n", ("line 1", "a header that begins with")),
    "a header alone": (OURS, ("neither a device nor a profile",)),
    "an unknown column": (table(f"{OURS},wat", "n,a,b,1,4,5"), ("header", "got wat")),
    "a column twice": (table(f"{OURS},seconds", "n,a,b,1,4,5"), ("seconds again", "once")),
    "a column missing": (table("network,first,seconds", "n,a,1"), ("no column last, output_bytes",)),
    "ragged": (table(OURS, "n,a,b,1"), ("line 2", "4 cells", "5, as in the header in line 1")),
    "a decimal comma": (table(OURS, "n,a,b,0,5,4"), ("line 2", "6 cells", "a decimal comma?")),
    "thousands": (table(OURS.replace(",", ";"), "n;a;b;1.234,5;4"), ("line 2, column 7, seconds", "got 1.234,5", "a number")),
    "text for a number": (table(OURS, "n,a,b,fast,4"), ("line 2, column 7, seconds", "got fast")),
    "full-width digits": (table(OURS, "n,a,b,１２,4"), ("got １２", "a number")),
    "an empty cell": (table(OURS, "n,a,b,,4"), ("line 2, column 7, seconds", "got nothing")),
    "an empty line": (table(OURS, "n,a,b,1,4", "", "n,b,c,1,4"), ("line 3", "an empty line")),
    "an unclosed quote": (table(OURS, 'n,"a,b,1,4', "n,a,b,1,4"), ("line 2, column 3", "closed in the same line")),
    "one huge line": (table(OURS, "x" * 900_000), ("line 2", "900,000 characters", "at most 10,000")),
    "a lone carriage return": (f"{OURS}\rn,a,b,1,4\r", ("line 1", "carriage return")),
    "a network that says two things": (table(f"{OURS},engine", "n,a,b,1,4,ort", "n,b,c,1,4,torch"), (
        "line 3, column 11, engine", "got torch", "ort, as in line 2")),
    "pairs that are none": (table(f"{OURS},kinds", "n,a,b,1,4,conv"), ("kinds", "got conv", "conv=1200")),
    "two devices": ("name,tier\na,edge\nb,edge\n", ("2 lines", "one device")),
    "links": ("source,destination,ping(ms),bandwidth(mbps)\na,b,1,2\n", ("links between devices",)),
    "Scission's blocks out of order": (table(SCISSION, "m,0,0,1,1,4", "m,2,2,2,1,4"), (
        "line 3, column 3, block_index", "got 2", "1:")),
    "a gap between layers": (table(SCISSION, "m,0,0,1,1,4", "m,1,5,6,1,4"), ("input_layer", "got 5", "allowed: 2")),
    "layers backwards": (table(SCISSION, "m,0,5,1,1,4"), ("output_layer", "got 1", "at least 5")),
    "a negative layer": (table(SCISSION, "m,0,-1,1,1,4"), ("input_layer", "got -1", "a whole number from 0")),
    "times of what is left": (table(TL, "m,0,2,9,0.3,0,0,-1.0,-1.0,-1.0", "m,1,3,9,0.2,0,0,-1.0,-1.0,-1.0"), (
        "output_layer", "9 in all 2 lines of m", "all that is left")),
    "a network apart from itself": (table(SCISSION, "m,0,0,1,1,4", "n,0,0,1,1,4", "m,0,0,1,1,4"), ("m again", "line 2")),
    "a transfer layer by halves": (table(SCISSION + ",downsample_s", "m,0,0,1,1,4,1"), ("no column tl_output_size_bytes",)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_place_got_and_allowed(name: str) -> None:
    sent, words = BAD[name]
    with pytest.raises(Unfit) as refused:
        read(sent if isinstance(sent, bytes) else sent.encode(), "file")
    said = "\n".join(refused.value.lines)
    assert all(word in said for word in words), said
    assert all(": got " in line and "; allowed: " in line and len(line) < 700 for line in map(str, refused.value.faults)), said
    assert "pydantic" not in said and "yaml." not in said and "/" + "work" not in said


def test_all_faults_are_told_together_in_the_order_of_the_lines() -> None:
    rows = ["n,a,b,-1,4", "n,b,c,1,4.5", "n,c,,1,4"]
    with pytest.raises(Unfit) as refused:
        read(table(OURS, *rows).encode())
    assert [(fault.line, fault.key) for fault in refused.value.faults] == [(2, "seconds"), (3, "output_bytes"), (4, "last")]


def test_so_many_faults_are_told_and_the_rest_is_counted() -> None:
    with pytest.raises(Unfit) as refused:
        read(table(OURS, *["n,a,b,-1,4"] * 70).encode())
    assert len(refused.value.faults) == MOST_SHOWN and refused.value.more == 20
    assert refused.value.lines[-1] == "And 20 more like these."


def test_what_was_wrong_before_a_place_that_cannot_be_read_is_told_too() -> None:
    with pytest.raises(Unfit) as refused:
        read(b"device:\n  location: no\n  os: *x\n")
    assert [fault.line for fault in refused.value.faults] == [2, 3]


NAMES = ["device-and-profiles.yaml", "device-and-profiles.json", "profiles.csv", "device.csv", "edge-server.csv"]
BITS = st.sampled_from([
    '"', "'", ",", ";", "\n", "\r", "\t", "{", "}", "[", "]", ": ", "- ", "#", "&a ", "*a", "!!x ", "|", ">", "%", "@", "=",
    "\x00", "é", "\u2028", "0", "1e999", ".nan", "no", "\\", "\\ud800", "<<: ", "---\n", "9" * 25, "-1"])
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), BITS, st.integers(0, 12)), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(NAMES), DAMAGE)
def test_a_damaged_file_is_read_or_refused_and_never_breaks_the_reader(name: str, damage: list[tuple[float, str, int]]) -> None:
    text = FILES[name].text()
    for share, bit, gone in damage:
        at = int(share * len(text))
        text = text[:at] + bit + text[at + gone:]
    try:
        read(text.encode(), name)
    except Unfit as unfit:
        assert unfit.faults and all(": got " in line for line in map(str, unfit.faults))
