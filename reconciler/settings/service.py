"""What can be set of the running service: its address, who may call it, its lease, prices."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import AwareDatetime, BeforeValidator, Field, SecretStr, model_validator
from pydantic import StringConstraints as Text

from reconciler.model.access import Scope
from reconciler.settings.values import (
    Bytes,
    Count,
    CountOrNone,
    Name,
    Percent,
    Port,
    Price,
    Seconds,
    Section,
    Sha256,
)

TOKENS_OF_A_NAME_MAX = 2
DEFAULT_PRICES_USD: Mapping[str, Decimal] = MappingProxyType(
    {"BTC": Decimal("88210"), "ETH": Decimal("1825")}
)


def _token(value: object) -> object:
    if isinstance(value, str) and not all("!" <= sign <= "~" for sign in value):
        raise ValueError("must be visible ASCII characters: is there a line break at its end?")
    return value


class TokenSettings(Section):
    """A bearer token of the HTTP API: whose it is, its SHA-256, what it allows, until when."""

    name: Annotated[str, Text(pattern=r"^[!-~]{1,64}$")]
    sha256: Sha256
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    expires: AwareDatetime


class ApiSettings(Section):
    """Where the service listens, what it offers, and its limits."""

    host: Name = "127.0.0.1"
    port: Port = 8080
    test_endpoints: bool = False
    escrow_endpoints: bool = False
    docs: bool = False
    body_bytes_max: Bytes = 1_048_576
    request_deadline_seconds: Seconds = 60.0
    requests_parallel_max: Count = 1_000
    denials_per_minute_max: Count = 30
    tls_certificate_path: Path | None = None
    tls_key_path: Path | None = None
    tokens: tuple[TokenSettings, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.tls_certificate_path is None) != (self.tls_key_path is None):
            raise ValueError("tls_certificate_path and tls_key_path go together: set both or none")
        counts = Counter(token.name for token in self.tokens)
        crowded = [name for name, count in counts.items() if count > TOKENS_OF_A_NAME_MAX]
        if crowded:
            raise ValueError(
                f"{crowded[0]} has more than {TOKENS_OF_A_NAME_MAX} tokens: one in use and one "
                "that replaces it are enough; remove the oldest"
            )
        if len({token.sha256 for token in self.tokens}) != len(self.tokens):
            raise ValueError("two tokens have the same sha256")
        return self


class GateSettings(Section):
    """How the gate for deployments asks a daemon."""

    token: Annotated[SecretStr, BeforeValidator(_token)] = SecretStr("")
    answer_seconds_max: Seconds = 120.0


class LeaseSettings(Section):
    """How long a daemon that is gone keeps others from scanning."""

    ttl_seconds: Seconds = 15.0


class AuditSettings(Section):
    """Where checkpoints of the audit trail are signed and written, and how often."""

    signing_key_path: Path | None = None
    checkpoint_path: Path | None = None
    checkpoint_interval_seconds: Seconds = 60.0

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.signing_key_path is None) != (self.checkpoint_path is None):
            raise ValueError(
                "signing_key_path and checkpoint_path go together: set both or none; "
                "`reconciler audit keygen` makes the key"
            )
        return self


class ValuationSettings(Section):
    """What a unit of a currency is worth, in US dollars."""

    prices_usd: Mapping[Name, Price] = Field(default_factory=lambda: dict(DEFAULT_PRICES_USD))


class RepairSettings(Section):
    """Whether and how much may be repaired; amounts in US dollars or in a currency's unit."""

    enabled: bool = False
    accounts_max: Count = 100
    account_usd_max: Price = Decimal(10_000)
    plan_usd_max: Price = Decimal(100_000)
    currency_max: Mapping[Name, Price] = Field(default_factory=dict)
    users_percent_max: Percent = 1
    plans_per_hour_max: Count = 10
    source_missing_percent_max: Percent = 5
    owed_rise_allowed: bool = False
    flapping_days: CountOrNone = 30
    approval_threshold_usd: Price = Decimal(1000)
    plan_ttl_seconds: Seconds = 600.0
    pause_seconds: Annotated[Seconds, Field(le=5)] = 2.0
    escalation_contact: Annotated[str, Text(max_length=256)] = ""
