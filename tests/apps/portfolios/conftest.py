from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.accounts.models import Membership, Role, User
from apps.catalog.models import Blob, RegisteredModel, Variant
from apps.experiments.models import Measurement, Run, Status
from apps.portfolios import actions
from apps.portfolios.models import Criterion, Portfolio
from tests.apps.cast import Cast

LATENCY = {"metric": "latency_ms_p50", "comparison": "at_most", "bound": "5"}


@dataclass
class Shop:
    """Alice's team with a model, its variants, and runs that measure them."""

    cast: Cast
    model: RegisteredModel
    carol: User
    made: dict[str, Variant] = field(default_factory=dict)

    def variant(self, name: str, **fields: Any) -> Variant:
        blob = Blob.objects.get_or_create(sha256=name.encode().hex().ljust(64, "0")[:64], defaults={"size_bytes": 1})[0]
        values: dict[str, Any] = {"size_bytes": 2_000_000, "params": 500_000, "macs": 1_000_000, "activation_bytes": 65_536}
        made = Variant.objects.create(team=self.cast.team, model=self.model, name=name, file=blob, **{**values, **fields})
        self.made[name] = made
        return made

    def measured(self, variant: Variant | None, metric: str = "latency_ms_p50", value: float = 4.0, run: Run | None = None,
                 **fields: Any) -> Measurement:
        values: dict[str, Any] = {"unit": "ms", "origin": "measured", "device": "this computer", "engine": "onnxruntime",
                                  "threads": 1, "batch": 1, "variant_name": str(variant), **fields}
        made: Measurement = Measurement.objects.create(team=self.cast.team, run=run or self.cast.run(Status.FINISHED),
                                                       variant=variant, metric=metric, value=value, **values)
        return made

    def portfolio(self, *variants: Variant, by: User | None = None, name: str = "Doorbell") -> Portfolio:
        chosen = variants or tuple(self.made.values())
        return actions.create(by or self.cast.alice, self.cast.team, name, "", [each.pk for each in chosen])

    def asked(self, portfolio: Portfolio, by: User | None = None, **values: Any) -> Criterion:
        return actions.add_criterion(by or self.cast.alice, portfolio, {**LATENCY, **values})

    def in_review(self, portfolio: Portfolio, by: User | None = None) -> Portfolio:
        actions.submit(by or self.cast.alice, portfolio)
        portfolio.refresh_from_db()
        return portfolio


def _shop(cast: Cast) -> Shop:
    carol = User.objects.create_user("carol@example.org", None, name="Carol")
    Membership.objects.create(team=cast.team, user=carol, role=Role.MEMBER)
    model = RegisteredModel.objects.create(team=cast.team, name="VGG", in_shape=[3, 32, 32], classes=10)
    return Shop(cast, model, carol)


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return _shop(cast)


@pytest.fixture
def open_shop(crowd: Cast) -> Shop:
    """The same where transactions really commit."""
    return _shop(crowd)


@pytest.fixture
def submitted(shop: Shop) -> Callable[..., Portfolio]:
    """A portfolio of Alice's in review, of one variant measured at so many milliseconds."""
    def make(latency_ms: float = 4.0) -> Portfolio:
        portfolio = shop.portfolio(shop.variant(f"lean {latency_ms}"))
        shop.measured(next(iter(shop.made.values())), value=latency_ms)
        shop.asked(portfolio)
        return shop.in_review(portfolio)
    return make
