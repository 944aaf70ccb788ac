"""A first network is signed and taken in a terminal."""

from __future__ import annotations

from pathlib import Path

from tests.worker.updating.test_updating_command import asked, told


def test_a_first_network_is_signed_taken_and_shown_and_begin_refuses_to_replace_it(exported: bytes, tmp_path: Path) -> None:
    (tmp_path / "first.onnx").write_bytes(exported)
    public, folder = str(told("key", tmp_path / "secret")["public"]), tmp_path / "device"
    told("sign", tmp_path / "first.onnx", tmp_path / "update", "--first", "--key", tmp_path / "secret", "--device", "camera",
         "--number", 3)
    taken = told("take", tmp_path / "update", "--folder", folder, "--device", "camera", "--public", public)
    shown = told("show", "--folder", folder)
    assert (shown["number"], shown["first"]) == (3, taken["sha256"])
    refused = asked("begin", tmp_path / "first.onnx", "--folder", folder)
    assert (refused.returncode, refused.stderr) == (
        2, "A portal brought the network that is served here; only it can put another in its place.\n")
