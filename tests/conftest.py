"""What tests share: one whole portal for those that need it, and one browser."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples each time, so that a build fails for what it changed; `FUZZ=1 pytest ...` draws new ones.
settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile("new" if os.environ.get("FUZZ") else "same")


def pytest_collection() -> None:
    """Nothing that is loaded while tests are collected goes away again: looking for garbage in it was a third of that time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From now on it is passed over: looking through all of Django, torch and these tests takes most of a second each time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The whole portal as `make run` starts it, on a free port, with its sample team and short leases; nothing runs."""
    from tests.portal import Portal

    running = Portal(Path(tempfile.mkdtemp(prefix="ep-run-")))
    try:
        running.start()
        running.clear_the_slot()
        yield running
    finally:
        running.stop()
        running.keep_logs(tmp_path_factory.getbasetemp() / "portal-logs")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """One headless Chromium for the session."""
    from playwright.sync_api import sync_playwright

    from tests import tabs

    tabs.prepare()
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "These tests need Chromium on the PATH: apt install chromium"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-first-run", "--disable-quic"]
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: object, portal: object) -> Iterator[object]:
    """A fresh signed-in tab that fails the test when the page logs an error."""
    from tests.portal import open_tab

    yield from open_tab(chromium, portal)
