"""The first look at a file, by its bytes alone: what it is, and in one sentence why it cannot be taken. No torch here."""

from worker.firstlook.looking import DATASET, NETWORK, entries, is_bundle, look, program
from worker.firstlook.sentences import CONVERT, NO_DESCRIPTION, PROGRAM, WARNING, Unfit, printable
from worker.firstlook.tensors import MOST_HEADER_BYTES, MOST_TENSORS, TENSOR_NAME, header, is_safetensors

__all__ = [
    "CONVERT", "DATASET", "MOST_HEADER_BYTES", "MOST_TENSORS", "NETWORK", "NO_DESCRIPTION", "PROGRAM", "TENSOR_NAME", "WARNING",
    "Unfit", "entries", "header", "is_bundle", "is_safetensors", "look", "printable", "program",
]
