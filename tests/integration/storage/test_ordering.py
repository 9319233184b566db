"""The order of raw scalars, and the ranges of all values, against the server's own sort."""

import asyncio
import random
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.scanning.ports import KeyRange
from reconciler.storage.calls import Calls
from reconciler.storage.elements import RawValue, elements
from reconciler.storage.merging import bound_at
from reconciler.storage.ordering import order_of
from reconciler.storage.shape import scan_pipeline
from tests.integration.scanning.field import ODD, SCALARS, Database, document

WALLETS = DEFAULT_MAPPINGS["wallets"]

EXAMPLES = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

decimals = st.decimals(allow_nan=False, places=20, min_value=-10, max_value=10).map(Decimal128)
near_doubles = st.sampled_from([0.1, 0.2, 0.3, 1e22, 2.0**63, 2.0**53, 1e-300, 123456.7])
numbers = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(allow_nan=True),
    near_doubles,
    near_doubles.map(lambda x: Decimal128(f"{x:.33e}")),
    near_doubles.map(lambda x: Decimal128(repr(x))),
    near_doubles.filter(lambda x: x > 1e10).map(lambda x: Int64(min(int(x), 2**63 - 1))),
    decimals,
)
scalars = st.one_of(
    st.sampled_from(SCALARS),
    numbers,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.binary(max_size=4),
    st.binary(min_size=12, max_size=12).map(ObjectId),
)


def raw(value: object) -> RawValue:
    return elements(document({"v": value}).raw)["v"]


async def insert(database: Database, values: list[Any], field: str = "user_id") -> None:
    collection = database["wallets"]
    await collection.delete_many({})
    documents: Any = [document({"_id": n, field: value}) for n, value in enumerate(values)]
    await collection.insert_many(documents)


async def ranked(database: Database, *, hint: bool) -> list[list[int]]:
    """The server's order, equal values together: by its index, or by a sort in memory."""
    stages: list[dict[str, Any]] = [
        {"$sort": {"user_id": 1, "_id": 1}},
        {"$group": {"_id": "$user_id", "ids": {"$push": "$_id"}}},
        {"$sort": {"_id": 1}},
        {"$project": {"_id": 0}},
    ]
    options: dict[str, Any] = {"hint": {"user_id": 1}} if hint else {}
    if hint:
        stages = [{"$sort": {"user_id": 1}}, {"$project": {"_id": 0, "ids": ["$_id"]}}]
    cursor = await database["wallets"].aggregate(stages, collation={"locale": "simple"}, **options)
    return [list(row["ids"]) for row in await cursor.to_list()]


@EXAMPLES
@given(values=st.lists(scalars, min_size=2, max_size=40))
async def test_order_is_the_servers(database: Database, values: list[Any]) -> None:
    """Sorting by our key gives what the server gives, and equal keys are what it groups."""
    await insert(database, values)
    await database["wallets"].create_index([("user_id", 1)])
    orders = [order_of(raw(value)) for value in values]

    groups = await ranked(database, hint=False)
    by_index = [ids[0] for ids in await ranked(database, hint=True)]

    assert [len({orders[n] for n in ids}) for ids in groups] == [1] * len(groups)
    told = [orders[ids[0]] for ids in groups]
    assert told == sorted(set(orders))
    assert [orders[n] for n in by_index] == sorted(orders)


@pytest.mark.parametrize("is_indexed", [False, True], ids=["no index", "multikey index"])
@pytest.mark.parametrize("seed", range(4))
async def test_ranges_divide_everything(database: Database, seed: int, is_indexed: bool) -> None:
    """Whatever the bounds, each document of any type is in exactly one range."""
    chance = random.Random(seed)
    values = [*SCALARS, *ODD]
    await insert(database, values)
    await database["wallets"].insert_one({"_id": -1})
    if is_indexed:
        await database["wallets"].create_index([("user_id", 1), ("currency", 1)])
    bounds = sorted(
        {order_of(raw(value)): raw(value) for value in chance.sample(SCALARS, 9)}.items()
    )
    ends = [bound_at(value) for _, value in bounds]
    ranges = [
        KeyRange(lower, upper) for lower, upper in zip([None, *ends], [*ends, None], strict=True)
    ]

    found = await asyncio.gather(*[ids_in(database, key_range) for key_range in ranges])

    assert sorted(n for ids in found for n in ids) == list(range(-1, len(values)))


async def ids_in(database: Database, key_range: KeyRange) -> list[int]:
    stages = scan_pipeline(WALLETS, key_range, [])[:-1]
    rows = Calls(deadline_seconds=10).rows(database, "wallets", stages)
    return [int.from_bytes(row["_id"].data, "little", signed=True) async for row in rows]


async def test_range_uses_the_index(database: Database) -> None:
    """A range and its sort are read off the index on the account, and nothing is sorted."""
    await database["wallets"].create_index([("user_id", 1), ("currency", 1)], unique=True)
    await insert(database, ["a", "b", "c"])
    key_range = KeyRange(bound_at(raw("a")), bound_at(raw("c")))

    plan = await database.command(
        "explain",
        {
            "aggregate": "wallets",
            "pipeline": scan_pipeline(WALLETS, key_range, []),
            "cursor": {},
            "collation": {"locale": "simple"},
        },
    )

    assert "IXSCAN" in str(plan)
    assert '\'["a", "c")\'' in str(plan)
    assert "'SORT'" not in str(plan)
