"""What callers of the library pass in."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import NamedTuple

from bson import ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession

UserId = str | ObjectId
Amount = Decimal | str | int

# A caller's own writes in the posting's transaction. It must pass the session to each of them, must
# have no effect elsewhere, and may be called again when an attempt is repeated.
Within = Callable[[AsyncClientSession], Awaitable[None]]


class Leg(NamedTuple):
    """One account's part in a posting: by how much its amounts change, in the currency's unit."""

    user_id: UserId
    currency: str
    available_delta: Amount = 0
    locked_delta: Amount = 0
