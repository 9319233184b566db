"""Settings: a TOML file, overlaid by the environment, overlaid by the command line.

Frozen, checked as a whole, and unable to show a secret. `config.example.toml` lists them all.
"""

from reconciler.settings.address import shown_uri
from reconciler.settings.differences import Differences, differences
from reconciler.settings.loading import load_settings
from reconciler.settings.problems import InvalidSettings, Problem
from reconciler.settings.sections import (
    CollectionSettings,
    CurrencySettings,
    EmbeddedSettings,
    FreezeSettings,
    LogLevel,
    LogSettings,
    LogShape,
    MongoSettings,
    ScanSettings,
    Settings,
    SyncSettings,
    WatchSettings,
)
from reconciler.settings.service import (
    ApiSettings,
    AuditSettings,
    GateSettings,
    LeaseSettings,
    RepairSettings,
    TokenSettings,
    ValuationSettings,
)

__all__ = [
    "ApiSettings",
    "AuditSettings",
    "CollectionSettings",
    "CurrencySettings",
    "Differences",
    "EmbeddedSettings",
    "FreezeSettings",
    "GateSettings",
    "InvalidSettings",
    "LeaseSettings",
    "LogLevel",
    "LogSettings",
    "LogShape",
    "MongoSettings",
    "Problem",
    "RepairSettings",
    "ScanSettings",
    "Settings",
    "SyncSettings",
    "TokenSettings",
    "ValuationSettings",
    "WatchSettings",
    "differences",
    "load_settings",
    "shown_uri",
]
