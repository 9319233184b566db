"""What can be set, with its default and its limits. Nothing here reads a file or the environment.

Numbers are named with their unit or bound last. Defaults of rules come from the model.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from reconciler.model.amounts import DEFAULT_SCALE, DEFAULT_SCALES, CurrencyScales
from reconciler.model.comparison import DEFAULT_DOUBLE_TOLERANCE
from reconciler.model.mapping import (
    DEFAULT_MAPPINGS,
    CollectionMapping,
    Mappings,
    TotalMeaning,
)
from reconciler.model.report import ScanMethod
from reconciler.model.throttle import DEFAULT_THROTTLE
from reconciler.settings.address import DASK_ADDRESS, SCHEMES
from reconciler.settings.service import (
    ApiSettings,
    AuditSettings,
    GateSettings,
    LeaseSettings,
    RepairSettings,
    ValuationSettings,
)
from reconciler.settings.values import (
    Count,
    CountOrNone,
    DatabaseName,
    ExactDecimal,
    Name,
    Scale,
    Scales,
    Seconds,
    SecondsOrNone,
    Section,
    Sha256,
    TotalField,
)


class LogLevel(StrEnum):
    """The least level that is logged; `auto` is warning for a command on a terminal, else info."""

    AUTO = "auto"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogShape(StrEnum):
    """How log lines look; `auto` is text for a command on a terminal, else JSON."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


def _mongo_uri(value: object) -> object:
    if isinstance(value, str) and not value.startswith(SCHEMES):
        raise ValueError("must begin with mongodb:// or mongodb+srv://")
    return value


def _dask_address(value: object) -> object:
    if isinstance(value, str) and value and not DASK_ADDRESS.fullmatch(value):
        raise ValueError('must look like "tcp://host:8786" or "tls://host:8786", or be empty')
    return value


class MongoSettings(Section):
    """Where the balances are, and how long to wait for an answer."""

    uri: Annotated[SecretStr, BeforeValidator(_mongo_uri)] = SecretStr("mongodb://127.0.0.1:27017")
    database: DatabaseName = "exchange"
    connect_timeout_seconds: Seconds = 5.0
    server_selection_timeout_seconds: Seconds = 5.0


class CollectionSettings(Section):
    """One balance collection: its name and the names of its fields."""

    name: Name
    account: Name = "user_id"
    currency: Name = "currency"
    available: Name = "available_balance"
    locked: Name = "locked_balance"
    total: TotalField = "total_balance"
    total_means: TotalMeaning = TotalMeaning.AVAILABLE_PLUS_LOCKED
    updated: Name = "last_updated"

    def mapping(self) -> CollectionMapping:
        """Give the model's value; raises `InvalidMapping` if it contradicts itself."""
        return CollectionMapping(**dict(self))


def _default_collections() -> tuple[CollectionSettings, ...]:
    return tuple(
        CollectionSettings(
            name=each.name,
            account=each.account,
            currency=each.currency,
            available=each.available,
            locked=each.locked,
            total=each.total,
            total_means=each.total_means,
            updated=each.updated,
        )
        for each in DEFAULT_MAPPINGS
    )


class CurrencySettings(Section):
    """How many decimal places a currency has; `scales` is laid over the defaults."""

    default_scale: Scale = DEFAULT_SCALE
    scales: Scales = Field(default_factory=lambda: dict(DEFAULT_SCALES))


class ScanSettings(Section):
    """When the daemon scans; how a scan looks, waits and gives up; how long it is remembered."""

    interval_seconds: Seconds = 300.0
    cron: Annotated[str, StringConstraints(min_length=9, max_length=256)] | None = None
    jitter_seconds: SecondsOrNone = 5.0
    misfire_grace_seconds: Seconds = 30.0
    history_days: Count = 90
    settle_seconds: Seconds = 2.0
    double_tolerance: ExactDecimal = DEFAULT_DOUBLE_TOLERANCE
    method: ScanMethod = ScanMethod.DIGEST
    digests_parallel: Annotated[Count, Field(le=64)] = 2
    ranges_parallel: Annotated[Count, Field(le=64)] = 2
    deadline_seconds: Seconds = 600.0
    mismatches_max: Count = 100
    dask_scheduler: Annotated[str, BeforeValidator(_dask_address)] = ""
    throttle_lag_seconds_max: SecondsOrNone = DEFAULT_THROTTLE.lag_seconds_max
    throttle_queue_max: CountOrNone = DEFAULT_THROTTLE.queue_max
    throttle_wait_seconds_max: Seconds = DEFAULT_THROTTLE.wait_seconds_max


class WatchSettings(Section):
    """Whether changes are watched, when a changed account is checked, and the watch's limits."""

    enabled: bool = True
    settle_seconds: Seconds = 0.5
    max_wait_seconds: Seconds = 1.0
    pending_max: Count = 10_000
    batch_max: Annotated[Count, Field(le=100_000)] = 1_000

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.max_wait_seconds < self.settle_seconds:
            raise ValueError("max_wait_seconds must not be less than settle_seconds")
        return self


class SyncSettings(Section):
    """The sync library's limits."""

    deadline_seconds: Seconds = 10.0


class LogSettings(Section):
    """What is logged, and how."""

    level: LogLevel = LogLevel.AUTO
    shape: LogShape = LogShape.AUTO
    mismatches_max: Count = 100


class FreezeSettings(Section):
    """Change control."""

    checksum_prefix: Annotated[str, StringConstraints(max_length=128, pattern=r"^[!-~]*$")] = (
        "COINHUBX_2025_FINAL_LOCK_"
    )
    enforce: bool = False
    unfrozen_repair_allowed: bool = False
    trusted_keys: tuple[Sha256, ...] = ()


class EmbeddedSettings(Section):
    """The MongoDB that the demo starts."""

    mongod_path: Path | None = None


class Settings(BaseSettings):
    """All settings. Made by `load_settings`; by itself it reads neither files nor environment."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    source_of_truth: Name = DEFAULT_MAPPINGS.source_of_truth
    collections: tuple[CollectionSettings, ...] = Field(default_factory=_default_collections)
    mongo: MongoSettings = MongoSettings()
    currencies: CurrencySettings = CurrencySettings()
    scan: ScanSettings = ScanSettings()
    watch: WatchSettings = WatchSettings()
    sync: SyncSettings = SyncSettings()
    api: ApiSettings = ApiSettings()
    lease: LeaseSettings = LeaseSettings()
    valuation: ValuationSettings = ValuationSettings()
    audit: AuditSettings = AuditSettings()
    repair: RepairSettings = RepairSettings()
    log: LogSettings = LogSettings()
    freeze: FreezeSettings = FreezeSettings()
    gate: GateSettings = GateSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is passed in and nothing else: `load_settings` knows where each value stood."""
        return (init_settings,)

    def mappings(self) -> Mappings:
        """Give the model's mappings.

        Raises:
            InvalidMapping: they contradict themselves; `load_settings` has seen to it.
        """
        return Mappings(
            tuple(collection.mapping() for collection in self.collections), self.source_of_truth
        )

    def currency_scales(self) -> CurrencyScales:
        """Give the model's scales."""
        return CurrencyScales(dict(self.currencies.scales), self.currencies.default_scale)
