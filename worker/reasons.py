"""From what broke to one sentence for a person: our own words, never a library's text, a class name or a path."""

from __future__ import annotations

import dis
import errno
from collections.abc import Iterator
from types import TracebackType

LONGEST = 500
MEMORY = "The run needed more memory than its limit allows."
DISK = "There is no room left on the disk for the run's files."
FILE_SIZE = "A file of the run would have grown beyond the size that its limit allows."
INSIDE = "An error inside the recipe; the trace tells where."

BY_NUMBER = {errno.ENOMEM: MEMORY, errno.ENOSPC: DISK, errno.EDQUOT: DISK, errno.EFBIG: FILE_SIZE}
# How torch (processor and CUDA) and ONNX Runtime say that memory is short; none of them raises a MemoryError.
SHORT_OF_MEMORY = ("allocate memory", "out of memory", "not enough memory", "bad_alloc", "bad allocation", "alloc_failed",
                   "smaller than requested bytes")
RAISE = dis.opmap["RAISE_VARARGS"]


def reason(error: BaseException) -> str:
    """One sentence. What a machine lacked, anywhere in the chain of causes, is told before what broke over it."""
    short = next((found for cause in _causes(error) if (found := lacked(cause))), "")
    return short or _own_words(error) or INSIDE


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def lacked(error: BaseException) -> str:
    """What the machine had too little of, as a sentence; empty when it was something else."""
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, OSError):
        return BY_NUMBER.get(error.errno or 0, "")
    if is_ours(error):
        return ""
    said = str(error).lower()
    return MEMORY if any(phrase in said for phrase in SHORT_OF_MEMORY) else ""


def _own_words(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:LONGEST] if is_ours(error) else ""


def is_ours(error: BaseException) -> bool:
    """Whether it is a ValueError that a `raise` of the workshop made, so that its text was written for a person."""
    if not isinstance(error, ValueError) or error.__traceback__ is None:
        return False
    last = _innermost(error.__traceback__)
    # int("x") fails in our frame too, but at a call: a text is ours only where the frame stands at a raise.
    raised = last.tb_frame.f_code.co_code[last.tb_lasti] == RAISE
    return raised and str(last.tb_frame.f_globals.get("__name__", "")).startswith("worker.")


def _innermost(trace: TracebackType) -> TracebackType:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace
