"""What this board is: processor, cores, memory, system, what can run networks on it. Standard library only."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RUNTIMES = ("onnxruntime", "numpy", "torch")
# What an accelerator leaves where the kernel can be asked.
ACCELERATORS = {"/dev/nvhost-gpu": "NVIDIA Tegra GPU", "/dev/nvidia0": "NVIDIA GPU", "/dev/apex_0": "Coral Edge TPU",
                "/dev/hailo0": "Hailo NPU", "/dev/galcore": "Vivante NPU", "/dev/rknpu": "Rockchip NPU",
                "/dev/dri/renderD128": "GPU"}


def about(name: str = "") -> dict[str, Any]:
    """The facts that go with joining."""
    return {"name": (name or socket.gethostname() or "board")[:120], "hardware": hardware()[:200], "os": system()[:120],
            "cores": cores(), "memory_bytes": memory_bytes(), "accelerators": ", ".join(accelerators())[:200],
            "runtimes": runtimes()}


def hardware() -> str:
    """The board's own name where it has one (Raspberry Pi, Jetson), and the processor's."""
    board = _text("/proc/device-tree/model").strip("\x00 \n")
    lines = (line.partition(":") for line in _text("/proc/cpuinfo").splitlines())
    known = {name.strip(): value.strip() for name, _, value in lines}
    chip = known.get("model name") or known.get("Hardware") or platform.processor() or platform.machine()
    return " · ".join(dict.fromkeys(filter(None, (board, chip))))


def system() -> str:
    lines = (line.partition("=") for line in _text("/etc/os-release").splitlines())
    known = {name: value.strip('"') for name, _, value in lines}
    return f"{known.get('PRETTY_NAME', platform.system())}, {platform.system()} {platform.release()}"


def cores() -> int:
    """Those this process may use: what was taken from it is not the board's to measure on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """What this process may use: the machine's, or less where a container or a unit caps it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    caps = [int(text) for text in (_text(_cgroup() / "memory.max").strip(), _text("/sys/fs/cgroup/memory.max").strip())
            if text.isdigit()]
    return min([size for size in (total, *caps) if size > 0], default=None)


def accelerators() -> list[str]:
    return list(dict.fromkeys(name for path, name in ACCELERATORS.items() if Path(path).exists()))


def runtimes() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in RUNTIMES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def marks(root: Path = Path("/")) -> list[str]:
    """What stays with the board when its card goes to another: its serial number, else its network hardware; as hashes.

    None where neither is known, as in containers. Adapters on USB wander, and a virtual machine may get another address.
    """
    serial = _text(root / "proc/device-tree/serial-number").strip("\x00 \n")
    cards = [card for card in sorted((root / "sys/class/net").glob("*")) if _is_built_in(card)]
    known = [serial] if serial else [_text(card / "address").strip() for card in cards]
    return [hashlib.sha256(f"edgeportal board {each}".encode()).hexdigest()[:16] for each in known if each]


def _is_built_in(card: Path) -> bool:
    """Whether it is hardware with an address of its own."""
    place = os.path.realpath(card / "device")
    own = (card / "device").exists() and _text(card / "addr_assign_type").strip() == "0"
    return own and not any(word in place for word in ("/usb", "/virtio", "/vmbus", "/xen"))


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _cgroup() -> Path:
    """This process's own group, version 2."""
    line = next((line for line in _text("/proc/self/cgroup").splitlines() if line.startswith("0::")), "0::/")
    return Path("/sys/fs/cgroup") / line[3:].lstrip("/")


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
