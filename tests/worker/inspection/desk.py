"""The desk of the inspection, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worker.inspection.inspecting import inspect
from worker.inspection.order import Found, Order


class Desk:
    """Inspects a file in this process, and remembers the steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[str] = []

    def file(self, body: bytes, name: str = "upload") -> Path:
        path = self.folder / name
        path.write_bytes(body)
        return path

    def model(self, path: Path, **more: Any) -> Found:
        return self.inspect("model", path, **more)

    def dataset(self, path: Path, **more: Any) -> Found:
        return self.inspect("dataset", path, **more)

    def inspect(self, kind: Any, path: Path, **more: Any) -> Found:
        folder = self.folder / "out"
        folder.mkdir(exist_ok=True)
        order = Order(kind=kind, file=str(path), folder=str(folder), name=path.name, **more)
        return inspect(order, lambda name, detail="": self.steps.append(name))
