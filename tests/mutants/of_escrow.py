"""Mutants of trades and of what users hold."""

from tests.mutants.mutant import Edit, Mutant

_TRADE = "reconciler/model/trade.py"
_SERVICE = "reconciler/escrow/service.py"
_STORE = "reconciler/storage/trades.py"
_HOLDINGS = "reconciler/storage/holdings.py"
_MODEL = "tests/unit/model/test_trade.py"
_TRADING = "tests/integration/escrow/test_trading.py"
_CONTENTION = "tests/integration/escrow/test_contention.py"
_HELD = "tests/integration/storage/test_holdings.py"

ESCROW_MUTANTS = (
    Mutant(
        "trade-inserted-outside-the-transaction",
        "a trade is there whose amount was never locked",
        (
            Edit(
                _STORE,
                "insert_one(_document(trade), session=session)",
                "insert_one(_document(trade))",
            ),
        ),
        (f"{_CONTENTION}::test_a_conflict_is_tried_again",),
    ),
    Mutant(
        "trade-moved-outside-the-transaction",
        "a trade is over and its money has not moved",
        (
            Edit(
                _STORE, "collation=SIMPLE_COLLATION, session=session", "collation=SIMPLE_COLLATION"
            ),
        ),
        (f"{_CONTENTION}::test_a_conflict_is_tried_again",),
    ),
    Mutant(
        "no-compare-and-set-on-the-state",
        "a trade is released and cancelled, each paid out of what is locked",
        (Edit(_STORE, ', "state": since.value}', "}"),),
        (f"{_CONTENTION}::test_releases_and_cancels_at_once",),
    ),
    Mutant(
        "compare-and-set-without-a-look-at-it",
        "the money moves although the trade was over",
        (Edit(_STORE, "if result.matched_count != 1:", "if False:"),),
        (f"{_CONTENTION}::test_releases_and_cancels_at_once",),
    ),
    Mutant(
        "conflict-at-the-trade-is-a-refusal",
        "what a repetition would do is refused",
        (Edit(_STORE, "if error.has_error_label(_MAY_WORK_AGAIN):", "if False:"),),
        (f"{_CONTENTION}::test_a_conflict_at_the_trade_itself",),
    ),
    Mutant(
        "loser-told-what-the-winner-left",
        "whoever repeats a step at the same time is refused, for want of funds",
        (Edit(_SERVICE, "if current.is_open:", "if True:"),),
        (f"{_CONTENTION}::test_the_same_step_at_once",),
    ),
    Mutant(
        "replayed-creation-not-read",
        "a repeated creation tells of a trade that is over as if it were open",
        (Edit(_SERVICE, "await self._newest(trade_id) if result.replayed else trade", "trade"),),
        (f"{_TRADING}::test_a_creation_repeated",),
    ),
    Mutant(
        "buyer-not-in-the-reason",
        "a creation with another buyer passes for a repetition",
        (Edit(_TRADE, " for {trade.buyer_id}{fee}", "{fee}"),),
        (f"{_TRADING}::test_an_op_id_with_other_terms",),
    ),
    Mutant(
        "fee-rounded-up",
        "a fee is more than its rate, and may be more than there is",
        (Edit(_TRADE, "quantize(finest, ROUND_DOWN,", 'quantize(finest, "ROUND_UP",'),),
        (f"{_MODEL}::test_fees_to_the_last_digit",),
    ),
    Mutant(
        "trading-with-oneself",
        "somebody sells to themselves",
        (Edit(_TRADE, "if seller_id == buyer_id:", "if False:"),),
        (f"{_MODEL}::test_terms_that_make_no_trade",),
    ),
    Mutant(
        "both-ends-of-a-trade",
        "a released trade is cancelled by a later call",
        (Edit(_TRADE, "if not trade.is_open:", "if False:"),),
        (f"{_MODEL}::test_every_step_in_every_state",),
    ),
    Mutant(
        "broken-copy-counts-as-nothing",
        "what a user holds is told without the copy that cannot be read",
        (
            Edit(
                _HOLDINGS,
                'raise self._no_total(account, "holds no usable number")',
                "return WIDE.create_decimal(0)",
            ),
        ),
        (f"{_HELD}::test_a_broken_copy",),
    ),
)
