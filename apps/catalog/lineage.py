"""The family tree of variants, flattened for a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db.models import F, Q

from apps.catalog.models import Variant

# What a run kept of a network as it was given: the same file once more.
COPIES = Q(parent__file=F("file"), parent__params=F("params"))


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
        above = variant.parent if variant.parent_id in present else forerunner(variant)
        parent = above.pk if above and above.pk in present and above.pk != variant.pk else None
        children.setdefault(parent, []).append(variant)
    return [branch for root in children.get(None, []) for branch in _grow(root, forerunner(root) or root, 0, children)]


def forerunner(variant: Variant) -> Variant | None:
    """The network that it was made of: the parent, or that of a parent which is itself a copy of it."""
    parent = variant.parent
    above = parent.parent if parent else None
    is_copy = parent and above and (parent.file_id, parent.params) == (above.file_id, above.params)
    return above if is_copy else parent


def _grow(variant: Variant, root: Variant, depth: int, children: dict[object, list[Variant]]) -> Iterator[Branch]:
    yield Branch(variant, depth, root)
    for child in children.get(variant.pk, []):
        yield from _grow(child, root, depth + 1, children)
