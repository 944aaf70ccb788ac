"""What was accepted, as planners read it."""

from __future__ import annotations

import hashlib

from worker.context import Context
from worker.partitioning.transfer.outcome import Outcome
from worker.partitioning.transfer.trial import Accepted
from worker.planning.offers import Offer


def offers(outcome: Outcome, context: Context) -> list[Offer]:
    network, sha256 = outcome.asked.network or context.model().name, _given_sha256(outcome, context)
    return [_offer(outcome, each, network[:120].strip(), sha256, context.device[:120]) for each in outcome.accepted]


def _offer(outcome: Outcome, found: Accepted, network: str, sha256: str, device: str) -> Offer:
    base, candidate, took = outcome.base, found.candidate, found.overhead
    return Offer(
        network=network, network_sha256=sha256, variant_sha256=found.variant.sha256, after=candidate.after,
        inner_after=found.down, layer=str(candidate.option), bytes=candidate.payload_bytes, raw_bytes=candidate.raw_bytes,
        down_s=took.down_s, convert_s=took.convert_s, up_s=took.up_s, device=device, accuracy=found.score.accuracy,
        accuracy_whole=base.score.accuracy, n=found.score.n, dataset=base.data.name[:120].strip(),
        params_bytes=found.params_bytes)


def _given_sha256(outcome: Outcome, context: Context) -> str:
    """Of the file that the run was given, by which others know the network; of one drawn here, of what was written."""
    file = context.model().file
    if file is None:
        return outcome.base.variant.sha256
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
