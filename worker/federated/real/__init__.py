"""Federated rounds over real processes: a coordinator, edge servers and devices that exchange frames over (emulated) links.

The coordinator is the run itself. It starts a process for each edge server and each device (`crew`), tells devices over their
control sockets where they belong in a round, and all else goes over connections: it talks to edge servers, these to devices and
to each other. Where devices are boards (`boards`, `bridge`; on the board `on_board`, `lead`) it connects to each of them, tells
it over that connection where it belongs, and carries what it and its edge server say. The arithmetic is that of the emulated run,
layer by layer, so the weights are the same bits.
"""
