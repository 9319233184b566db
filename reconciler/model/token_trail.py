"""What the audit trail keeps of tokens: whose they are, what they allow, until when; never a token.

Tokens are made without a database and let in by settings. So what is written down is how the
settings that a daemon took differ from what the trail says last of each principal.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.audit import AuditEvent, AuditKind, canonical

ISSUED, CHANGED, REVOKED = "issued", "changed", "revoked"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one token lets a principal do, and until when; nothing of the token itself."""

    principal: str
    scopes: tuple[str, ...]
    expires: datetime


def token_events(
    grants: Iterable[Grant], recorded: Iterable[str], *, at: datetime, actor: str
) -> Sequence[AuditEvent]:
    """Give an event for each principal whose tokens are not as the trail says.

    Args:
        grants: all tokens that the settings have now.
        recorded: the bodies of the trail's records about tokens, in their order.
        at: when they were compared.
        actor: the process that took the settings.
    """
    now, before = _by_principal(grants), _recorded(recorded)
    return [
        AuditEvent(
            AuditKind.TOKEN,
            _outcome(before.get(name), now.get(name)),
            at,
            actor,
            details={"principal": name, "tokens": now.get(name, [])},
        )
        for name in sorted({*now, *before})
        if now.get(name) != before.get(name)
    ]


def _by_principal(grants: Iterable[Grant]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for grant in sorted(grants, key=lambda each: (each.principal, each.expires, each.scopes)):
        token = {"scopes": sorted(grant.scopes), "expires": grant.expires}
        # As it is read back: a time is a text there.
        found.setdefault(grant.principal, []).append(json.loads(canonical(token)))
    return found


def _recorded(bodies: Iterable[str]) -> dict[str, object]:
    """Give what was written down last of each principal that then had a token."""
    found: dict[str, object] = {}
    for details in map(_details, bodies):
        name, tokens = details.get("principal"), details.get("tokens")
        if not isinstance(name, str):
            continue
        if tokens:
            found[name] = tokens
        else:
            found.pop(name, None)
    return found


def _details(body: str) -> Mapping[str, Any]:
    """Read a body; one that somebody spoiled says nothing: finding that is the proof's."""
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    is_ours = isinstance(read, dict) and read.get("kind") == AuditKind.TOKEN
    details = read.get("details") if is_ours else None
    return details if isinstance(details, dict) else {}


def _outcome(before: object, now: object) -> str:
    if not before:
        return ISSUED
    return CHANGED if now else REVOKED
