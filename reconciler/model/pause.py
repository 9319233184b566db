"""A pause of postings on one account, while a repair looks at it and writes it."""

import json

from reconciler.model.identity import Account

# The collection of its documents, one for each paused account: `_id` and `expires_at`.
PAUSES = "leases"


def pause_key(account: Account) -> str:
    """Name the pause of an account; no two accounts have one name."""
    user_id = account.user_id
    return "pause:" + json.dumps([user_id.bson_type, user_id.text, account.currency.text])
