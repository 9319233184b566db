"""Mutants of the HTTP API: who gets in, and what is answered."""

from tests.mutants.mutant import Edit, Mutant

_TOKENS = "reconciler/model/access.py"
_KEYS = "reconciler/model/idempotency.py"
_KEPT = "reconciler/storage/idempotency.py"
_GATE = "reconciler/surfaces/http/access.py"
_CHECK = "reconciler/surfaces/http/checking.py"
_LOOPBACK = "reconciler/model/loopback.py"
_OF_TOKENS = "tests/unit/model/test_access.py"
_OF_KEYS = "tests/unit/model/test_idempotency.py"
_OF_KEPT = "tests/integration/storage/test_idempotency_keys.py"
_OF_GATE = "tests/unit/http/test_access.py"
_OF_CHECK = "tests/unit/http/test_integrity.py"
_OF_LOOPBACK = "tests/unit/model/test_loopback.py"

ACCESS_MUTANTS = (
    Mutant(
        "expired-token-gets-in",
        "a token that was rotated out is good for ever",
        (Edit(_TOKENS, "if now < token.expires]", "if token.expires]"),),
        (f"{_OF_TOKENS}::test_a_token_ends_at_its_moment",),
    ),
    Mutant(
        "scope-not-asked-for",
        "whoever has any token may do everything",
        (Edit(_GATE, "if not found.may(scope):", "if False:"),),
        (f"{_OF_GATE}::test_a_token_opens_what_its_scopes_say",),
    ),
    Mutant(
        "foreign-host-gets-in",
        "a web page whose name resolves to loopback is answered",
        (Edit(_GATE, 'if not is_loopback_host(_headers(connection, b"host")):', "if False:"),),
        (f"{_OF_GATE}::test_without_tokens_no_web_page_gets_in",),
    ),
    Mutant(
        "foreign-origin-gets-in",
        "a web page may post to the daemon",
        (Edit(_GATE, 'if _headers(connection, b"origin"):', "if False:"),),
        (f"{_OF_GATE}::test_without_tokens_no_web_page_gets_in",),
    ),
    Mutant(
        "open-to-the-world",
        "without tokens it listens on every address",
        (Edit(_LOOPBACK, "if has_tokens or is_loopback(host):", "if True:"),),
        (f"{_OF_GATE}::test_without_tokens_it_does_not_start_beyond_this_machine",),
    ),
    Mutant(
        "key-without-the-body",
        "another request under a key passes for a repetition",
        (Edit(_KEYS, "_digest(route.encode(), query, body)", "_digest(route.encode(), query)"),),
        (f"{_OF_KEYS}::test_another_content_is_another_request_under_the_key",),
    ),
    Mutant(
        "key-of-all-callers",
        "a caller is given what another one was answered",
        (Edit(_KEYS, "_digest(principal.encode(), route", "_digest(route"),),
        (f"{_OF_KEYS}::test_a_key_is_one_callers_on_one_route",),
    ),
    Mutant(
        "key-taken-while-in-flight",
        "two workers make the same request at once",
        (
            Edit(
                _KEPT,
                '{"$lte": [{"$ifNull": ["$busy_until", None]}, "$$NOW"]}',
                '{"$literal": True}',
            ),
        ),
        (f"{_OF_KEPT}::test_a_key_is_claimed_once",),
    ),
    Mutant(
        "answer-of-another-report",
        "what was written for one report is given for the next",
        (
            Edit(
                "reconciler/surfaces/http/checking.py",
                "self._written is None or self._written[0] is not report",
                "not self._written",
            ),
        ),
        (f"{_OF_CHECK}::test_each_report_is_told_as_it_is",),
    ),
)
