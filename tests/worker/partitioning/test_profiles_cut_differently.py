"""Profiles that do not say the same: joined where they meet, warned of where they differ, refused where nothing goes together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.worker.partitioning import answer_cases as cases
from worker.partitioning import preparing
from worker.partitioning.answering import Unfit, answer
from worker.planning import Question
from worker.profile import Block, NetworkProfile


def profile(ends: str, seconds: Sequence[float], **facts: object) -> NetworkProfile:
    """A block for each word of `ends`, their last layers."""
    blocks = [Block(first=name, last=name, seconds=took, output_bytes=1000 * (number + 1), params_bytes=100,
                    activation_bytes=10 * number) for number, (name, took) in enumerate(zip(ends.split(), seconds, strict=True))]
    return NetworkProfile.model_validate({"network": "net", "blocks": blocks, "input_bytes": 5000, **facts})


def asked(one: NetworkProfile, other: NetworkProfile, **more: object) -> tuple[Question, cases.Profiles]:
    question, _ = cases.two([[1.0], [1.0]], [1, 1], **more)  # type: ignore[arg-type]
    return question, {"p": one, "r": other}


def test_blocks_are_joined_to_the_ends_that_all_have() -> None:
    given = profile("a b c d", [1, 2, 3, 4]), profile("b x d", [0.5, 0.25, 0.125])
    found = answer(*asked(*given, rules=("blocks 1 in pi", "use rack")))
    best = found.plans[0]
    assert [(stage.device, stage.first_layer, stage.last_layer, stage.ms) for stage in best.stages] == [
        ("pi", "a", "b", 3000), ("rack", "c", "d", 375)]
    assert found.blocks == 2 and best.bytes == 2000
    assert found.warnings[0] == ("The profiles were cut differently (4 on pi and 3 on rack); blocks are joined to the 2 that end "
                                 "at the same layers everywhere, and numbered anew.")


def test_weights_of_joined_blocks_add_up_and_of_what_is_alive_the_most_counts() -> None:
    """Of a b c d: weights 400, at most 30 alive at once."""
    given = profile("a b c d", [1, 2, 3, 4]), profile("b d", [0.5, 0.25])
    for most, fits in ((430, True), (429, False)):
        found = answer(*asked(*given, rules=(f"pi holds at most {most / 1e3} kB", "leave out rack")))
        assert bool(found.plans) == fits


def test_memory_counts_the_weights_alone_where_nobody_knows_what_is_alive_and_says_so() -> None:
    bare = profile("a b", [1, 1])
    blocks = tuple(block.model_copy(update={"activation_bytes": None}) for block in bare.blocks)
    given = bare.model_copy(update={"blocks": blocks})
    found = answer(*asked(given, given, rules=("pi holds at most 0.2 kB", "leave out rack")))
    assert found.plans and "memory counts the weights alone" in found.warnings[0]
    assert not answer(*asked(given, given, rules=("pi holds at most 0.199 kB", "leave out rack"))).plans


def test_a_cut_that_too_many_tensors_cross_is_no_cut() -> None:
    """a b c with 2 tensors behind a and 1 behind b: only behind b it may be cut."""
    plain = profile("a b c", [1, 1, 1])
    blocks = tuple(block.model_copy(update={"output_tensors": many}) for block, many in zip(plain.blocks, (2, 1, 1), strict=True))
    told, rules = plain.model_copy(update={"blocks": blocks}), ("at most 1 crossing tensor", "use pi", "use rack")
    found = answer(*asked(told, told, rules=rules))
    assert [plan.key for plan in found.plans] == ["2@pi/3@rack"] and found.warnings == ()
    assert [hop.tensors for plan in answer(*asked(told, told, rules=rules[1:])).plans for hop in plan.hops] == [2, 1]
    untold = answer(*asked(plain, plain, rules=rules))
    assert len(untold.plans) == 2 and "do not say how many tensors" in untold.warnings[0]


def test_what_one_profile_knows_of_the_network_holds_for_all() -> None:
    """Weights do not depend on the device: one profile has them, the other was typed without."""
    bare = profile("a b", [1, 1])
    blocks = tuple(block.model_copy(update={"params_bytes": None, "activation_bytes": None}) for block in bare.blocks)
    assert answer(*asked(bare.model_copy(update={"blocks": blocks}), bare, rules=("rack holds at most 1 kB",))).plans


def test_profiles_that_were_prepared_are_not_prepared_again() -> None:
    given = asked(profile("a b", [1, 1]), profile("a b", [2, 2]))
    before = preparing._prepared.cache_info()
    answer(*given)
    answer(given[0].model_copy(update={"rules": ("use rack",)}), given[1])
    after = preparing._prepared.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


def test_ends_in_another_order_are_joined_to_the_longest_row_that_all_share() -> None:
    found = answer(*asked(profile("a b c d e", [1] * 5), profile("a c b d e", [1] * 5)))
    assert found.blocks == 4
    assert [native.plan.compute_ms for native in found.natives if native.plan] == [5000, 5000]


def test_a_layer_that_ends_several_blocks_is_no_end() -> None:
    assert answer(*asked(profile("a relu b relu c", [1] * 5), profile("a relu b x c", [1] * 5))).blocks == 3


def test_the_networks_end_is_one_whatever_it_is_called() -> None:
    found = answer(*asked(profile("a b fc", [1, 1, 1]), profile("a softmax", [1, 2])))
    assert found.blocks == 2
    assert "The last layer has different names (fc and softmax); it is taken for the same." in found.warnings


def test_profiles_without_a_common_end_are_refused() -> None:
    with pytest.raises(Unfit) as caught:
        answer(*asked(profile("a b", [1, 1]), profile("x y", [1, 1])))
    assert list(caught.value.faults) == ["places"] and "no layer in common" in caught.value.faults["places"]


def test_batches_of_different_sizes_are_refused() -> None:
    with pytest.raises(Unfit) as caught:
        answer(*asked(profile("a", [1]), profile("a", [1], batch=8)))
    assert caught.value.faults == {
        "places": "The profiles are of batches of different sizes: 1 on pi and 8 on rack. Choose profiles of one size."}


def test_a_batch_gives_as_many_images_at_once() -> None:
    found = answer(*asked(profile("a", [0.5], batch=8), profile("a", [2], batch=8)))
    assert found.plans[0].per_second == 16


@pytest.mark.parametrize(("facts", "said"), [
    ({"engine": "torch"}, "Not the same engine everywhere: onnxruntime on pi and torch on rack."),
    ({"threads": 4}, "Not the same number of threads everywhere: 1 on pi and 4 on rack."),
    ({"network": "other"}, "The profiles are of networks with different names: net and other."),
    ({"sha256": "1" * 64}, "The profiles are of different files of the network (their SHA-256 differ); if the layers differ too, "
                           "this plan is of neither."),
    ({"origin": "predicted", "predicted_within": 0.12}, "The times of rack are predicted, within 12 %."),
    ({"origin": "predicted", "predicted_within": 0.12, "predicted_from": 3},
     "The times of rack are predicted, within 12 % (the worst of 3 left out)."),
    ({"origin": "emulated"}, "The times of rack are emulated."),
    ({"noisy": True}, "Something else disturbed the measurement on rack."),
    ({"additivity_error": 0.3}, "The blocks of rack add up to 30 % more than the whole network takes there in one piece."),
    ({"input_bytes": 4000}, "The profiles give the input different sizes; the largest is taken, 5,000 bytes.")])
def test_what_the_reader_must_know_is_said(facts: dict[str, object], said: str) -> None:
    plain = {"engine": "onnxruntime", "threads": 1, "sha256": "0" * 64}
    found = answer(*asked(profile("a", [1], **plain), profile("a", [1], **plain | facts)))
    assert found.warnings == (said,)
    assert answer(*asked(profile("a", [1], **plain), profile("a", [1], **plain))).warnings == ()


def test_of_different_sizes_across_a_cut_the_largest_is_taken() -> None:
    other = profile("a b", [1, 1])
    larger = other.model_copy(update={"blocks": (other.blocks[0].model_copy(update={"output_bytes": 7000}), other.blocks[1])})
    found = answer(*asked(profile("a b", [1, 1]), larger, rules=("blocks 1 in pi", "blocks 2 in rack")))
    assert found.plans[0].bytes == 7000
    assert found.warnings == ("The profiles give different sizes for what crosses 1 of 2 cuts; the largest are taken.",)


def test_a_plan_says_what_kind_of_numbers_it_is_made_of() -> None:
    given = asked(profile("a b", [1, 1]), profile("a b", [0.1, 0.1], origin="predicted", predicted_within=0.2), mbps=1e4)
    kinds = {plan.key: (plan.block_times, plan.within_percent) for plan in answer(*given).plans}
    assert kinds == {"2@rack": ("predicted", 20), "1@pi/2@rack": ("predicted", 20), "2@pi": ("measured", None)}


@pytest.mark.parametrize(("origin", "kind"), [("measured", "predicted"), ("predicted", "predicted"), ("emulated", "emulated")])
def test_the_sum_of_a_plan_that_nobody_ran_is_never_measured(origin: str, kind: str) -> None:
    found = answer(*asked(profile("a b", [1, 1], origin=origin), profile("a b", [0.1, 0.1], origin=origin)))
    assert {plan.kind for plan in found.plans} == {kind} and {plan.block_times for plan in found.plans} == {origin}


def test_an_input_of_unknown_size_is_never_sent() -> None:
    given = profile("a b", [1, 1], input_bytes=None), profile("a b", [0.01, 0.01], input_bytes=None)
    found = answer(*asked(*given))
    assert [plan.key for plan in found.plans] == ["1@pi/2@rack", "2@pi"] and "The size of the input" in found.warnings[0]
    assert found.natives[1].plan is None and "The size of the input" in found.natives[1].why
    assert "rack alone" not in found.verdict
    assert answer(*asked(*given, input_bytes=9)).plans[0].key == "2@rack"
