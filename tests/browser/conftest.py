from __future__ import annotations

import pytest

from tests.portal import Portal


@pytest.fixture(scope="session")
def finished(portal: Portal) -> str:
    """A short run that has ended, with charts, variants and files."""
    run = portal.launch("pruning.magnitude", epochs=2)
    portal.wait(run, "finished")
    return run
