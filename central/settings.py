"""What an installation configures: one TOML file, each key of which an environment variable may override.

``COUNTERMARK_CENTRAL_HTTP__PORT=8400`` overrides ``port`` in ``[http]``. A key that is not known, a value of the wrong type or
a missing file is a :class:`SettingsError` of one line: key, value, what was expected. No text shows a password.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from central.database import DatabaseUrlError
from central.database.faults import check_url
from central.discrepancies.limits import Limits as CaseLimits
from central.errors import CentralError
from central.items.signals import Signals, Watch
from central.partitions.rules import Retention
from central.reconciliation.calendar_rules import Rule

ENV_PREFIX = "COUNTERMARK_CENTRAL_"
DEFAULT_PATHS = (Path("countermark-central.toml"), Path("/etc/countermark/central.toml"))

_EXPECTED = {
    "missing": "a value, and there is none",
    "path_type": "a path, in quotation marks",
    "string_type": "a text, in quotation marks",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a table, such as [http]",
}


class SettingsError(CentralError):
    """A configuration that cannot be used; one line naming the key, its value and what was expected."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Table):
    """Where the books are kept."""

    url: SecretStr = Field(description="postgresql://user:password@host:5432/database")
    pool_size: int = Field(default=10, ge=2, le=500)

    @field_validator("url")
    @classmethod
    def _readable(cls, url: SecretStr) -> SecretStr:
        try:
            check_url(url.get_secret_value())
        except DatabaseUrlError as error:
            raise ValueError(str(error)) from None
        return url


class HttpSettings(_Table):
    """Where people and programs reach central. TLS is ended by a proxy in front; see docs/install.md."""

    host: str = "127.0.0.1"
    port: int = Field(default=8320, ge=0, le=65535, description="0 = a free one")
    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^/\s]+[^\s]*$", description="as agents see it"
    )
    body_limit_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, le=1024**3)


class BrokerSettings(_Table):
    """Where the broker is; ``public_…`` is what agents are told at enrolment, where it differs."""

    host: str = "127.0.0.1"
    port: int = Field(default=8883, ge=1, le=65535)
    public_host: str | None = None
    public_port: int | None = Field(default=None, ge=1, le=65535)
    worker: str = Field(
        default="1",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="names this process at the broker: one each",
    )
    shared_subscription: bool = Field(
        default=False, description="several central processes divide the messages (MQTT 5)"
    )


class AuthoritySettings(_Table):
    """The certificate authority of this installation."""

    directory: Path = Path("/var/lib/countermark-central/authority")
    name: str = Field(default="Countermark", min_length=1, max_length=64)


class IntakeSettings(_Table):
    """How much is taken in at once."""

    workers: int = Field(default=2, ge=1, le=64)
    queue_messages: int = Field(
        default=4096, ge=1, le=1_000_000, description="waiting, at most; senders repeat the rest"
    )
    group_batches: int = Field(
        default=128, ge=1, le=10_000, description="batches that share one commit, at most"
    )


class FilterSettings(_Table):
    """What every counter is warned of; see docs/filters.md."""

    interval_s: int = Field(default=300, ge=10, le=86_400)
    limit_items: int = Field(
        default=4_000_000, ge=1_000, le=50_000_000, description="of one set: the most recently sold"
    )


class EnrolmentSettings(_Table):
    """How machines join."""

    token_hours: int = Field(default=24, ge=1, le=24 * 365)


class ResolverSettings(_Table):
    """The public check of item codes: see docs/resolver.md."""

    enabled: bool = True
    host: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.-]+$", description="the only host name under which it answers"
    )
    name: str | None = Field(default=None, min_length=1, max_length=100, description="the brand, on the page")
    contact: str | None = Field(
        default=None, min_length=1, max_length=200, description="where people in doubt turn"
    )
    product_url: str | None = Field(
        default=None, pattern=r"^https?://[^/\s]+[^\s]*$", description="a product's page; {gtin} is put in"
    )
    short_path: str = Field(
        default="c", pattern=r"^[A-Za-z0-9_-]{0,20}$", description="in front of short codes"
    )
    trust_registered: bool = Field(
        default=False, description="serials that were registered, not issued here, cannot be guessed either"
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=("127.0.0.1", "::1"), max_length=100, description="whose X-Forwarded-For is believed"
    )
    checks_per_minute: int = Field(default=30, ge=1, le=100_000, description="of one client")
    burst: int = Field(default=20, ge=1, le=10_000, description="at once, of one client")
    checks_per_second: int = Field(default=50, ge=1, le=100_000, description="of all together")
    signal_networks: int = Field(default=8, ge=2, le=64, description="on one day, for one code")
    signal_visits: int = Field(default=50, ge=2, le=1_000_000, description="altogether, for one code")

    @field_validator("short_path")
    @classmethod
    def _free(cls, path: str) -> str:
        if path in {"v1", "docs"} or path.isdigit():
            raise ValueError(
                f"{path!r}: expected a word that is not the beginning of another address, such as c"
            )
        return path

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for one in proxies:
            try:
                ip_network(one)
            except ValueError:
                raise ValueError(f"{one!r}: expected an address or a network, such as 10.0.0.0/8") from None
        return proxies


class CodesSettings(_Table):
    """Codes on single items: see docs/issuing.md."""

    domain: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+[^\s]*$",
        description="of Digital Links, where an order names none",
    )
    share_mac_keys: bool = Field(
        default=True, description="counters get the keys of short codes, and prove them without asking"
    )


class SignalSettings(_Table):
    """From when on facts about item codes are a case for a person."""

    travel_speed_kmh: float = Field(
        default=900.0, gt=0, le=100_000, description="faster than anything that carries goods"
    )
    copied_sites: int = Field(default=3, ge=2, le=1000, description="sites that sold or scanned one item")
    burst_codes: int = Field(default=10, ge=2, le=5000, description="unknown or forged codes at one site …")
    burst_minutes: int = Field(default=15, ge=1, le=1440, description="… within so many minutes")


class RetentionSettings(_Table):
    """For how many whole months rows are kept; not given: for ever. See docs/retention.md."""

    movements_months: int | None = Field(default=None, ge=3, le=1200)
    events_months: int | None = Field(
        default=None, ge=6, le=1200, description="longer than agents keep theirs (90 days of contact)"
    )
    item_trace_months: int | None = Field(default=None, ge=3, le=1200)
    sale_lines_months: int | None = Field(
        default=None, ge=3, le=1200, description="and the payments of the same receipts"
    )
    stock_days_months: int | None = Field(
        default=None, ge=3, le=1200, description="what they come to by month is kept for ever"
    )


class DiscrepancySettings(_Table):
    """From when on something is a discrepancy: see docs/discrepancies.md."""

    transit_days: float = Field(
        default=7.0, gt=0, le=365, description="how long goods travel, where no history tells"
    )
    silent_hours: float = Field(
        default=24.0, ge=1, le=24 * 90, description="of a machine that should be heard"
    )
    invoice_wait_days: float = Field(
        default=14.0, ge=0, le=365, description="how long an invoice may wait for goods on their way"
    )
    invoice_tolerance_bp: int = Field(
        default=0, ge=0, le=10_000, description="of its prices, in hundredths of a percent"
    )
    phantom_probability: float = Field(
        default=0.999, gt=0, lt=1, description="from which on a shelf that does not sell is a case"
    )
    sites_a_round: int = Field(
        default=100, ge=1, le=100_000, description="whose balances, codes and shelves are checked in an hour"
    )
    dealers_settle: bool = Field(
        default=False, description="dealers may settle and dismiss the cases of their sites"
    )


class ReconciliationSettings(_Table):
    """When days close by themselves: see docs/reconciliation.md."""

    close_days: bool = Field(default=True, description="false: days are closed by people alone")
    close_hour: int = Field(
        default=5, ge=0, le=23, description="local; from then on a complete day before closes"
    )
    close_after_days: int = Field(
        default=3, ge=0, le=90, description="later it closes though something may still come"
    )


class Settings(BaseSettings):
    """The whole configuration of central."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    database: DatabaseSettings
    http: HttpSettings = HttpSettings()
    broker: BrokerSettings = BrokerSettings()
    authority: AuthoritySettings = AuthoritySettings()
    intake: IntakeSettings = IntakeSettings()
    enrolment: EnrolmentSettings = EnrolmentSettings()
    signals: SignalSettings = SignalSettings()
    codes: CodesSettings = CodesSettings()
    filters: FilterSettings = FilterSettings()
    resolver: ResolverSettings = ResolverSettings()
    discrepancies: DiscrepancySettings = DiscrepancySettings()
    retention: RetentionSettings = RetentionSettings()
    reconciliation: ReconciliationSettings = ReconciliationSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose values come in as arguments."""
        return env_settings, init_settings

    @property
    def watch(self) -> Watch:
        """What the books of items are kept with."""
        return Watch(signals=Signals(**self.signals.model_dump()), directory=self.authority.directory)

    @property
    def kept(self) -> Retention:
        """For how long rows are kept."""
        return Retention(**self.retention.model_dump())

    @property
    def case_limits(self) -> CaseLimits:
        """From when on something is a case."""
        return CaseLimits(**self.discrepancies.model_dump())

    @property
    def closing(self) -> Rule:
        """When days close by themselves."""
        asked = self.reconciliation
        return Rule(is_on=asked.close_days, hour=asked.close_hour, after_days=asked.close_after_days)

    @property
    def database_url(self) -> str:
        """The connection URL, password included: for connecting, never for showing."""
        return self.database.url.get_secret_value()


def load(path: Path | None = None) -> Settings:
    """The configuration from ``path``, else from the first of :data:`DEFAULT_PATHS` that is there, and the environment.

    Raises :class:`SettingsError`.
    """
    found = path or next((candidate for candidate in DEFAULT_PATHS if os.access(candidate, os.F_OK)), None)
    if found is None and not any(name.startswith(ENV_PREFIX) for name in os.environ):
        places = " or ".join(str(candidate) for candidate in DEFAULT_PATHS)
        raise SettingsError(
            f"no configuration: expected {places}, or a file named with --config; deploy/config/central.toml is an example"
        )
    values = {} if found is None else _read(found)
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_first_fault(error, str(found or "environment"))) from None
    except ValueError as error:  # pydantic-settings: a variable that is no JSON where a whole table is given
        raise SettingsError(
            f"environment: {error}; expected one variable for each key, such as {ENV_PREFIX}HTTP__PORT"
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise SettingsError(f"configuration {path}: there is no such file; expected a TOML file") from None
    except OSError as error:
        raise SettingsError(f"configuration {path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"configuration {path}: not TOML: {error}") from None


def _refuse_unknown_variables() -> None:
    """The library passes over a mistyped variable in silence; an operator would look for it for hours."""
    for name in sorted(os.environ):
        if not name.startswith(ENV_PREFIX):
            continue
        table, _, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
        known = _tables().get(table)
        if known is None:
            expected = ", ".join(f"{ENV_PREFIX}{one.upper()}__…" for one in _tables())
            raise SettingsError(f"environment: {name}: this key is not known; expected one of {expected}")
        if key and key not in known.model_fields:
            expected = ", ".join(f"{ENV_PREFIX}{table.upper()}__{one.upper()}" for one in known.model_fields)
            raise SettingsError(f"environment: {name}: this key is not known; expected one of {expected}")


def _tables() -> dict[str, type[BaseModel]]:
    annotations = ((name, field.annotation) for name, field in Settings.model_fields.items())
    return {
        name: kind for name, kind in annotations if isinstance(kind, type) and issubclass(kind, BaseModel)
    }


def _first_fault(error: ValidationError, where: str) -> str:
    """The first fault of a validation, in one line, and how many more there are."""
    faults = error.errors(include_url=False)
    fault = faults[0]
    kind, key = fault["type"], ".".join(str(part) for part in fault["loc"])
    hidden = kind in {"missing", "value_error"} or key.startswith("database")
    value = "" if hidden else f" = {fault['input']!r}"
    if kind == "extra_forbidden":
        said = f"this key is not known; expected one of {', '.join(_known_keys(fault['loc']))}"
    elif kind == "value_error":
        said = fault["msg"].removeprefix("Value error, ")
    else:
        said = f"expected {_EXPECTED.get(kind) or fault['msg'].removeprefix('Input should be ')}"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"configuration {where}: {key}{value}: {said}{more}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    if len(location) == 1:
        return sorted(Settings.model_fields)
    return sorted(_tables()[str(location[0])].model_fields)
