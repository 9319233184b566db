r"""One visible form of any text, so that no id can forge a line, a cell or a colour.

A backslash is doubled and everything that does not show as itself is written as `\n`, `\x1b`,
`\u202e` or `\ud800`. What is shown can be read back without doubt; nothing shown is invisible.
"""

import shlex
import unicodedata

# Control, format (bidirectional marks, zero width), surrogate, private, unassigned; line breaks.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters that show as nothing: Hangul fillers, the Braille blank.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_ELLIPSIS = "..."


def escaped(text: str) -> str:
    """Write a text so that each of its characters can be seen."""
    shown = "".join(map(_shown, text))
    # A blank at either end would be lost in a table.
    if shown.startswith(" "):
        shown = "\\x20" + shown[1:]
    if shown.endswith(" "):
        shown = shown[:-1] + "\\x20"
    return shown or '""'


def shortened(shown: str, characters_max: int) -> str:
    """Cut the middle out of an escaped text; its two ends are what people compare."""
    if len(shown) <= characters_max:
        return shown
    kept = characters_max - len(_ELLIPSIS)
    return shown[: kept - kept // 2] + _ELLIPSIS + shown[len(shown) - kept // 2 :]


def shell_quoted(text: str) -> str:
    """Quote an argument for a POSIX shell, or for bash where it holds what cannot be shown."""
    if _NAMED.keys() & set(text) - {"\\"} or any(_is_hidden(each) for each in text):
        return f"$'{''.join(map(_in_bash, text))}'"
    return shlex.quote(text)


def _shown(character: str) -> str:
    return _NAMED.get(character) or (_code(character) if _is_hidden(character) else character)


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    is_odd_blank = category == "Zs" and character != " "
    return category in _INVISIBLE or is_odd_blank or character in _BLANK_LETTERS


def _in_bash(character: str) -> str:
    return "\\'" if character == "'" else _shown(character)


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
