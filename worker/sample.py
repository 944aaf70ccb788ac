"""Make the files of the sample team: two data sets and two freshly initialised networks, with a manifest of their facts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from worker.context import DatasetInput, write_durably

DATASETS = {
    "digits": "Handwritten digits (scikit-learn's copy of the UCI set), 8x8 grey levels.",
    "digits32": "The same digits enlarged to 32x32 and repeated over three channels, for networks made for colour images.",
}
MODELS = {"VGG-11": ("vgg11", "digits32"), "LeNet-5": ("lenet5", "digits")}
SEED = 7


def make(folder: Path) -> None:
    """Write the files, and last of all manifest.json, so that a killed attempt is simply made again."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"datasets": [_dataset(folder, name) for name in DATASETS],
                "models": [_model(folder, name, *made_of) for name, made_of in MODELS.items()]}
    write_durably(folder / "manifest.json", json.dumps(manifest, indent=1).encode())


def _dataset(folder: Path, name: str) -> dict[str, Any]:
    from worker import datasets
    from worker.datasets import sheet

    data = datasets.load(DatasetInput(name))
    datasets.save(data, folder / f"{name}.safetensors")
    drawn = sheet.drawn(data)
    assert drawn is not None
    drawn.save(folder / f"{name}.png")
    return {"name": name, "file": f"{name}.safetensors", "samples": f"{name}.png",
            "description": DATASETS[name], "in_shape": data.in_shape,
            "classes": data.classes, "labels": data.labels,
            "counts": {part: len(data.parts[part].labels) for part in data.parts}}


def _model(folder: Path, name: str, architecture: str, dataset: str) -> dict[str, Any]:
    from worker import datasets
    from worker.dnn import architectures, cost, export, files

    data = datasets.load(DatasetInput(dataset))
    network = architectures.build(architecture, num_classes=data.classes, in_shape=data.in_shape, seed=SEED)
    file, onnx = f"{architecture}.safetensors", f"{architecture}.onnx"
    files.save(network, folder / file, in_shape=data.in_shape, classes=data.classes, name=architecture)
    export.to_onnx(network, data.in_shape, folder / onnx)
    return {"name": name, "file": file, "onnx": onnx, "in_shape": data.in_shape, "classes": data.classes,
            "description": f"{architecture} of the house, freshly initialised (seed {SEED}), for {dataset}.",
            "facts": cost.facts(network, data.in_shape, folder / file).model_dump()}


if __name__ == "__main__":
    make(Path(sys.argv[1]))
