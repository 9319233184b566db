"""Responses whose JSON keeps every digit, and which nobody on the way may keep."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from reconciler.surfaces.json_text import encode

JSON = "application/json"
RETRY_AFTER_SECONDS = 5


class ExactJsonResponse(Response):
    """A JSON document in ASCII with exact decimals; not to be cached."""

    media_type = JSON

    def __init__(
        self,
        answer: Mapping[str, Any],
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """Write the answer; `media_type` if it is another kind of JSON."""
        super().__init__(
            content=f"{encode(answer, indent=None)}\n",
            status_code=status,
            headers={"Cache-Control": "no-store", **(headers or {})},
            media_type=media_type,
        )


def retry_after() -> Mapping[str, str]:
    """Give the header that says when to ask again, for what may pass by itself."""
    return {"Retry-After": str(RETRY_AFTER_SECONDS)}
