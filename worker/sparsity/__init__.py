"""Which weights to prune, how many, when, and how a network trains under a mask. Sparsity is the fraction of zeros."""
