"""Ed25519 keys in PEM files: the private one signs texts, the public one proves them."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from reconciler.errors import ReconcilerError


class UnusableKey(ReconcilerError):
    """A key file cannot be read, or holds no such key; the message says which and what to do."""


class PublicKey:
    """Proves signatures."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @property
    def hex(self) -> str:
        """The key itself, as 64 hex digits."""
        return self._key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Whether this text was signed with the private key."""
        try:
            self._key.verify(signature, text.encode("utf-8", "surrogatepass"))
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """Signs texts."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def public(self) -> PublicKey:
        """Give the key that proves what this one signs."""
        return PublicKey(self._key.public_key())

    def sign(self, text: str) -> bytes:
        """Give the signature of a text, 64 bytes."""
        return self._key.sign(text.encode("utf-8", "surrogatepass"))


def read_signing_key(path: Path) -> SigningKey:
    """Read the private key.

    Raises:
        UnusableKey: there is none at this path.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, error) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, None)
    return SigningKey(key)


def read_public_key(path: Path) -> PublicKey:
    """Read the public key; the file of the private one will do too.

    Raises:
        UnusableKey: there is none at this path.
    """
    try:
        text = path.read_bytes()
        if b"PRIVATE KEY" in text:
            return read_signing_key(path).public()
        key = load_pem_public_key(text)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(path, error) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path, None)
    return PublicKey(key)


def public_key_of(digits: str) -> PublicKey:
    """Give the public key that its 64 hex digits name.

    Raises:
        UnusableKey: they name none.
    """
    try:
        return PublicKey(Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits)))
    except ValueError as error:
        raise UnusableKey(f"{digits} is no Ed25519 key: 64 hex digits are one") from error


def make_keys(signing_path: Path, public_path: Path) -> None:
    """Make a pair of keys; files that are there are never overwritten.

    Raises:
        UnusableKey: a file is there already, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write_new(signing_path, private, mode=0o600)
    _write_new(public_path, public, mode=0o644)


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UnusableKey(f"{path} is there already: a key is never overwritten") from error
    except OSError as error:
        raise UnusableKey(f"{path} cannot be written: {error.strerror}") from error


def _unusable(path: Path, error: Exception | None) -> UnusableKey:
    if isinstance(error, OSError):
        return UnusableKey(f"the key {path} cannot be read: {error.strerror}")
    return UnusableKey(
        f"{path} holds no Ed25519 key in PEM: make one with `reconciler audit keygen`"
    )
