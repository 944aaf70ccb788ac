"""Where each block of a network runs: exact best plans over devices in order, from the sensor to the cloud.

A network is N blocks in a row; devices ("resources") stand in tiers, and a plan is a chain of resources of strictly rising
tiers, each of which runs some blocks on end. What has to be known is the time of each block on each resource, the bytes that
cross each cut, and the link between each two resources. This is the problem of Scission (Lockhart et al., 2020, arXiv
2008.03523), which counts out all plans of three tiers; here any number of tiers is solved exactly by dynamic programming, on
integers, so that sums are the same in whatever order they are taken and equal plans are equal.

Only NumPy is needed.
"""
