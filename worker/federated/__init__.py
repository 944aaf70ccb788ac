"""Federated learning on unlike devices: split training, averaging, offloading points, migration, and a clock that emulates time."""
