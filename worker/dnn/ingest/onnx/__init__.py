"""ONNX files read into the internal form: opset 7 to the newest, nothing of the file executed, nothing beside it read."""

from __future__ import annotations

from worker.dnn.ingest.onnx.gates import SizeUnknown
from worker.dnn.ingest.onnx.reading import Read, read

__all__ = ["Read", "SizeUnknown", "read"]
