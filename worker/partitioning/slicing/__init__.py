"""A plan run for real: each part of a network in a process of its own, frames between them, and who drives them.

`host` is such a process, `chain` speaks to all of them from the first one on, `local` starts them on this computer with emulated
links between. Only `preparing` needs torch, and a host whose slice torch runs.
"""
