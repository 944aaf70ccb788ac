"""The slices of a network in ONNX Runtime, each fed what the one before it answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from worker.dnn import architectures
from worker.dnn.export import to_onnx
from worker.profiling import chain as chains
from worker.profiling.chain import Chain, free_memory_bytes, images, is_short
from worker.profiling.layerwise import parted
from worker.profiling.parting import chained

SHAPE = (3, 32, 32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("chain")
    network = architectures.build("resnet20", seed=1).eval()
    to_onnx(network, SHAPE, folder / "whole.onnx")
    after, _ = parted(network, SHAPE, "blocks")
    found = [folder / "whole.onnx"]
    for number, part in enumerate(chained(network, SHAPE, after)):
        found.append(folder / f"{number}.onnx")
        to_onnx(part.network, part.in_shape, found[-1])
    return found


def made(files: list[Path], *, short: bool = False, batch: int = 2) -> Chain:
    return Chain(files[1:], files[0], images(SHAPE, batch), threads=1, short=short)


@pytest.mark.parametrize("short", [False, True])
def test_it_answers_as_the_whole_network(files: list[Path], short: bool) -> None:
    assert made(files, short=short).check() < 1e-5


def test_each_block_is_fed_what_the_one_before_it_answers(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    given, answers = list[chains.Numbers](), list[chains.Numbers]()

    class Watched:
        def __init__(self, session: object) -> None:
            self.session = session

        def get_inputs(self) -> object:
            return self.session.get_inputs()  # type: ignore[attr-defined]

        def run(self, outputs: object, feed: dict[str, chains.Numbers]) -> list[chains.Numbers]:
            given.extend(feed.values())
            found: list[chains.Numbers] = self.session.run(outputs, feed)  # type: ignore[attr-defined]
            answers.extend(found)
            return found

    opened = chains.onnx.session
    monkeypatch.setattr(chains.onnx, "session", lambda path, **more: Watched(opened(path, **more)))
    chain = made(files)
    chain.ready("blocks")
    stamps = chain.by_blocks()
    assert len(stamps) == len(files) and stamps == sorted(stamps)
    assert np.array_equal(given[0], chain.images)
    assert all(after is before for after, before in zip(given[1:], answers[:-1], strict=True))


def test_where_memory_is_short_one_program_is_loaded_at_a_time(files: list[Path]) -> None:
    chain = made(files, short=True)
    for which in ("blocks", "whole", "blocks"):
        chain.ready(which)
        assert list(chain._loaded) == [which]
    both = made(files)
    both.ready("blocks")
    both.ready("whole")
    assert set(both._loaded) == {"blocks", "whole"}


def test_with_several_threads_no_session_waits_in_a_busy_loop(files: list[Path]) -> None:
    chain = Chain(files[1:], files[0], images(SHAPE, 2), threads=2)
    assert chain.check() < 1e-5
    spins = [run.__self__.get_session_options().get_session_config_entry("session.intra_op.allow_spinning")
             for which in ("blocks", "whole") for run, _ in chain._loaded[which]]
    assert set(spins) == {"0"} and len(spins) == len(files)


def test_slices_that_answer_otherwise_are_refused(files: list[Path]) -> None:
    first, *middle, last = files[1:]
    with pytest.raises(ValueError, match="answer otherwise than the whole network"):
        made([files[0], first, *middle[1:2], *middle[1:], last]).check()


def test_short_is_what_does_not_hold_both_with_room_to_work(files: list[Path]) -> None:
    size = sum(file.stat().st_size for file in files)
    assert is_short(files, 2 * size) and not is_short(files, 3 * size) and not is_short(files, None)


def test_free_memory_is_read_as_linux_tells_it(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal:  900 kB\nMemAvailable:   512 kB\n")
    assert free_memory_bytes(told) == 512 * 1024
    told.write_text("nothing known")
    assert free_memory_bytes(told) is None and free_memory_bytes(tmp_path / "missing") is None
