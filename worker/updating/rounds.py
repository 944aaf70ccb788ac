"""When new images come, and when a round begins with the first network again."""

from __future__ import annotations

from dataclasses import dataclass


def images_by_round(first: int, more: int, rounds: int, there: int) -> list[int]:
    """How many images the server has in each round: `first`, then `more` each time, in the last one what is left.

    ValueError when there are fewer than `first`.
    """
    if first > there:
        raise ValueError(f"The first round needs {first:,} training images; the data set has {there:,}.")
    found = [first]
    while len(found) < rounds and found[-1] < there:
        found.append(min(found[-1] + more, there))
    return found


@dataclass
class Doubling:
    """Weights that were fitted to few images hold back when there are many: once they are more than twice as many as when the
    network was last drawn, a round begins with the first network again."""

    at_last: int = 0

    def due(self, images: int) -> bool:
        """Whether this round, which has so many images, begins anew; the first one always does."""
        if images <= 2 * self.at_last:
            return False
        self.at_last = images
        return True
