"""Static finder for one file: Plotly's script out of the plotly wheel, under a name that carries its version."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage


def plotly_file() -> Path:
    file: Path = settings.PLOTLY / "plotly.min.js"
    return file


class OneFile(FileSystemStorage):
    """A storage that knows one file, whatever name it is asked for."""

    def path(self, name: str) -> str:
        return str(plotly_file())


class PlotlyFinder(BaseFinder):
    """Finds `plotly/plotly-<version>.min.js` and nothing else."""

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = [str(plotly_file())] if path == settings.PLOTLY_SCRIPT else []
        return found if find_all else next(iter(found), None)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        yield settings.PLOTLY_SCRIPT, OneFile(location=plotly_file().parent)
