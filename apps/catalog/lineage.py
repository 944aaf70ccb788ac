"""The family tree of variants, flattened for a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from apps.catalog.models import Variant


class Branch(NamedTuple):
    """One row of the tree: how deep it hangs, and what it is compared with."""

    variant: Variant
    depth: int
    root: Variant

    @property
    def indent(self) -> range:
        return range(self.depth - 1)

    @property
    def smaller(self) -> float | None:
        """How many times fewer parameters than the root, or than a parent on another page; None for a root itself."""
        if not self.variant.params or self.root is self.variant:
            return None
        return self.root.params / self.variant.params

    @property
    def far_parent(self) -> Variant | None:
        """The parent that stands on another page."""
        return self.root if self.depth == 0 and self.root is not self.variant else None


def tree(variants: Sequence[Variant]) -> list[Branch]:
    """Parents before children, whose depth grows. A variant whose parent is not among them stands as a root."""
    present = {variant.pk for variant in variants}
    children: dict[object, list[Variant]] = {}
    for variant in variants:
        parent = variant.parent_id if variant.parent_id in present and variant.parent_id != variant.pk else None
        children.setdefault(parent, []).append(variant)
    return [branch for root in children.get(None, []) for branch in _grow(root, root.parent or root, 0, children)]


def _grow(variant: Variant, root: Variant, depth: int, children: dict[object, list[Variant]]) -> Iterator[Branch]:
    yield Branch(variant, depth, root)
    for child in children.get(variant.pk, []):
        yield from _grow(child, root, depth + 1, children)
