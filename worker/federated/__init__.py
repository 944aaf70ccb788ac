"""Federated learning on unlike devices: split training, averaging, offloading points, migration, and an emulating clock."""
