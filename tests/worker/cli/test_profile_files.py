"""`python -m worker profile`: files of block times checked and written in another form, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.profile.examples import FILES
from worker.profile.reading import read

Cli = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def yaml(tmp_path: Path) -> Path:
    made = tmp_path / "pi.yaml"
    made.write_text(FILES["device-and-profiles.yaml"].text())
    return made


def test_a_file_is_checked(cli: Cli, yaml: Path) -> None:
    code, out, err = cli("profile", "check", str(yaml))
    told = json.loads(out)
    assert (code, err) == (0, "") and told["device"]["name"] == "pi-4"
    assert [(each["network"], each["blocks"]) for each in told["profiles"]] == [("resnet18", 2)]


@pytest.mark.parametrize("form", ["json", "csv", "scission", "scissiontl"])
def test_it_is_written_in_another_form(cli: Cli, yaml: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out.csv"
    assert cli("profile", "convert", str(yaml), "--to", form, "--out", str(out))[0] == 0
    assert [block.seconds for block in read(out.read_bytes()).profiles[0].profile.blocks] == [0.0124, 0.0025]


@pytest.mark.parametrize(("words", "said"), [
    (("check", "no-such-file"), "file: got 'no-such-file'"), (("check", "/"), "allowed: a file that can be read"),
    (("convert", "FILE", "--to", "xml"), "to: got 'xml'; allowed: json, yaml, csv"),
    (("convert", "FILE", "--to", "csv", "--out", "/no/where"), "allowed: a file that can be written"),
    (("example", "x"), "allowed: device-and-profiles.yaml"),
])
def test_what_cannot_be_done_is_said_in_a_line(cli: Cli, yaml: Path, words: tuple[str, ...], said: str) -> None:
    code, out, err = cli("profile", *(str(yaml) if word == "FILE" else word for word in words))
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_each_fault_has_a_line(cli: Cli, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("network,first,last,seconds,output_bytes\nn,a,b,-1,4\nn,c,d,x,4\n")
    code, out, err = cli("profile", "check", str(bad))
    assert (code, out) == (2, "") and [line.partition(":")[0] for line in err.splitlines()] == [
        "line 2, column 7, seconds", "line 3, column 7, seconds"]


def test_what_is_piped_in_is_read_and_no_torch_is_loaded() -> None:
    sent = FILES["device-pi3.csv"].text().encode()
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "worker", "profile", "convert", "-", "--to", "scission"],
                          cwd=ROOT, input=sent, capture_output=True, check=False)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.decode().splitlines() if line.startswith("import time:")}
    assert done.returncode == 0 and done.stdout == sent
    assert not loaded & {"torch", "numpy", "onnxruntime", "django"}
