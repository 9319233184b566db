"""Random documents of every shape, scanned, against a plain model that groups and compares."""

from typing import Any

from bson import Decimal128
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.mapping import DEFAULT_MAPPINGS, CollectionMapping, Mappings, TotalMeaning
from tests.integration.scanning.field import AMOUNTS, ODD, SCALARS, Database, Exchange
from tests.integration.scanning.scanning import scan_by_each_method

MIXED = Mappings(
    (
        CollectionMapping("wallets"),
        CollectionMapping("crypto_balances", total=None),
        CollectionMapping(
            "trader_balances", account="trader_id", total_means=TotalMeaning.AVAILABLE
        ),
    )
)

good_ids = st.sampled_from(["a", "b", "c", "d", 1, 2])
any_id = st.sampled_from([*SCALARS, *ODD])
user_ids = st.one_of(good_ids, any_id)
currencies = st.one_of(
    st.sampled_from(["BTC", "ETH"]), st.sampled_from(["BTC", 1, 1.0, ["x"]]), any_id
)
amounts = st.sampled_from(AMOUNTS)
sound = st.sampled_from([AMOUNTS[0], AMOUNTS[3], AMOUNTS[4], AMOUNTS[5]])


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """One document: each field may be missing, and is mostly sound."""
    chosen: dict[str, Any] = {}
    for name, values in (
        ("u", user_ids),
        ("c", currencies),
        ("a", st.one_of(sound, sound, amounts)),
        ("l", st.one_of(sound, sound, amounts)),
        ("t", st.one_of(sound, amounts)),
    ):
        if draw(st.integers(0, 9)):
            chosen[name] = draw(values)
    return chosen


@st.composite
def exchanges(draw: st.DrawFn, mappings: Mappings) -> Exchange:
    """Some documents: equal in all collections, or in some of them, or nearly so."""
    exchange = Exchange(mappings)
    for _ in range(draw(st.integers(0, 14))):
        document = draw(fields())
        names = draw(
            st.one_of(
                st.just(mappings.names),
                st.lists(st.sampled_from(mappings.names), min_size=1, unique=True),
            )
        )
        if mappings is MIXED:
            document = document | {"t": document.get("a", 1)}
            for name in names:
                row = {k: v for k, v in document.items() if k != "t" or mappings[name].total}
                exchange.put([name], **row)
        else:
            exchange.put(names, **document)
    return exchange


EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def test_collation_of_a_collection(database: Database) -> None:
    """Where a collection takes A for a, a scan does not: postings would not, either."""
    for name in DEFAULT_MAPPINGS.names:
        await database.create_collection(name, collation={"locale": "en", "strength": 1})
    exchange = Exchange()
    for user in ("a", "A", "á", "b"):
        exchange.everywhere(u=user, c="BTC", a=Decimal128("1"))
    exchange.put(["wallets"], u="B", c="BTC", a=Decimal128("1"))

    await scan_both_ways(database, exchange)


async def scan_both_ways(database: Database, exchange: Exchange) -> None:
    """In one piece, and in ranges and batches as small as can be."""
    await exchange.write(database)
    await scan_by_each_method(database, exchange)
    await scan_by_each_method(database, exchange, range_accounts=2, batch_documents=2)


@EXAMPLES
@given(exchange=exchanges(DEFAULT_MAPPINGS))
async def test_scan_finds_what_the_model_says(database: Database, exchange: Exchange) -> None:
    """Counts and mismatches are exactly those of the plain model, however the range is read."""
    await scan_both_ways(database, exchange)


@EXAMPLES
@given(exchange=exchanges(MIXED))
async def test_other_mappings(database: Database, exchange: Exchange) -> None:
    """So they are without a total, and where the total means available."""
    await scan_both_ways(database, exchange)
