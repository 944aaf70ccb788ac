"""Portfolio, Criterion, Comment, Decision: choosing the variants that ship, and approving them."""

from __future__ import annotations
