"""The workshop: everything that computes. Nothing here knows Django, but `worker.tasks`."""
