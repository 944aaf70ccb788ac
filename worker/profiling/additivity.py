"""What the blocks of a profile come to, in words: their sum against the whole network, and what a difference means."""

from __future__ import annotations

from worker.profile import Block, NetworkProfile
from worker.wording import byte_size

# From here on the difference is more than the two timings would show of one and the same thing.
TOLD_FROM = 0.05
NOISE_REACHES = 0.25
NOISY = "other work disturbed both, so the difference says little"
APART = ("apart they are slower: the engine joins layers and keeps its own memory layout only inside a block, and each "
         "block is a call of its own. A plan with few cuts pays less than this")
FASTER = "in blocks it came out faster than in one piece: what disturbed the whole passes hit those in blocks less"


def verdict(profile: NetworkProfile, in_turn: float | None = None) -> str:
    """`sum of 21 blocks 4.31 ms, whole 4.29 ms (+0.5 %); block 5 (conv3_1 .. relu3_1) takes 31 %; ...`.

    `in_turn`: how much longer a pass in blocks lasted than the whole one beside it, which noise hits alike.
    """
    why = meaning(profile)
    beside = f"in turn, a pass in blocks lasted {in_turn:.2f} times a whole one" if why and in_turn else ""
    return "; ".join(part for part in (_sum(profile), _slowest(profile), _smallest(profile), why, beside) if part)


def meaning(profile: NetworkProfile) -> str:
    """Why sum and whole differ; nothing while they do not by much."""
    error = profile.additivity_error
    if error is None or abs(error) < TOLD_FROM:
        return ""
    if profile.noisy and abs(error) < NOISE_REACHES:
        return NOISY
    return APART if error > 0 else FASTER


def _sum(profile: NetworkProfile) -> str:
    count = len(profile.blocks)
    told = f"sum of {count} block{'' if count == 1 else 's'} {_ms(profile.total_s)}"
    if profile.whole_s is None or profile.additivity_error is None:
        return told
    noisy = ", noisy" if profile.noisy else ""
    return f"{told}, whole {_ms(profile.whole_s)} ({100 * profile.additivity_error:+.1f} %{noisy})"


def _slowest(profile: NetworkProfile) -> str:
    number, block = max(enumerate(profile.blocks, 1), key=lambda each: each[1].seconds)
    share = 100 * block.seconds / profile.total_s if profile.total_s else 0.0
    return f"block {number} ({_named(block)}) takes {share:.0f} %" if len(profile.blocks) > 1 else ""


def _smallest(profile: NetworkProfile) -> str:
    """Where the fewest bytes go across; the last block ends in the answer, which is no cut."""
    cuts = profile.blocks[:-1]
    if not cuts:
        return "there is no place to cut it"
    block = min(cuts, key=lambda each: each.output_bytes)
    return f"the smallest tensor, {byte_size(block.output_bytes)}, is at the cut behind {block.last}"


def _named(block: Block) -> str:
    return block.first if block.first == block.last else f"{block.first} .. {block.last}"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
