"""The example of the README, run as it stands."""

import re
from pathlib import Path
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.sync import BalanceSync
from tests.integration.sync.stored import Stored, make_indexes

README = Path(__file__).resolve().parents[2] / "README.md"


async def test_the_example_works(database: AsyncDatabase[dict[str, Any]]) -> None:
    """A deposit is credited once, however often the example is called with it."""
    await make_indexes(database)
    (example,) = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    sync = BalanceSync(database)
    credited = [await names["deposit"](sync, "4711") for _ in range(2)]
    await sync.close()

    assert credited == [True, True]
    assert str((await sync.balance("alice", "BTC")).available) == "0.001"
    assert len(await Stored(database).entries("alice", "BTC")) == 1
