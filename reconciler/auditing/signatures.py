"""Signs checkpoints, and proves who signed one."""

import base64
import binascii
from dataclasses import replace

from reconciler.keys import PublicKey, SigningKey
from reconciler.model.audit import Checkpoint


def signed_with(key: SigningKey, checkpoint: Checkpoint) -> Checkpoint:
    """Give the checkpoint with its signature."""
    signature = key.sign(checkpoint.signed_text)
    return replace(checkpoint, signature=base64.b64encode(signature).decode("ascii"))


def is_signed_with(key: PublicKey, checkpoint: Checkpoint) -> bool:
    """Whether this checkpoint was signed with the private key of this one."""
    try:
        signature = base64.b64decode(checkpoint.signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return key.has_signed(checkpoint.signed_text, signature)
