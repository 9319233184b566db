"""Every role tries every operation on every collection, and may what the table says."""

import asyncio

from reconciler.model.mapping import DEFAULT_MAPPINGS, OWN_COLLECTIONS
from reconciler.model.roles import wanted_roles
from tests.integration.hardening.conftest import Guarded
from tests.integration.hardening.matrix import (
    BALANCES,
    ELSEWHERE,
    EXPECTED,
    FOREIGN,
    OPERATIONS,
    OWN,
    PLACES,
    observed,
)


def test_the_table_leaves_nothing_out() -> None:
    """All roles, all mapped collections and all of our own are in it."""
    assert set(EXPECTED) == {role.name for role in wanted_roles(DEFAULT_MAPPINGS)}
    assert DEFAULT_MAPPINGS.names == BALANCES
    assert set(OWN) == OWN_COLLECTIONS
    assert {place for role in EXPECTED.values() for place in role} <= set(PLACES)


async def test_every_role_against_every_operation_on_every_collection(guarded: Guarded) -> None:
    """What is allowed is exactly the table: nothing is missing, and nothing is more."""
    for name in (*OWN, FOREIGN):
        await guarded.admin[name].insert_one({"_id": "there"})
    elsewhere = guarded.admin.client[f"{guarded.admin.name}_elsewhere"]
    await elsewhere["wallets"].insert_one({"_id": "there"})

    roles = list(EXPECTED)
    seen = await asyncio.gather(*(observed(guarded.as_role[role]) for role in roles))
    by_root = await observed(guarded.admin)
    await guarded.admin.client.drop_database(elsewhere)

    found = {
        f"{role} {place}": " ".join(sorted(allowed))
        for role, places in zip(roles, seen, strict=True)
        for place, allowed in places.items()
    }
    assert found == {
        f"{role} {place}": " ".join(sorted(EXPECTED[role].get(place, "").split()))
        for role in roles
        for place in PLACES
    }
    # The operations are ones that somebody may do: a table of refusals proves little without it.
    assert all(allowed == set(OPERATIONS) for allowed in by_root.values())
    assert all(not places[ELSEWHERE] for places in seen)
