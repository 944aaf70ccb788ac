"""Good ONNX files: read, compared, written again; alone or with their data files; what they leave open is asked for."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import onnx
import pytest
import torch

from tests.worker.inspection import hostile_onnx as build
from tests.worker.inspection.desk import Desk
from worker.dnn import architectures, export, files
from worker.firstlook import Unfit, look
from worker.inspection.order import ModelFound, Unclear


def found(desk: Desk, body: bytes, **more: object) -> ModelFound:
    answer = desk.model(desk.file(body), **more)
    assert isinstance(answer, ModelFound)
    return answer


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    network = architectures.build("resnet20", 7, (3, 32, 32), seed=3)
    export.to_onnx(network, (3, 32, 32), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def separate(path: Path, folder: Path, **how: object) -> Path:
    """The same model with its weights beside it, as torch and ONNX write large ones."""
    folder.mkdir()
    onnx.save(onnx.load(path), folder / "net.onnx", save_as_external_data=True, size_threshold=0, location="net.onnx.data", **how)
    return folder


def zipped(folder: Path, how: int = zipfile.ZIP_STORED, inside: str = "") -> bytes:
    return build.zipped({f"{inside}{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}, how)


def test_a_network_comes_with_its_classes_its_shape_its_parity_and_its_structure(desk: Desk, exported: Path) -> None:
    answer = found(desk, exported.read_bytes())
    assert (answer.classes, answer.in_shape, answer.architecture) == (7, (3, 32, 32), "")
    assert answer.parity and answer.parity.max_relative is not None and answer.parity.max_relative < 1e-5
    assert desk.steps == ["reading", "graph", "weights", "writing", "parity"]
    assert answer.onnx and (desk.folder / "out" / answer.onnx).stat().st_size > 1_000_000
    told = json.loads((desk.folder / "out" / str(answer.structure)).read_text())
    assert told["params"] == answer.facts.params and told["parity"]["max_abs"] == answer.parity.max_abs and len(told["cuts"]) > 5
    assert files.load(desk.folder / "out" / answer.file).trained


@pytest.mark.parametrize("all_in_one", [True, False])
@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_model_and_its_data_files_in_one_zip_are_the_same_network(
    desk: Desk, exported: Path, how: int, all_in_one: bool,
) -> None:
    folder = separate(exported, desk.folder / "apart", all_tensors_to_one_file=all_in_one)
    assert all_in_one == (len(list(folder.iterdir())) == 2)
    answer = found(desk, zipped(folder, how))
    mine = files.load(desk.folder / "out" / answer.file).network.state_dict()
    shutil.rmtree(desk.folder / "out")
    whole = files.load(desk.folder / "out" / found(desk, exported.read_bytes()).file).network.state_dict()
    assert mine.keys() == whole.keys() and all(torch.equal(tensor, mine[name]) for name, tensor in whole.items())


def test_a_zip_may_hold_one_folder_and_what_a_mac_puts_in_it_is_never_read(desk: Desk, exported: Path) -> None:
    folder = separate(exported, desk.folder / "apart")
    body = zipped(folder, inside="models/")
    with zipfile.ZipFile(desk.file(body), "a") as archive:
        archive.writestr("__MACOSX/models/._net.onnx", b"x")
        archive.writestr("models/.DS_Store", b"x")
    assert found(desk, (desk.folder / "upload").read_bytes()).classes == 7


def test_a_zip_of_one_whole_model_is_that_model(desk: Desk, exported: Path) -> None:
    assert found(desk, build.zipped({"net.onnx": exported.read_bytes()}, zipfile.ZIP_DEFLATED)).classes == 7


def test_a_model_without_its_data_is_told_how_to_send_both_before_the_rest_is_sent(exported: Path, tmp_path: Path) -> None:
    body = (separate(exported, tmp_path / "apart") / "net.onnx").read_bytes()
    with pytest.raises(Unfit, match=r"'net\.onnx\.data'.*drop both together, or zip them.*save_as_external_data=False"):
        look("model", "net.onnx", body[:100_000], len(body))
    look("model", "net.onnx", body[:100_000], len(body), alone=False)


def test_a_file_that_leaves_the_size_of_its_images_open_is_asked_for_it(desk: Desk) -> None:
    body = build.model(shape=["n", 1, "height", "width"])
    with pytest.raises(Unclear, match=r"1x\?x\?") as told:
        found(desk, body)
    assert (told.value.mend, told.value.findings["channels"]) == ("in_shape", 1)
    with pytest.raises(Unclear, match="3x8x8 was asked for") as told:
        found(desk, body, in_shape=(3, 8, 8))
    assert told.value.mend == "in_shape"
    assert found(desk, body, in_shape=(1, 20, 12)).in_shape == (1, 20, 12)


@pytest.mark.parametrize(("more", "mend", "words"), [({"classes": 9}, "classes", "classes 4; 9 was"),
                                                     ({"in_shape": (1, 16, 16)}, "in_shape", "1x16x16 was asked")])
def test_what_was_said_otherwise_than_the_file_has_it_is_told_with_both(
    desk: Desk, more: dict[str, object], mend: str, words: str,
) -> None:
    with pytest.raises(Unclear, match=words) as told:
        found(desk, build.model(), **more)
    assert told.value.mend == mend


def test_the_bytes_decide_not_the_name(desk: Desk, exported: Path) -> None:
    answer = desk.model(desk.file(exported.read_bytes(), "net.pt"), architecture="lenet5")
    assert isinstance(answer, ModelFound) and any("lenet5, as chosen, was not needed" in note for note in answer.notes)
