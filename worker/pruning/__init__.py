"""The pruning systems' mathematics, and the comparison with the dense network that they share."""
