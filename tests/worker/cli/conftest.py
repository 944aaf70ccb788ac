"""The command line, called in this process: exit status, standard output, standard error."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator

import pytest

Said = tuple[int, str, str]


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Said]]:
    from worker.__main__ import main

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("runs")))

    def call(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["python -m worker", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        code = end.value.code
        return code if isinstance(code, int) else 0, out, err

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)
