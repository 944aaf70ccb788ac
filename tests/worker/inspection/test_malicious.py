"""Files that mean harm, or stumble over themselves: each is refused in one sentence of ours, and nothing in it ever runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.worker.inspection.corpus import DATA, LIBRARY_WORDS, MODELS, NETWORKS, is_ours
from tests.worker.inspection.desk import Desk
from worker.firstlook import Unfit


@pytest.mark.parametrize("case", MODELS)
def test_a_bad_model_is_refused_in_our_words_and_never_runs(desk: Desk, tmp_path: Path, case: str) -> None:
    canary = tmp_path / "canary"
    path = desk.file(MODELS[case](canary), "net.pt")
    begun = time.process_time()
    with pytest.raises(Unfit) as told:
        desk.model(path, architecture="lenet5", in_shape=(1, 8, 8), unpacked_bytes=2_000_000_000)
    assert time.process_time() - begun < 20
    assert not canary.exists()
    assert is_ours(str(told.value)), str(told.value)


def test_the_corpus_is_large_enough() -> None:
    assert len(NETWORKS) + len(DATA) >= 200


@pytest.mark.parametrize("case", DATA)
def test_a_bad_data_set_is_refused_with_the_row_and_both_numbers(desk: Desk, tmp_path: Path, case: str) -> None:
    make, word = DATA[case]
    canary = tmp_path / "canary"
    path = desk.file(make(canary), "data.npz")
    with pytest.raises(Unfit) as told:
        desk.dataset(path, unpacked_bytes=2_000_000 if "more than" in case else 1_000_000_000)
    assert word in str(told.value)
    assert not canary.exists() and not (tmp_path / "out" / "unpacked").exists()
    assert not any(library in str(told.value) for library in LIBRARY_WORDS)
