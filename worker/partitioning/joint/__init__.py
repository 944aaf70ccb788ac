"""Which version of a network, cut where, with which transfer layer, on which devices: all of it at once, exactly.

A version is a variant of a network in one form: whole on one device, split between several, or cut at one place with a transfer
layer there. Each has an accuracy, and under the links and rules of the moment a least latency; of all versions those stay that
no other beats in both. A transfer layer changes a planner's problem in three numbers (what its two halves add to the blocks
before and behind the cut, and what crosses it), so that every rule of the planner means the same as ever.

What no other can enter is not searched: a forward and a backward sweep of each variant give the least latency of all its forms,
or, where rules limit what runs together, a bound below it, and a version whose bound is beaten is never planned in full.
"""
