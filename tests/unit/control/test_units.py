"""The checksum of the frozen code."""

import pytest

from reconciler.control import units
from reconciler.control.frozen import checksum


def digest_of(sources: dict[str, str]) -> str:
    """The digest over all pieces of these sources."""
    return units.digest_of(
        {
            name: digest
            for path, text in sources.items()
            for name, digest in units.units_of(path, text).items()
        }
    )


SOURCE = '''
"""What it is."""

def post(amount: int, *, fee: int = 0) -> int:
    """Post it."""
    if fee is None:
        return None
    return amount - fee  # net
'''


def test_the_checksum_is_the_prefix_and_nine_hex_digits() -> None:
    """It is of the running package, and the same each time."""
    first = checksum("PREFIX_")

    assert first.startswith("PREFIX_")
    assert len(first) == len("PREFIX_") + 9
    assert int(first.removeprefix("PREFIX_"), 16) >= 0
    assert first == checksum("PREFIX_")


@pytest.mark.parametrize(
    "old,new",
    [
        ("# net", "# what is left"),
        ('"""Post it."""', '"""Post the amount."""'),
        ('"""What it is."""', ""),
        ("amount - fee", "(amount -  fee)"),
        ("if fee is None:\n        return None", "if fee is None: return None"),
        ("if fee is None:", "pass\n    if fee is None:"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(old: str, new: str) -> None:
    """Only what the code does counts."""
    assert old in SOURCE
    assert digest_of({"a.py": SOURCE}) == digest_of({"a.py": SOURCE.replace(old, new)})


@pytest.mark.parametrize(
    "old,new",
    [
        ("amount - fee", "amount + fee"),
        ("amount - fee", "fee - amount"),
        ("return None", "return"),
        ("fee: int = 0", "fee: int = 1"),
        ("fee: int = 0", "fee: int = False"),
        ("fee: int = 0", "fee: int = 0.0"),
        ("*, fee", "fee"),
        ("def post", "async def post"),
        ("fee is None", "fee is not None"),
    ],
)
def test_any_other_change_counts(old: str, new: str) -> None:
    """A changed operator, order, constant, type or signature is another digest."""
    assert digest_of({"a.py": SOURCE}) != digest_of({"a.py": SOURCE.replace(old, new)})


def test_names_of_files_count_and_their_order_does_not() -> None:
    """A file that is renamed is a change; the order of a directory listing is none."""
    one, two = {"a.py": "x = 1", "b.py": "y = 2"}, {"b.py": "y = 2", "a.py": "x = 1"}

    assert digest_of(one) == digest_of(two)
    assert digest_of(one) != digest_of({"a.py": "x = 1", "c.py": "y = 2"})


def test_the_digest_is_the_same_under_every_supported_python() -> None:
    """This very digest was made by 3.11.7, 3.12.1 and 3.13.0."""
    source = "async def f(a, /, *b, **c) -> None:\n    return f'{a!r:>{b}}' if a else [*b]\n"

    assert digest_of({"a.py": source})[:12] == "532356f3c7bf"
