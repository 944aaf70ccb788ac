"""A card that is copied into a second board: its agent is another one there, which the portal turns away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from worker.agent import hardware
from worker.agent.state import Folder


def machine(root: Path, serial: str = "", **cards: tuple[str, str]) -> list[str]:
    """The marks of a machine with this serial number, and network cards of (bus, address)."""
    if serial:
        (root / "proc/device-tree").mkdir(parents=True)
        (root / "proc/device-tree/serial-number").write_text(f"{serial}\x00")
    for name, (bus, address) in cards.items():
        card, device = root / "sys/class/net" / name, root / "sys/devices" / bus / name
        card.mkdir(parents=True)
        device.mkdir(parents=True)
        (card / "device").symlink_to(device)
        (card / "address").write_text(f"{address}\n")
        (card / "addr_assign_type").write_text("0\n")
    return hardware.marks(root)


def test_a_copy_of_the_card_is_another_instance_and_the_board_itself_stays_the_same(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "marks", lambda: ["one"])
    first = Folder(tmp_path / "card").instance()
    shutil.copytree(tmp_path / "card", tmp_path / "copy")
    monkeypatch.setattr(hardware, "marks", lambda: ["two"])
    assert Folder(tmp_path / "copy").instance() not in ("", first)
    for still in (["one"], ["more", "one"], []):
        monkeypatch.setattr(hardware, "marks", lambda still=still: still)
        assert Folder(tmp_path / "card").instance() == first


def test_an_instance_of_before_marks_were_thought_of_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.write("instance.json", {"instance": "drawn-long-ago"})
    monkeypatch.setattr(hardware, "marks", lambda: ["one"])
    assert folder.instance() == "drawn-long-ago"
    monkeypatch.setattr(hardware, "marks", lambda: ["two"])
    assert folder.instance() == "drawn-long-ago-two"


def test_a_board_is_known_by_its_serial_number_else_by_its_own_network_cards(tmp_path: Path) -> None:
    pi = machine(tmp_path / "pi", "10000000abcdef", eth0=("platform", "dc:a6:32:00:00:01"))
    desk = machine(tmp_path / "desk", eth0=("pci0", "00:00:5e:00:53:01"), usb0=("usb1", "00:00:5e:00:53:02"))
    guest = machine(tmp_path / "guest", eth0=("virtio2", "52:54:00:00:00:01"))
    assert len(pi) == len(desk) == 1 and pi != desk and guest == machine(tmp_path / "nothing") == []
    assert all(len(mark) == 16 and mark.isalnum() for mark in [*pi, *desk])
