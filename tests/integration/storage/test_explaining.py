"""What is explained of one account, by what a person types."""

from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId

from reconciler.model.comparison import MismatchKind
from reconciler.model.copies import Balance
from reconciler.model.identity import Identifier
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.storage.balances import MongoBalanceStore
from reconciler.storage.explaining import Explainer
from reconciler.sync import BalanceSync
from tests.integration.scanning.field import NOT_UTF8, Database, Exchange
from tests.integration.sync.stored import make_indexes

D = Decimal
OBJECT_ID = ObjectId("0123456789abcdef01234567")


@pytest.fixture
async def explainer(database: Database) -> Explainer:
    await make_indexes(database)
    return Explainer(MongoBalanceStore(database, DEFAULT_MAPPINGS), DEFAULT_MAPPINGS, lines_max=3)


async def test_account_with_postings(explainer: Explainer, database: Database) -> None:
    """The copies in full, and the last postings, newest first."""
    sync = BalanceSync(database)
    for amount in ("1", "2", "3"):
        await sync.credit("alice", "BTC", amount, "deposit")
    await sync.lock("alice", "BTC", "4", "order")
    await sync.close()

    explanation = await explainer.explain("alice", "BTC")

    assert explanation.is_known
    assert explanation.mismatch is None
    assert [line.kind for line in explanation.journal] == ["lock", "credit", "credit"]
    assert explanation.journal[0].after == Balance(D(2), D(4))
    assert explanation.journal[0].delta.available == D(-4)
    (copy,) = explanation.view.copies["trader_balances"]
    assert (copy.available.value, copy.locked.value, copy.total.value) == (D(2), D(4), D(6))
    assert copy.updated is not None
    assert ObjectId.is_valid(copy.document_id)


async def test_drifted_account(explainer: Explainer, database: Database) -> None:
    """What differs is said."""
    exchange = Exchange()
    exchange.put(DEFAULT_MAPPINGS.names[:3], u="bob", c="BTC", a=Decimal128("1"))
    await exchange.write(database)

    explanation = await explainer.explain("bob", "BTC")

    assert explanation.mismatch is not None
    assert explanation.mismatch.kind is MismatchKind.MISSING
    assert explanation.journal == ()


async def test_object_id_by_its_text(explainer: Explainer, database: Database) -> None:
    """An ObjectId is found by its digits, with its postings; a string of them comes first."""
    sync = BalanceSync(database)
    await sync.credit(OBJECT_ID, "BTC", "1", "deposit")
    found = await explainer.explain(str(OBJECT_ID), "BTC")
    await sync.credit(str(OBJECT_ID), "BTC", "2", "deposit")
    string = await explainer.explain(str(OBJECT_ID), "BTC")
    await sync.close()

    assert found.view.account.user_id == Identifier(str(OBJECT_ID), "objectId")
    assert len(found.journal) == 1
    assert string.view.account.user_id == Identifier(str(OBJECT_ID))
    assert string.journal[0].delta.available == D(2)


async def test_id_that_is_not_utf8(explainer: Explainer, database: Database) -> None:
    """An id that is not UTF-8 is found by the text that shows it."""
    exchange = Exchange()
    exchange.everywhere(u=NOT_UTF8, c="BTC", a=Decimal128("1"))
    await exchange.write(database)

    explanation = await explainer.explain("\udcff\udcfe", "BTC")

    assert explanation.is_known
    assert explanation.mismatch is None


@pytest.mark.parametrize("user", ["nobody", "", '{"$gt": ""}', "\ud800"])
async def test_nobody(explainer: Explainer, user: str) -> None:
    """Nobody is not known, and that is no mismatch."""
    explanation = await explainer.explain(user, "BTC")

    assert not explanation.is_known
    assert explanation.mismatch is None
    assert explanation.view.account.user_id == Identifier(explanation.view.account.user_id.text)
