"""Who has which images: every image is somebody's, nobody is without, and unlike means unlike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.federated.dealing import Dealing, dealt

LABELS = np.repeat(np.arange(10), 60)


@given(st.integers(1, 40), st.sampled_from(["alike", "dirichlet", "shards"]), st.integers(0, 99),
       st.floats(0.01, 100), st.integers(1, 5))
def test_every_image_is_dealt_once_and_each_client_has_two(
    clients: int, how: Dealing, seed: int, alpha: float, shards: int,
) -> None:
    parts = dealt(LABELS, clients, how, seed=seed, alpha=alpha, shards=shards)
    assert len(parts) == clients and min(map(len, parts)) >= 2
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(LABELS)))


@pytest.mark.parametrize("how", ["alike", "dirichlet", "shards"])
def test_the_same_seed_deals_the_same_and_another_one_does_not(how: Dealing) -> None:
    first, again, other = (dealt(LABELS, 5, how, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def kinds(part: np.ndarray) -> int:
    return len(set(LABELS[part].tolist()))


def test_of_two_shards_a_client_has_few_classes_and_dealt_alike_all() -> None:
    assert max(map(kinds, dealt(LABELS, 10, "shards", seed=0))) <= 4
    assert min(map(kinds, dealt(LABELS, 10, "alike", seed=0))) == 10


def unlike(alpha: float) -> float:
    """The mean share of a client's commonest class."""
    parts = dealt(LABELS, 10, "dirichlet", seed=0, alpha=alpha)
    return float(np.mean([np.bincount(LABELS[part]).max() / len(part) for part in parts]))


def test_the_smaller_alpha_is_the_less_alike_are_clients() -> None:
    assert unlike(0.05) > unlike(0.5) > unlike(100.0) and unlike(100.0) < 0.2


def test_typed_shares_are_kept_to_the_image() -> None:
    assert [len(part) for part in dealt(LABELS, 3, "alike", seed=4, shares=[0.5, 0.25, 0.25])] == [300, 150, 150]


def test_more_clients_than_images_are_refused() -> None:
    with pytest.raises(ValueError, match="600 training images for 301 clients; each needs two"):
        dealt(LABELS, 301, "alike", seed=0)
