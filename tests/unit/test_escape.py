"""Escaping: nothing that an id holds can forge what people see."""

import shlex
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.surfaces.escape import escaped, shell_quoted, shortened


@pytest.mark.parametrize(
    "text,shown",
    [
        ("alice", "alice"),
        ("Zoë 漢字", "Zoë 漢字"),
        ("a\nb", "a\\nb"),
        ("a\\nb", "a\\\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eabc", "\\u202eabc"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u00a0b", "a\\u00a0b"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\U000e0041"),
        (" a ", "\\x20a\\x20"),
        ("", '""'),
    ],
)
def test_every_character_can_be_seen(text: str, shown: str) -> None:
    """What does not show as itself has one visible form."""
    assert escaped(text) == shown


@given(st.text(st.characters()), st.text(st.characters()))
def test_two_texts_never_look_alike(one: str, other: str) -> None:
    """Escaping loses nothing, and leaves nothing that moves the cursor or the direction."""
    assert (escaped(one) == escaped(other)) == (one == other) or '""' in {one, other}
    assert not {unicodedata.category(each) for each in escaped(one)} & {"Cc", "Cf", "Cs", "Zl"}


def test_a_long_id_loses_its_middle() -> None:
    """Both ends stay, and the whole has the length that was asked for."""
    shown = shortened("a" * 50 + "b" * 50, 21)

    assert shown == "a" * 9 + "..." + "b" * 9
    assert shortened("short", 21) == "short"


@pytest.mark.parametrize(
    "text", ["alice", "a b", "it's", "$(reboot)", "a\nb\t'", "\u202e`x`", "\\n"]
)
def test_a_shell_reads_back_what_was_quoted(text: str) -> None:
    """Pasting a suggested command gives exactly the id, and runs nothing else."""
    quoted = shell_quoted(text)
    read = subprocess.run(
        ["bash", "-c", f"printf %s {quoted}"],
        capture_output=True,
        env={"LC_ALL": "C.UTF-8"},
        timeout=10,
        check=True,
    )

    assert read.stdout.decode() == text
    assert "\n" not in quoted
    if text.isascii() and text.isprintable():
        assert shlex.split(quoted) == [text]
