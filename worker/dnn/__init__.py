"""Networks as data: what they are, what they cost, how they are cut smaller, kept and exported."""
