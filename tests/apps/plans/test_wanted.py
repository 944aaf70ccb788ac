"""What an address says of a plan is read, written back and refused in sentences; never a crash."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.http import QueryDict

from apps.accounts.refusal import Refused
from apps.plans.wanted import LinkWanted, RangeWanted, Wanted, typed

ONE, OTHER = uuid4(), uuid4()
WHOLE = Wanted(network="a net", devices=(ONE, OTHER), rules=("raw input stays", "box takes at most 30 %"), objective="throughput",
               count=7, returns=True, input_mb=0.15,
               links=(LinkWanted(source=ONE, target=OTHER, latency_ms=0, bandwidth_mbps=2.5),),
               range=RangeWanted(varying="latency", source=ONE, target=OTHER, low=1, high=20), pareto=True)


def faults(query: str) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        Wanted.from_query(QueryDict(query))
    return refused.value.errors


@pytest.mark.parametrize("wanted", [WHOLE, Wanted(network="a net"), Wanted(network="ü & = ?", count=100)])
def test_what_is_written_into_an_address_is_read_from_it(wanted: Wanted) -> None:
    assert Wanted.from_query(QueryDict(wanted.query())) == wanted


def test_an_address_says_only_what_is_not_so_anyway() -> None:
    assert Wanted(network="net").query() == "network=net"


def test_rules_may_come_as_lines_of_one_text() -> None:
    found = Wanted.from_query(QueryDict("network=a&rule=use+edge%0D%0A%0D%0Araw+input+stays"))
    assert found.rules == ("use edge", "raw input stays")


@pytest.mark.parametrize(("query", "field", "words"), [
    ("", "network", "Choose a network"),
    ("network=%E2%80%AE", "network", "Choose a network"),
    ("network=a&device=x", "devices.0", "no device of this team"),
    ("network=a&rule=use+edge&rule=nonsense", "rules.1", "a rule is a line such as"),
    (f"network=a&rule={'x' * 400}", "rules.0", "at most 300 characters"),
    ("network=a&rule=use+b%08x", "rules.0", "cannot be shown"),
    ("network=a&objective=fame", "objective", "Choose what counts"),
    ("network=a&count=0", "count", "from 1 to 100"),
    ("network=a&count=1e3", "count", "from 1 to 100"),
    ("network=a&returns=maybe", "returns", "yes or no"),
    ("network=a&input_mb=0,5", "input_mb", "write 0.5"),
    ("network=a&input_mb=inf", "input_mb", "a number of MB"),
    ("network=a&link=1", "links.0", "source,target,round trip"),
    (f"network=a&link={ONE},{ONE},1,1", "links.0", "two ends"),
    (f"network=a&link={ONE},{OTHER},nan,1", "links.0.latency_ms", "from 0 to 60000 ms"),
    (f"network=a&link={ONE},{OTHER},1,0", "links.0.bandwidth_mbps", "from 0.001"),
    ("network=a&low=5&high=2", "range", "must go up; got 5 to 2"),
    ("network=a&low=nan", "range.low", "greater than 0"),
    ("network=a&varying=fate", "range.varying", "bandwidth or the latency"),
    (f"network=a&from={ONE}", "range", "say both"),
])
def test_what_cannot_be_is_said_at_its_field(query: str, field: str, words: str) -> None:
    found = faults(query)
    assert words in found[field] and found.keys() == {field}


def test_what_was_typed_is_kept_beside_what_is_wrong_with_it() -> None:
    told = typed(QueryDict("network=a&count=many&rule=nonsense&input_mb=0,5"))
    assert (told["count"], told["rules"], told["input_mb"]) == ("many", ["nonsense"], "0,5")


def test_a_device_that_is_named_twice_is_one_device() -> None:
    assert Wanted(network="a", devices=(ONE, OTHER, ONE)).devices == (ONE, OTHER)


def test_more_devices_than_a_plan_can_have_are_refused() -> None:
    assert "devices" in faults("network=a&" + "&".join(f"device={uuid4()}" for _ in range(65)))
