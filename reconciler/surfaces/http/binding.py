"""Takes the address to listen on and reads the certificate, and says in words why it cannot."""

import errno
import socket
import ssl
from pathlib import Path

from reconciler.settings import ApiSettings, InvalidSettings, Problem

CONNECTIONS_WAITING_MAX = 2_048

_WHY = {
    errno.EADDRINUSE: "is taken by another program: end that one, or set another api.port (0 takes "
    "a free one)",
    errno.EADDRNOTAVAIL: "is no address of this machine: set api.host to one that is, or to "
    "127.0.0.1",
    errno.EACCES: "may not be taken by this user: ports below 1024 are for root; set another "
    "api.port",
}


def bound_socket(host: str, port: int) -> socket.socket:
    """Listen on an address; a name is taken for its first one, IPv4 before IPv6.

    Raises:
        InvalidSettings: that is not possible; the message says why and what to do.
    """
    family, address = _resolved(host, port)
    is_any = family == socket.AF_INET6 and host == "::"
    try:
        return socket.create_server(
            address,
            family=family,
            backlog=CONNECTIONS_WAITING_MAX,
            dualstack_ipv6=is_any and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"cannot be listened on: {error.strerror}")
        raise _unusable("api.host, api.port", f"{host} port {port} {why}") from error


def tls_context(api: ApiSettings) -> ssl.SSLContext | None:
    """Read the certificate and its key; None where there are none in the settings.

    Raises:
        InvalidSettings: they cannot be used; the message says why.
    """
    certificate, key = api.tls_certificate_path, api.tls_key_path
    if certificate is None or key is None:
        return None
    _look_at("api.tls_certificate_path", certificate)
    _look_at("api.tls_key_path", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # With an empty password nobody is asked for one at a terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise _unusable("api.tls_certificate_path", _why_no_tls(error)) from error
    return context


def _resolved(host: str, port: int) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        what = f"{host} is no address and no name that is known here: set it to 127.0.0.1, say"
        raise _unusable("api.host", what) from error
    first = min(found, key=lambda each: each[0] != socket.AF_INET)
    return first[0], (str(first[4][0]), port)


def _look_at(setting: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise _unusable(setting, f"{path} cannot be read: {error.strerror}") from error


def _why_no_tls(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return "the key in api.tls_key_path is not the key of this certificate"
    return (
        "the certificate and its key cannot be used: both must be PEM, the key without a "
        f"passphrase ({reason or type(error).__name__})"
    )


def _unusable(setting: str, what: str) -> InvalidSettings:
    return InvalidSettings([Problem("settings", setting, what)])
