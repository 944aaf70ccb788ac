"""What cannot be run is refused with status 2 and one line a field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from worker.flags import find, read

Cli = Callable[..., tuple[int, str, str]]
GOOD = ("run", "pruning.reconvene", "--model", "lenet5", "--dataset", "digits")


@pytest.mark.parametrize(("words", "field", "got", "allowed"), [
    (("--sparsity", "1.5"), "sparsity", "1.5", "more than 0 and less than 1"),
    (("--sparsity", "0"), "sparsity", "0", "more than 0 and less than 1"),
    (("--sparsity", "NaN"), "sparsity", "NaN", "more than 0 and less than 1"),
    (("--sparsity", "half"), "sparsity", "half", "more than 0 and less than 1"),
    (("--epochs", "-1"), "epochs", "-1", "between 0 and 10,000"),
    (("--epochs", "1e9"), "epochs", "1e9", "between 0 and 10,000"),
    (("--epochs", "１２"), "epochs", "１２", "between 0 and 10,000"),
    (("--learning-rate", "inf"), "learning_rate", "inf", "more than 0 and at most 10"),
    (("--optimiser", "lion"), "optimiser", "lion", "sgd, adam"),
    (("--model", "lenet6"), "model", "'lenet6'", "lenet5"),
    (("--model", ""), "model", "''", "lenet5"),
    (("--model", "/"), "model", "'/'", "lenet5"),
    (("--dataset", "imagenet"), "dataset", "'imagenet'", "digits32"),
])
def test_a_bad_value_is_named_with_what_is_allowed(
    cli: Cli, words: tuple[str, ...], field: str, got: str, allowed: str,
) -> None:
    code, out, err = cli(*GOOD, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"{field}: ") and f"got {got}" in err and allowed in err
    assert err.count("\n") == 1


def test_every_bad_field_has_its_line(cli: Cli) -> None:
    code, _, err = cli(*GOOD, "--sparsity", "2", "--epochs", "many")
    assert code == 2
    assert [line.partition(":")[0] for line in err.splitlines()] == ["sparsity", "epochs"]


def test_a_missing_model_is_named(cli: Cli) -> None:
    code, _, err = cli("run", "pruning.reconvene", "--dataset", "digits")
    assert code == 2 and err.startswith("model: is needed: a model")


def test_an_unknown_flag_is_named_with_the_closest(cli: Cli) -> None:
    code, _, err = cli(*GOOD, "--sparsty", "0.5")
    assert code == 2 and "--sparsty" in err and "did you mean --sparsity?" in err


def test_an_unknown_recipe_is_named_with_the_closest(cli: Cli) -> None:
    code, _, err = cli("run", "pruning.reconvence")
    assert code == 2 and "did you mean pruning.reconvene?" in err


def test_a_flag_without_a_value_is_refused(cli: Cli) -> None:
    code, _, err = cli(*GOOD, "--sparsity")
    assert code == 2 and err.startswith("sparsity: a value is missing")


def test_an_unknown_preset_is_refused(cli: Cli) -> None:
    code, _, err = cli(*GOOD, "--preset", "hasty")
    assert code == 2 and err.startswith("preset: got 'hasty'; allowed: quick look, careful")


def test_a_folder_of_another_run_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert cli(*GOOD, "--epochs", "0", "--out", str(tmp_path))[0] == 0
    code, out, err = cli(*GOOD, "--epochs", "1", "--out", str(tmp_path))
    assert (code, out) == (2, "") and err.startswith("out: ")


def test_a_folder_that_cannot_be_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = cli(*GOOD, "--out", str(tmp_path / "file"))
    assert (code, out) == (2, "") and err.startswith("out: got ")


def test_no_text_of_the_system_is_printed_about_a_folder(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (str(tmp_path / "file"), str(tmp_path / ("x" * 300))):
        err = cli(*GOOD, "--out", folder)[2]
        assert err == f"out: got {folder!r}; allowed: a folder that can be written\n"


def test_a_run_file_that_cannot_be_read_is_refused_without_the_parsers_words(cli: Cli, tmp_path: Path) -> None:
    for damage in (b"{", b"\xff\xfe"):
        (tmp_path / "run.json").write_bytes(damage)
        code, out, err = cli(*GOOD, "--out", str(tmp_path))
        assert (code, out) == (2, "")
        assert err == f"out: the run.json in {tmp_path} cannot be read; choose another folder\n"


def test_a_file_name_that_cannot_be_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for typed in ("x" * 5000, str(tmp_path / "loop")):
        code, _, err = cli(*GOOD[:2], "--model", typed, "--dataset", "digits")
        assert code == 2 and err.startswith("model: got ") and err.count("\n") == 1


def test_no_threads_are_refused(cli: Cli) -> None:
    code, _, err = cli(*GOOD, "--threads", "0")
    assert code == 2 and "threads" in err


@pytest.mark.parametrize(("name", "body", "told"), [
    ("page.html", b"<html>Sign in</html>", "The file is not a safetensors file."),
    ("net.onnx", b"\x08\x07\x12\x05torch", "ONNX files are not read yet."), ("net.ONNX", b"", "ONNX files are not read yet."),
    ("empty", b"", "The file is not a safetensors file."),
    ("tensors", b"\x02\0\0\0\0\0\0\0{}", "The file holds tensors but no description of a network."),
])
def test_a_file_that_is_no_network_is_refused_with_what_is_read(
    cli: Cli, name: str, body: bytes, told: str, tmp_path: Path,
) -> None:
    (tmp_path / name).write_bytes(body)
    code, out, err = cli(*GOOD[:2], "--model", str(tmp_path / name), "--dataset", "digits")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert err.startswith(f"model: got {str(tmp_path / name)!r}; {told} Allowed: ")
    assert err.endswith("or a safetensors file of EdgePortal "
                        "(ONNX files become one by: python -m worker inspect FILE --out DIR)\n")


@pytest.mark.parametrize("recipe", ["benchmarking.latency", "benchmarking.layers"])
def test_another_device_is_not_measured_in_a_terminal(cli: Cli, recipe: str) -> None:
    code, out, err = cli("run", recipe, "--model", "lenet5", "--dataset", "digits32", "--device", "raspberrypi")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("device: got 'raspberrypi'; a terminal measures the computer it runs on: leave --device out")


def test_this_computer_and_a_name_to_predict_for_are_no_other_device() -> None:
    given = ["--model", "lenet5", "--dataset", "digits32", "--device"]
    for recipe, device in (("latency", ""), ("latency", "this computer"), ("prediction", "raspberrypi")):
        found = find(f"benchmarking.{recipe}")
        assert read(found, [*given, device]).model_dump()["device"] == device


@pytest.mark.parametrize("more", [(), ("--model-2", "")])
def test_what_nothing_runs_without_is_asked_for_with_the_reason(cli: Cli, more: tuple[str, ...]) -> None:
    code, out, err = cli("run", "portfolio.switching", "--model", "lenet5", "--dataset", "digits", *more)
    assert (code, out, err) == (2, "", "model_2: is needed: with one network there is nothing to switch\n")
