"""A connection string as it may be shown: never its password, never its options."""

import re

SCHEMES = ("mongodb://", "mongodb+srv://")

# Of a Dask scheduler; it holds no secret, and nothing else fits.
DASK_ADDRESS = re.compile(r"(tcp|tls)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")

_HOST = r"(?:[A-Za-z0-9._%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?"
_ADDRESS = re.compile(
    rf"(?P<scheme>mongodb(?:\+srv)?)://(?:(?P<user>[^:/?#@]*)(?::[^/?#@]*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?:/[^@]*)?",
)


def shown_uri(uri: str) -> str:
    """Give scheme, user and hosts of a connection string: `mongodb://app:***@db1,db2`.

    Options are left out, since some hold secrets. What does not read as a connection string is not
    shown at all: part of it may be a password with a `/` or an `@` in it.
    """
    address = _ADDRESS.fullmatch(uri)
    if address is None:
        return "mongodb://(not shown)"
    user = f"{address['user']}:***@" if address["user"] else ""
    return f"{address['scheme']}://{user}{address['hosts']}"
