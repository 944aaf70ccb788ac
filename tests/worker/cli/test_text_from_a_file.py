"""Text of several lines in a terminal: typed, or read from a file that is named behind an @."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from worker.flags import Refused, find, read

Cli = Callable[..., tuple[int, str, str]]
SWITCHING = ("run", "portfolio.switching", "--model", "lenet5", "--model-2", "vgg5", "--dataset", "digits", "--trace", "lines",
             "--lines")
GIVEN = ["--model", "lenet5", "--model-2", "vgg5", "--dataset", "digits", "--trace", "lines"]


@pytest.mark.parametrize("body", [b"arrivals_per_s,deadline_ms\n5,100\n8,100\n",
                                  b"arrivals_per_s,deadline_ms\r\n\r\n5,100\r\n8,100",
                                  b"\xef\xbb\xbfarrivals_per_s,deadline_ms\n5,100\n8,100"])
@pytest.mark.parametrize("form", ["{flag} @{file}", "{flag}=@{file}"])
def test_a_file_means_what_stands_in_it_whatever_wrote_it(tmp_path: Path, body: bytes, form: str) -> None:
    (tmp_path / "trace.csv").write_bytes(body)
    words = form.format(flag="--lines", file=tmp_path / "trace.csv").split(" ")
    typed = read(find("portfolio.switching"), [*GIVEN, "--lines", "arrivals_per_s,deadline_ms; 5,100; 8,100"])
    assert read(find("portfolio.switching"), [*GIVEN, *words]) == typed


def test_what_is_wrong_in_a_file_is_said_with_its_line_as_an_editor_numbers_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("arrivals_per_s,deadline_ms\n\n5,100\n5,soon\n")
    code, out, err = cli(*SWITCHING, f"@{tmp_path / 'trace.csv'}")
    assert (code, out) == (2, "") and err.startswith("lines: Line 4: deadline_ms is a number") and "'soon'" in err


def test_every_recipe_with_text_of_several_lines_takes_a_file(tmp_path: Path) -> None:
    (tmp_path / "drift.txt").write_text("1 s to 2 s: 2 times\n3 s to 4 s: 3 times\n")
    params = read(find("detection.roma"), ["--drift", f"@{tmp_path / 'drift.txt'}"])
    assert params.model_dump()["drift"] == "1 s to 2 s: 2 times; 3 s to 4 s: 3 times"


@pytest.mark.parametrize("name", ["nowhere.csv", ".", "image.png", "\x00"])
def test_what_is_no_file_of_text_is_refused_with_what_was_typed(tmp_path: Path, name: str) -> None:
    (tmp_path / "image.png").write_bytes(bytes(range(128, 255)))
    with pytest.raises(Refused, match="behind @ stands a file of text that can be read") as refused:
        read(find("portfolio.switching"), [*GIVEN, "--lines", f"@{tmp_path / name}"])
    assert str(refused.value).startswith("lines: got ")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_bytes(b"1,2\n" * 300_000)
    with pytest.raises(Refused, match=r"lines: got .*, which is longer than 1,000,000 bytes"):
        read(find("portfolio.switching"), [*GIVEN, "--lines", f"@{tmp_path / 'long.csv'}"])


def test_one_line_of_text_that_begins_with_an_at_stays_what_it_is() -> None:
    params = read(find("training.backprop"), ["--model", "@net", "--dataset", "digits"])
    assert params.model_dump()["model"] == "@net"


def test_describe_says_which_parameters_take_a_file(cli: Cli) -> None:
    _, out, _ = cli("describe", "portfolio.switching")
    assert "--lines  [default ; text; @FILE reads a file]" in out and out.count("@FILE") == 1


def test_text_that_begins_with_an_at_is_typed_with_two() -> None:
    facts = "27 ms, h50 55 px, recall 0.9, false positives 0.3"
    params = read(find("detection.roma"), ["--detectors", f"@@tiny: {facts}; full: {facts}"])
    assert params.model_dump()["detectors"].startswith("@tiny: 27 ms")
