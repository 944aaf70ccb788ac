"""Local learning: each unit of a network learns by an exit of its own, and no gradient crosses from one unit to the next."""
