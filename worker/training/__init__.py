"""The one training loop of the house, a generator with a checkpoint after every epoch, and how it is judged."""
