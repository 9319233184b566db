"""Views written in one line: `view("1 0 1", "1d 0 -", None, "?")`.

One text for each collection in the default order: available, locked and total. `1` is a decimal,
`1d` a double, `1i` an int, `-` a field that is not there, `?` a string. What is left out at the end
is a decimal zero, and for the total the sum. `&` joins the copies of a duplicate.
"""

from decimal import Decimal

from hypothesis import strategies as st

from reconciler.model.amounts import WIDE, ZERO
from reconciler.model.copies import (
    NOT_STORED,
    BalanceView,
    Copy,
    StoredNumber,
    stored_nonsense,
    stored_number,
)
from reconciler.model.identity import Account
from reconciler.model.mapping import DEFAULT_MAPPINGS, Mappings

ACCOUNT = Account.of("alice", "BTC")
TYPES = {"d": "double", "i": "int"}


def number(text: str) -> StoredNumber:
    if text == "-":
        return NOT_STORED
    if text == "?":
        return stored_nonsense("string", "many")
    bson_type = TYPES.get(text[-1], "decimal")
    return stored_number(bson_type, Decimal(text.rstrip("di") if bson_type != "decimal" else text))


def copy(text: str) -> Copy:
    numbers = [number(each) for each in text.split()]
    if len(numbers) == 1:
        numbers.append(number("0"))
    if len(numbers) == 2:
        numbers.append(
            stored_number("decimal", WIDE.add(numbers[0].value or ZERO, numbers[1].value or ZERO))
        )
    available, locked, total = numbers
    return Copy("1", available, locked, total)


def view(*texts: str | None, mappings: Mappings = DEFAULT_MAPPINGS) -> BalanceView:
    """Make a view; with one text, all copies are alike."""
    every = texts * len(mappings.names) if len(texts) == 1 else texts
    return BalanceView(
        ACCOUNT,
        {
            name: tuple(copy(each) for each in text.split("&"))
            for name, text in zip(mappings.names, every, strict=True)
            if text is not None
        },
    )


decimals = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value="-1E-7", max_value="1E-7", places=10),
    st.sampled_from([Decimal(text) for text in ("0", "-0", "1", "1E+6144", "1E-6176", "sNaN")]),
).filter(lambda value: not value.is_finite() or abs(value.adjusted()) < 6200)
doubles = st.floats().map(lambda value: Decimal(repr(value)))
numbers = st.one_of(
    st.just(NOT_STORED),
    st.builds(stored_nonsense, st.sampled_from(["string", "null", "array"]), st.text()),
    st.builds(stored_number, st.just("decimal"), decimals),
    st.builds(stored_number, st.just("double"), doubles),
    st.builds(stored_number, st.just("int"), st.integers(-(2**63), 2**63).map(Decimal)),
)
copies = st.builds(Copy, st.just("1"), numbers, numbers, numbers)
views = st.fixed_dictionaries(
    {name: st.lists(copies, max_size=2).map(tuple) for name in DEFAULT_MAPPINGS.names}
).map(lambda found: BalanceView(ACCOUNT, found))
# Few values and no broken ones: many of these views are in sync.
near = st.sampled_from(
    [number(text) for text in ("0", "1", "1d", "1.000000001d", "0d", "1.00", "-")]
)
near_views = st.fixed_dictionaries(
    {
        name: st.lists(
            st.builds(Copy, st.just("1"), near, near, st.just(NOT_STORED)), max_size=1
        ).map(tuple)
        for name in DEFAULT_MAPPINGS.names
    }
).map(lambda found: BalanceView(ACCOUNT, found))

# Each amount near zero or near one, by less than the tolerance where it is a double.
_SAME = ("0 0i 0d 0.000000004d -0.000000004d", "1 1.00 1i 1d 1.000000004d 0.999999996d")


@st.composite
def views_in_sync(draw: st.DrawFn) -> BalanceView:
    """Draw a view whose copies agree, in any mixture of types."""
    same = [draw(st.sampled_from(_SAME)).split() for _ in range(2)]
    texts = {
        name: " ".join([*(draw(st.sampled_from(each)) for each in same), "-"])
        for name in DEFAULT_MAPPINGS.names
    }
    return view(*texts.values())
