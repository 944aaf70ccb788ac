"""Updating a deployed network by few of its weights: which to send, the file they travel in, how a device takes it."""
