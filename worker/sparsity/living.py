"""Who lives and who dies, round by round, over one buffer of weights whose score is weight times gradient.

A round costs one walk through weights and gradients, in blocks that stay in the processor's cache: a sample of the living
tells between which two scores the line will run; whoever is above lives, whoever is below dies, and the few between are
ranked exactly. Once few are left, they alone are gathered. The outcome is that of ranking them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worker.sparsity.selection import SAMPLE, Flat, bracket, keep_best

BLOCK = 65_536
FEW = 8  # one in so many: then gathering the living is quicker than walking through all
Places = NDArray[np.intp]
Parts = Sequence[Flat]  # the gradients, layer by layer, as autograd hands them over: together they are as long as the weights


class Living:
    """`weights` is one flat buffer, which loses the dead; `sizes` are the layers' shares of it."""

    def __init__(self, weights: Flat, sizes: Sequence[int]) -> None:
        self.weights = weights
        self.alive = np.ones(weights.shape, dtype=bool)
        self.count = weights.size
        self._begins = np.concatenate([[0], np.cumsum(sizes)])
        self._lots = np.random.default_rng(0)
        self._probe: Places = np.empty(0, dtype=np.intp)
        self._left: Places | None = None
        self._block = np.empty(BLOCK, dtype=weights.dtype)
        self._flags = np.empty(BLOCK, dtype=bool)

    def cut(self, gradients: Parts, count: int) -> Places:
        """The places of those that die now, so that the `count` best of the living are left; ties live by position."""
        few = self.count * FEW < self.alive.size or self.count < 4 * SAMPLE
        dead = self._gathered(gradients, count) if few else self._walked(gradients, count)
        self.weights[dead] = 0
        self.alive[dead] = False
        self.count -= dead.size
        return dead

    def _gathered(self, gradients: Parts, count: int) -> Places:
        left = np.flatnonzero(self.alive) if self._left is None else self._left
        lives = keep_best(self._scores(gradients, left), np.ones(left.shape, dtype=bool), count)
        self._left = left[lives]
        return left[~lives]

    def _walked(self, gradients: Parts, count: int) -> Places:
        least, most = bracket(self._scores(gradients, self._probed()), count / self.count)
        places, scores = self._walk(gradients, most)
        above, between = self.count - places.size, ~(scores < least)
        if not 0 <= count - above <= np.count_nonzero(between):  # the sample misled, and all are ranked
            return self._gathered_once(gradients, count)
        lives = between.copy()
        lives[between] = keep_best(scores[between], np.ones(np.count_nonzero(between), dtype=bool), count - above)
        return places[~lives]

    def _gathered_once(self, gradients: Parts, count: int) -> Places:
        dead = self._gathered(gradients, count)
        self._left = None
        return dead

    def _walk(self, gradients: Parts, most: float) -> tuple[Places, Flat]:
        """Places and scores of the living that do not score above `most`."""
        found = [self._step(int(begin) + start, gradient[start : start + BLOCK], most)
                 for begin, gradient in zip(self._begins, gradients, strict=False)
                 for start in range(0, gradient.size, BLOCK)]
        places, scores = zip(*found, strict=True)
        return np.concatenate(places), np.concatenate(scores)

    def _step(self, start: int, gradient: Flat, most: float) -> tuple[Places, Flat]:
        size = gradient.size
        score, flags = self._block[:size], self._flags[:size]
        np.multiply(self.weights[start : start + size], gradient, out=score)
        np.greater(score, most, out=flags)
        np.less(flags, self.alive[start : start + size], out=flags)  # alive and not above; what is no number is here too
        places = np.flatnonzero(flags)
        return places + start, score[places]

    def _scores(self, gradients: Parts, places: Places) -> Flat:
        """Of some, whose places are in order."""
        cuts = np.searchsorted(places, self._begins)
        found = np.empty(places.shape, dtype=self.weights.dtype)
        for begin, gradient, first, last in zip(self._begins, gradients, cuts, cuts[1:], strict=False):
            some = places[first:last]
            np.multiply(self.weights[some], gradient[some - begin], out=found[first:last])
        return found

    def _probed(self) -> Places:
        """Some of the living by lot, in order; drawn anew when half of them have died."""
        self._probe = self._probe[self.alive[self._probe]]
        if self._probe.size < SAMPLE // 2:
            drawn = self._lots.integers(self.alive.size, size=SAMPLE * self.alive.size // self.count)
            self._probe = np.sort(drawn[self.alive[drawn]])
        return self._probe
