"""`--profiles`: a folder of profiles of any form, or what a run was given; everything else is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.recipes.measured import evidence
from worker import menu
from worker.context import ProfilesInput
from worker.flags import Refused, given_profiles, hashes, refuse_lacking

PREDICTION, OTHER = menu.get("benchmarking.prediction"), menu.get("benchmarking.accuracy")
PLANNING = menu.get("partitioning.scission")
TABLE = "model,block_index,input_layer,output_layer,second_prediction_s,output_size_bytes\nnet,0,0,1,0.5,100\nnet,1,2,3,0.25,40\n"
LINKS = "source,destination,ping(ms),bandwidth(mbps)\none,two,10,1.6\n"


def test_what_a_run_was_given_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "profiles.json"
    file.write_text(evidence().model_dump_json())
    given = given_profiles(PREDICTION, file)
    assert isinstance(given["profiles"], ProfilesInput) and given["profiles"].evidence == evidence()
    file.write_text(evidence().model_copy(update={"left_out": 1}).model_dump_json())
    assert hashes(given) != hashes(given_profiles(PREDICTION, file))


def test_a_folder_holds_files_of_several_devices_and_its_table_of_links_is_passed_over(tmp_path: Path) -> None:
    for name in ("device-pi.csv", "edge-box.csv"):
        (tmp_path / name).write_text(TABLE)
    (tmp_path / "network_stats.csv").write_text(LINKS)
    (tmp_path / "one.json").write_text(evidence().profiles[0].profile.model_dump_json())
    (tmp_path / "notes.txt").write_text("not a profile")
    given = given_profiles(PREDICTION, tmp_path)["profiles"]
    assert isinstance(given, ProfilesInput)
    assert {(each.name, each.tier) for each in given.evidence.devices} == {("pi", "device"), ("box", "edge"), ("one", "")}
    seen = [(each.device, each.profile.network) for each in given.evidence.profiles]
    assert seen == [("pi", "net"), ("box", "net"), ("one", "one")]


@pytest.mark.parametrize(("text", "said"), [
    (None, "allowed: a folder of profiles"), (LINKS, "no measured profile"), (TABLE.replace("0.5", "-1"), "line 2"),
    ("", "profiles: "),
])
def test_what_is_no_profile_is_refused_with_what_is_wrong(tmp_path: Path, text: str | None, said: str) -> None:
    folder = tmp_path / "given"
    if text is not None:
        folder.mkdir()
        (folder / "device-pi.csv").write_text(text)
    with pytest.raises(Refused) as refused:
        given_profiles(PREDICTION, folder)
    assert all(line.startswith("profiles: ") for line in refused.value.lines)
    assert said in str(refused.value)


def test_only_a_recipe_that_rests_on_profiles_takes_them_and_it_needs_them(tmp_path: Path) -> None:
    assert given_profiles(OTHER, None) == {}
    with pytest.raises(Refused, match="takes none"):
        given_profiles(OTHER, tmp_path)
    with pytest.raises(Refused, match="needs --profiles"):
        given_profiles(PREDICTION, None)


def folder_of(tmp_path: Path, *tables: str) -> Path:
    for name in ("device-pi.csv", "edge-box.csv"):
        (tmp_path / name).write_text(TABLE)
    for name in tables:
        (tmp_path / name).write_text("source,destination,ping(ms),bandwidth(mbps)\npi,box,10,1.6\n")
    return tmp_path


def linked(folder: Path, links: Path | None = None) -> list[tuple[str, str, float, float]]:
    given = given_profiles(PLANNING, folder, links)["profiles"]
    assert isinstance(given, ProfilesInput)
    return [(each.sender, each.receiver, each.latency_ms, each.bandwidth_mbps) for each in given.evidence.links]


def test_the_only_table_of_links_in_the_folder_is_taken_and_any_other_by_its_name_or_place(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "wired.csv")
    assert linked(folder) == [("pi", "box", 10.0, 1.6)]
    elsewhere = tmp_path / "further" / "slow.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_text(LINKS.replace("one,two,10,1.6", "pi,box,99,0.1"))
    assert linked(folder, elsewhere) == [("pi", "box", 99.0, 0.1)]
    assert linked(folder, Path("wired.csv")) == [("pi", "box", 10.0, 1.6)]


def test_of_several_tables_of_links_one_has_to_be_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "wired.csv", "wireless.csv")
    with pytest.raises(Refused, match=r"name one of them by --links: wired.csv, wireless.csv"):
        linked(folder)
    assert linked(folder, Path("wireless.csv")) == [("pi", "box", 10.0, 1.6)]


def test_links_come_back_from_what_a_run_was_given(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "wired.csv")
    given = given_profiles(PLANNING, folder)["profiles"]
    assert isinstance(given, ProfilesInput)
    file = tmp_path / "profiles.json"
    file.write_text(given.evidence.model_dump_json())
    assert linked(file) == [("pi", "box", 10.0, 1.6)]


@pytest.mark.parametrize(("text", "said"), [
    ("a,b\n1,2\n", "the header source,destination"), ("", "links: "),
    ("source,destination,ping(ms),bandwidth(mbps)\npi,box,10\n", "line 2"),
    ("source,destination,ping(ms),bandwidth(mbps)\npi,box,10,0\n", "a bandwidth above 0 Mbit/s"),
    ("source,destination,ping(ms),bandwidth(mbps)\npi,box,-1,5\npi,box,soon,5\n", "line 3"),
])
def test_a_table_of_links_that_cannot_be_read_is_refused_line_by_line(tmp_path: Path, text: str, said: str) -> None:
    folder, table = folder_of(tmp_path), tmp_path / "links.txt"
    table.write_text(text)
    with pytest.raises(Refused) as refused:
        linked(folder, table)
    assert all(line.startswith("links: ") for line in refused.value.lines) and said in str(refused.value)


def test_only_a_recipe_that_plans_takes_links(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"benchmarking.prediction takes none"):
        given_profiles(PREDICTION, folder_of(tmp_path), Path("links.csv"))


def test_what_the_profiles_lack_is_told_before_anything_runs(tmp_path: Path) -> None:
    given = given_profiles(PLANNING, folder_of(tmp_path))
    with pytest.raises(Refused, match=r"partitioning.scission: No link leads from pi"):
        refuse_lacking(PLANNING, PLANNING.params.model_validate({"model": "net"}), given)
    with pytest.raises(Refused, match=r"model: No device has a profile of nut; there are profiles of net .did you mean net"):
        refuse_lacking(PLANNING, PLANNING.params.model_validate({"model": "nut"}), given)
