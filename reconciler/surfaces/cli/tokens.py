"""`reconciler token new`: makes a token of the HTTP API, shows it once, and keeps nothing of it."""

import json as json_text
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from reconciler.model.access import Scope, digest_of
from reconciler.surfaces.answers import timestamp
from reconciler.surfaces.cli.session import Running, Session
from reconciler.surfaces.exits import Exit

PREFIX = "rcn_"
RANDOM_BYTES = 32
DAYS = 90
DAYS_MAX = 3_650
_NAME = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; its text is shown once and is nowhere else."""

    text: str
    name: str
    scopes: tuple[Scope, ...]
    expires: datetime

    @property
    def sha256(self) -> str:
        """What the settings hold of it."""
        return digest_of(self.text.encode("ascii")).hex()

    def table(self) -> str:
        """Write its table of the settings file (TOML)."""
        # A JSON string of visible ASCII is a basic string of TOML too.
        scopes = ", ".join(json_text.dumps(scope.value) for scope in self.scopes)
        return "\n".join(
            [
                "[[api.tokens]]",
                f"name = {json_text.dumps(self.name)}",
                f'sha256 = "{self.sha256}"',
                f"scopes = [{scopes}]",
                f"expires = {timestamp(self.expires)}",
            ]
        )


_SCOPES = ", ".join(Scope)


def add_token(app: typer.Typer) -> None:
    """Add the commands about tokens."""
    token = typer.Typer(
        help="Make a token with which the HTTP API can be called.", rich_markup_mode=None
    )
    app.add_typer(token, name="token")

    @token.command()
    def new(
        context: typer.Context,
        *,
        name: Annotated[str, typer.Option(help="Whose it is, in logs and records.")],
        scope: Annotated[
            list[str], typer.Option(help=f"What it allows; can be repeated. One of {_SCOPES}.")
        ],
        days: Annotated[
            int, typer.Option(min=1, max=DAYS_MAX, help="How long it can be used.")
        ] = DAYS,
        json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ) -> int:
        """Make a token and print it once, with the table for the settings that lets it in."""
        if not _NAME.fullmatch(name):
            raise typer.BadParameter("--name must be 1 to 64 visible ASCII characters, no space")
        session = context.obj
        assert isinstance(session, Session)
        scopes = tuple(dict.fromkeys(map(_scope, scope)))
        return session.run(
            lambda running: _run_new(running, name=name, scopes=scopes, days=days), as_json=json
        )


def _scope(name: str) -> Scope:
    try:
        return Scope(name)
    except ValueError:
        raise typer.BadParameter(f"--scope must be one of {_SCOPES}") from None


async def _run_new(running: Running, *, name: str, scopes: Sequence[Scope], days: int) -> int:
    now = running.wiring.clock().replace(microsecond=0)
    token = NewToken(
        PREFIX + secrets.token_urlsafe(RANDOM_BYTES),
        name,
        tuple(scopes),
        now + timedelta(days=days),
    )
    if running.as_json:
        running.terminal.show_json(_answer(token))
    else:
        running.terminal.show(
            Text(f"The token, shown this once: {token.text}"),
            Text(),
            Text("Add this to the settings file, and send the daemon SIGHUP:"),
            Text(),
            Text(token.table()),
        )
    return Exit.HEALTHY


def _answer(token: NewToken) -> dict[str, object]:
    return {
        "token": token.text,
        "name": token.name,
        "sha256": token.sha256,
        "scopes": [scope.value for scope in token.scopes],
        "expires": timestamp(token.expires),
        "settings": token.table(),
    }
