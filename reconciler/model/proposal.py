"""What would put a drifted account right, by the rule that the source of truth is right."""

from dataclasses import dataclass

from reconciler.model.amounts import ZERO
from reconciler.model.comparison import Mismatch, MismatchKind
from reconciler.model.copies import Balance
from reconciler.model.identity import Account
from reconciler.model.mapping import Mappings

_WHAT_A_PERSON_DOES = {
    MismatchKind.MALFORMED: (
        "a copy holds no usable number: find out what wrote it, and what it should be, before "
        "anything is changed"
    ),
    MismatchKind.DUPLICATE: (
        "one collection holds the account twice: find out which document is the right one; "
        "`reconciler db init` makes the index that keeps it from happening again"
    ),
    MismatchKind.NEGATIVE: "the source of truth is below zero: find the writer that took too much",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one account: the balance for all copies, or why there is none.

    Exactly one of `after` and `refusal` is None; `refusal` says what a person should do.
    """

    mismatch: Mismatch
    after: Balance | None
    refusal: str | None

    @property
    def account(self) -> Account:
        """The account that is wrong."""
        return self.mismatch.account


def propose(mismatch: Mismatch, mappings: Mappings) -> Proposal:
    """Propose the source of truth's balance for all copies; without a copy there, zero.

    What is malformed, doubled, or would be below zero is for a person, never for a machine.
    """
    for kind in (MismatchKind.MALFORMED, MismatchKind.DUPLICATE):
        if kind in mismatch.kinds:
            return Proposal(mismatch, None, _WHAT_A_PERSON_DOES[kind])
    truth = mismatch.view.copy_in(mappings.source_of_truth)
    if truth is None:
        return Proposal(mismatch, Balance(), None)
    after = Balance(truth.available_amount or ZERO, truth.locked_amount or ZERO)
    if after.available < 0 or after.locked < 0:
        return Proposal(mismatch, None, _WHAT_A_PERSON_DOES[MismatchKind.NEGATIVE])
    return Proposal(mismatch, after, None)
