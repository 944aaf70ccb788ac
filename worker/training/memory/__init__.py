"""The one memory meter of the house: what training takes, told before and measured while it runs. 1 MB = 10^6 bytes.

Counted is every tensor that lives at the same time as others: weights and buffers that are resident, gradients, the optimiser's
state and what it computes in between, the batch and its labels, what the forward pass keeps for the backward pass, results on
their way, and the gradients of activations. The peak is the largest sum that is ever alive at once. On a CPU tensors are noted
as operations make them and as they die, each storage once, whatever shares it; on a CUDA device its allocator counts.

Not counted, because no tensor of the step: the data set and the cache on disk as they are read from, Python and its libraries,
and what a single operation takes for itself and gives back before it ends (a convolution's workspace on a CPU). A margin below
the budget is kept for the last; RSS is the machine's affair and no budget is judged by it.

A prediction runs the very same step on torch's meta device, where tensors have sizes but no memory, with two and with three
samples: every moment of the step then has bytes that do not depend on the batch and bytes a sample. What a batch of b needs is
the largest `fixed + per_sample * b` of all moments: straight within a moment, an upper bound of each of them.
"""
