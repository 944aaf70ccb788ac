"""What goes between the hosts of a network's slices: frames, wires, emulated links, clocks. NumPy and Python's own library."""
