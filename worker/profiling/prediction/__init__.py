"""Per-block times of a network on a device where nobody has measured it: from the devices and networks that were measured."""

from worker.profiling.prediction.choosing import Prediction, TooLittle, predict

__all__ = ["Prediction", "TooLittle", "predict"]
