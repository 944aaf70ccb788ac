"""The workshop: everything that computes. Nothing here knows Django, but `worker.tasks`."""

import os

# Since 1.29 ONNX Runtime's wheels for Linux report names and hashes of the networks they load to their maker, from a thread
# beside what is timed, unless this is set before they are imported. What a team uploads is nobody else's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
