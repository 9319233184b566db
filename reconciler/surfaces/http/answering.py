"""Responses whose JSON keeps every digit, and which nobody on the way may keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from reconciler.surfaces.json_text import encode

JSON = "application/json"
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Written:
    """A JSON object that is written already, so that many callers can be given the same one."""

    text: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Written":
        """Write it."""
        return cls(encode(answer, indent=None))

    def extended(self, more: Mapping[str, Any]) -> "Written":
        """Add members at its end; neither of the two may be empty, nor have a key of the other."""
        return Written(f"{self.text[:-1]}, {Written.of(more).text[1:]}")


class ExactJsonResponse(Response):
    """A JSON document in ASCII with exact decimals; not to be cached."""

    media_type = JSON

    def __init__(
        self,
        answer: "Mapping[str, Any] | Written",
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """Write the answer; `media_type` if it is another kind of JSON."""
        written = answer if isinstance(answer, Written) else Written.of(answer)
        super().__init__(
            content=f"{written.text}\n",
            status_code=status,
            headers={"Cache-Control": "no-store", **(headers or {})},
            media_type=media_type,
        )


def retry_after() -> Mapping[str, str]:
    """Give the header that says when to ask again, for what may pass by itself."""
    return {"Retry-After": str(RETRY_AFTER_SECONDS)}
