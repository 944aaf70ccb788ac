"""What lies between devices: typed or measured there and back, in and out as the network files that Scission reads."""
