"""Networks cut into slices that run on several devices: where to cut, and what it costs."""
