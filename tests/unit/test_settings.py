"""Settings: precedence, complaints, and that no secret gets out."""

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from reconciler.model.amounts import CurrencyScales
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.settings import (
    Differences,
    InvalidSettings,
    Settings,
    differences,
    load_settings,
    shown_uri,
)
from reconciler.settings.differences import RELOADABLE

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.toml"
UNITS_AND_BOUNDS = ("_seconds", "_days", "_usd", "_max", "_parallel", "_scale", "_tolerance")
# A port is a name, not a quantity.
NAMES = {"api.port"}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def complaint(**arguments: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(**{"environment": {}, **arguments})
    return str(caught.value)


def leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def test_the_defaults_are_those_of_the_model() -> None:
    """Mappings and scales that nobody configured are the design's."""
    settings = load_settings(environment={})

    assert settings.mappings() == DEFAULT_MAPPINGS
    assert settings.currency_scales().of("BTC") == CurrencyScales().of("BTC") == 8
    assert settings.currency_scales().of("XYZ") == 18


def test_the_command_line_goes_over_the_environment_over_the_file(tmp_path: Path) -> None:
    """Each source wins over the one below, key by key."""
    path = written(
        tmp_path,
        '[mongo]\ndatabase = "file"\n[scan]\nsettle_seconds = 1\ndeadline_seconds = 7\n'
        "[sync]\ndeadline_seconds = 3",
    )

    settings = load_settings(
        config_file=path,
        environment={
            "RECONCILER_MONGO__DATABASE": "environment",
            "RECONCILER_SCAN__SETTLE_SECONDS": "0.5",
        },
        options={"--database": ("mongo.database", "option"), "--limit": ("scan.x", None)},
    )

    assert settings.mongo.database == "option"
    assert settings.scan.settle_seconds == 0.5
    assert settings.scan.deadline_seconds == 7.0
    assert settings.sync.deadline_seconds == 3.0


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    """RECONCILER_CONFIG is used when no file is given, and is no setting itself."""
    path = written(tmp_path, 'source_of_truth = "crypto_balances"')

    settings = load_settings(environment={"RECONCILER_CONFIG": str(path)})

    assert settings.source_of_truth == "crypto_balances"


def test_a_table_in_the_environment_is_json() -> None:
    """A whole table or list is JSON, and a key of its own goes over it."""
    settings = load_settings(
        environment={
            "RECONCILER_SCAN": '{"settle_seconds": 9, "ranges_parallel": 4}',
            "RECONCILER_SCAN__SETTLE_SECONDS": ".25",
            "RECONCILER_COLLECTIONS": '[{"name": "wallets", "total": false}, {"name": "b"}]',
            "RECONCILER_CURRENCIES__SCALES__DOGE": "3",
        }
    )

    assert (settings.scan.settle_seconds, settings.scan.ranges_parallel) == (0.25, 4)
    assert settings.mappings()["wallets"].total is None
    assert settings.mappings().names == ("wallets", "b")
    assert settings.currencies.scales["DOGE"] == 3
    assert settings.currencies.scales["BTC"] == 8


@pytest.mark.parametrize("text", ["0.001", "1e-3", "3", "86400.5"])
def test_a_duration_takes_any_positive_number_of_seconds(text: str) -> None:
    """Fractions are seconds too."""
    settings = load_settings(environment={"RECONCILER_SCAN__SETTLE_SECONDS": text})

    assert settings.scan.settle_seconds == float(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "two", "", "true"])
def test_no_other_duration_is_taken(text: str) -> None:
    """Zero, negative, endless and unreadable ones are refused, by the variable's name."""
    said = complaint(environment={"RECONCILER_SCAN__SETTLE_SECONDS": text})

    assert "environment: RECONCILER_SCAN__SETTLE_SECONDS: must be" in said


def test_a_tolerance_that_is_a_binary_number_is_refused(tmp_path: Path) -> None:
    """A float in TOML has lost its digits already; it must be a text."""
    said = complaint(config_file=written(tmp_path, "[scan]\ndouble_tolerance = 0.00000001"))

    assert "scan.double_tolerance: must be a decimal number in quotes" in said
    assert load_settings(environment={}).scan.double_tolerance == Decimal("0.00000001")


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    """A misspelt key in any source is found, and named as it was written there."""
    path = written(tmp_path, "[scan]\nsetle_seconds = 1\n[[collections]]\nnam = 1")
    said = complaint(
        config_file=path,
        environment={"RECONCILER_MONGO__URL": "x", "RECONCILER_SACN__X": "1"},
    )

    assert f"file {path}: scan.setle_seconds: there is no such setting; did you mean" in said
    assert f"file {path}: collections[1].nam: there is no such setting; did you mean name?" in said
    assert "RECONCILER_MONGO__URL: there is no such setting; did you mean uri?" in said
    assert "RECONCILER_SACN__X: there is no such setting; did you mean scan?" in said


def test_all_problems_are_told_at_once_in_one_block() -> None:
    """Nobody has to run it once for each mistake."""
    said = complaint(
        environment={"RECONCILER_SCAN__RANGES_PARALLEL": "x", "RECONCILER_LOG__LEVEL": "loud"},
        options={"--database": ("mongo.database", "a b")},
    )

    assert said.count("\n") == 4
    assert "command line: --database: holds characters that cannot be used here" in said
    assert "RECONCILER_LOG__LEVEL: must be 'auto', 'debug'" in said


@pytest.mark.parametrize(
    "text", ["not = = toml", "a = 1\na = 2", "\udcff", "[mongo]\nuri = 'mongodb://u:hunter2@h"]
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, text: str) -> None:
    """What is no TOML is said to be so, without what is in it."""
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    said = complaint(config_file=path)

    assert f"file {path}: is not" in said
    assert "hunter2" not in said


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """The path is named."""
    assert "cannot be read (No such file" in complaint(config_file=tmp_path / "none.toml")


@pytest.mark.parametrize(
    "environment",
    [
        {"RECONCILER_MONGO__URI": "postgres://u:hunter2@h"},
        {"RECONCILER_MONGO": '{"uri": "mongodb://u:hunter2@h"'},
        {"RECONCILER_MONGO": '{"uri": ["mongodb://u:hunter2@h"]}'},
        {"RECONCILER_MONGO": '{"urii": "mongodb://u:hunter2@h"}'},
        {"RECONCILER_MONGO__URI": "mongodb://u:hunter2@h", "RECONCILER_SCAN": "[]"},
        {"RECONCILER_MONGO__URI__X": "mongodb://u:hunter2@h"},
        {"RECONCILER_MONGO__DATABASE": "mongodb://u:hunter2@h"},
    ],
)
def test_no_complaint_shows_a_secret(environment: dict[str, str]) -> None:
    """Whatever is wrong around it, a value is never shown; nor does the cause carry it."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environment=environment)

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_no_form_of_the_settings_shows_the_password() -> None:
    """Text, repr and JSON of the settings hide the connection string."""
    settings = load_settings(environment={"RECONCILER_MONGO__URI": "mongodb://u:hunter2@h"})

    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "uri,shown",
    [
        ("mongodb://h1:1,h2:2/db?replicaSet=x", "mongodb://h1:1,h2:2"),
        ("mongodb://app:hunter2@h/?tls=true", "mongodb://app:***@h"),
        ("mongodb+srv://app@h", "mongodb+srv://app:***@h"),
        ("mongodb://[::1]:27017/", "mongodb://[::1]:27017"),
        ("mongodb://app:hunter2/x@h", "mongodb://(not shown)"),
        ("mongodb://app:hun?ter2@h", "mongodb://(not shown)"),
        ("mongodb://h/?tlsCertificateKeyFilePassword=hunter2@x", "mongodb://(not shown)"),
        ("hunter2", "mongodb://(not shown)"),
    ],
)
def test_a_connection_string_is_shown_without_its_secrets(uri: str, shown: str) -> None:
    """Only scheme, user and hosts are shown, and nothing at all in case of doubt."""
    assert shown_uri(uri) == shown


def test_the_settings_are_frozen() -> None:
    """Nothing changes them once they are loaded."""
    settings = load_settings(environment={})

    with pytest.raises(ValueError, match="frozen"):
        settings.scan.settle_seconds = 1.0


@pytest.mark.parametrize(
    "toml",
    [
        'source_of_truth = "nothing"',
        '[[collections]]\nname = "wallets"',
        '[[collections]]\nname = "wallets"\n[[collections]]\nname = "wallets"',
        '[[collections]]\nname = "wallets"\nlocked = "currency"\n[[collections]]\nname = "b"',
    ],
)
def test_mappings_that_contradict_themselves_are_refused(tmp_path: Path, toml: str) -> None:
    """The model's rules for mappings are complaints about settings."""
    assert "collections: " in complaint(config_file=written(tmp_path, toml))


def test_the_example_changes_nothing() -> None:
    """The example file loads, and all its values are the defaults."""
    assert load_settings(environment={}, config_file=EXAMPLE) == load_settings(environment={})


def test_every_setting_is_in_the_example() -> None:
    """Each key is there, or commented out where it has no default."""
    example = EXAMPLE.read_text()
    table = tomllib.loads(example)
    for key, value in leaves(Settings()):
        if value is None:
            assert re.search(rf"^# {key.rpartition('.')[2]} = ", example, re.MULTILINE), key
            continue
        if value == () and f"# [[{key}]]" in example:
            continue
        at: Any = table
        for part in key.split("."):
            assert part in at, key
            at = at[part]
    fields = {tuple(sorted(collection)) for collection in table["collections"]}

    assert fields == {tuple(sorted(type(Settings().collections[0]).model_fields))}


def test_every_number_is_named_with_a_unit_or_a_bound() -> None:
    """Nobody has to guess whether a number is seconds."""
    numbers = [
        key
        for key, value in leaves(Settings())
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    ]

    assert numbers
    assert [key for key in numbers if not key.endswith(UNITS_AND_BOUNDS)] == sorted(NAMES)


def test_what_a_running_daemon_takes() -> None:
    """Keys that differ are told apart by whether they need a new start; no value is told."""
    running = load_settings(environment={})
    wanted = load_settings(
        environment={
            "RECONCILER_SCAN__INTERVAL_SECONDS": "7",
            "RECONCILER_VALUATION__PRICES_USD": '{"BTC": "1"}',
            "RECONCILER_MONGO__URI": "mongodb://other:hunter2@h",
        }
    )

    assert differences(running, running) == Differences((), ())
    assert differences(running, wanted) == Differences(
        taken=("scan.interval_seconds", "valuation.prices_usd"), needing_restart=("mongo.uri",)
    )
    keys = {key for key, _ in leaves(running)}
    assert set(RELOADABLE) <= keys


@pytest.mark.parametrize(
    "toml, told",
    [
        ("[api]\ntls_key_path = '/k.pem'", "go together"),
        ("[api]\nport = 70000", "api.port"),
        ('[[api.tokens]]\nname = "a"\nsha256 = "12"\nscopes = ["check"]', "sha256"),
        (
            "".join(
                f'[[api.tokens]]\nname = "a"\nsha256 = "{digit * 64}"\nscopes = ["check"]\n'
                "expires = 2030-01-01T00:00:00Z\n"
                for digit in "123"
            ),
            "more than 2 tokens",
        ),
        ("[valuation]\nprices_usd = { BTC = 1.5 }", "in quotes"),
        ('[valuation]\nprices_usd = { BTC = "0" }', "greater than 0"),
        ("[lease]\nttl_seconds = 0", "greater than 0"),
        ("[lease]\nttl_seconds = 1e15", "less than or equal to 1000000000"),
        ("[scan]\njitter_seconds = 1e300", "less than or equal to 1000000000"),
        ('[scan]\ndask_scheduler = "localhost:8786"', 'must look like "tcp://host:8786"'),
        ('[scan]\ndask_scheduler = "tcp://u:p@h:1"', 'must look like "tcp://host:8786"'),
        ("[scan]\nthrottle_queue_max = -1", "greater than or equal to 0"),
        ("[scan]\nthrottle_wait_seconds_max = 0", "greater than 0"),
    ],
)
def test_settings_of_the_service_that_cannot_be(tmp_path: Path, toml: str, told: str) -> None:
    """Each wrong setting of the service has a complaint that says what is wanted."""
    assert told in complaint(config_file=written(tmp_path, toml))
