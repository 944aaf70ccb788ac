"""Models with their family tree, and data sets."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.catalog.lineage import tree
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from tests.apps.cast import Cast


@pytest.fixture
def family(cast: Cast) -> RegisteredModel:
    """A root, its child and its grandchild."""
    blob = Blob.objects.create(sha256="5" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="VGG", in_shape=[3, 32, 32], classes=10)
    parent = None
    for name, params in (("root", 1000), ("pruned", 250), ("tuned", 100)):
        parent = Variant.objects.create(team=cast.team, model=model, name=name, file=blob, parent=parent, params=params,
                                        size_bytes=params * 4, macs=1, activation_bytes=1)
    return model


def test_the_tree_puts_parents_before_children(family: RegisteredModel) -> None:
    branches = tree(list(family.variants.all()))
    assert [(branch.variant.name, branch.depth) for branch in branches] == [("root", 0), ("pruned", 1), ("tuned", 2)]
    assert [branch.smaller for branch in branches] == [None, 4.0, 10.0]


def test_a_child_whose_parent_is_gone_stands_as_a_root(family: RegisteredModel) -> None:
    rest = list(family.variants.exclude(name="root"))
    assert [branch.depth for branch in tree(rest)] == [0, 1]


def test_the_pages_show_facts_with_units(cast: Cast, family: RegisteredModel, client: Client) -> None:
    client.force_login(cast.victor)
    assert "3×32×32" in client.get("/models/").content.decode()
    said = client.get(f"/models/{family.pk}/").content.decode()
    assert "4.0×" in said and "4\u00a0kB" in said and "data-new" not in said
    assert client.get(f"/experiments/of-model/{family.pk}/").status_code == 200


def test_a_file_that_is_not_on_the_disk_is_gone_and_one_that_never_was_is_not_found(cast: Cast, family: RegisteredModel,
                                                                                   client: Client) -> None:
    client.force_login(cast.alice)
    variant = family.variants.first()
    assert variant
    for kind, status in (("safetensors", 410), ("onnx", 404)):
        assert client.get(f"/models/variants/{variant.pk}/file.{kind}").status_code == status


def test_a_data_set_names_the_models_it_fits(cast: Cast, family: RegisteredModel, client: Client) -> None:
    client.force_login(cast.alice)
    blob = Blob.objects.get()
    data = Dataset.objects.create(team=cast.team, name="digits32", in_shape=[3, 32, 32], classes=10, file=blob,
                                  counts={"train": 1257, "validation": 180, "test": 360}, labels=["nought", "one"])
    said = client.get(f"/data/{data.pk}/").content.decode()
    assert "VGG" in said and "1257" in said and "nought" in said
    assert "digits32" in client.get("/data/?q=DIG").content.decode()
    assert "No data set is called like that" in client.get("/data/?q=%00zebra").content.decode()
