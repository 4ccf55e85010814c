"""What a shop configures: one TOML file, each key of which an environment variable may override.

``COUNTERMARK_AGENT_LOCAL__PORT=0`` overrides ``port`` in ``[local]``. A key that is not known, a value of the wrong type or a
missing file is a :class:`SettingsError` of one line: key, value, what was expected.
"""

from __future__ import annotations

import os
import tomllib
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from agent.errors import AgentError
from agent.printing.settings import PrinterSettings
from agent.till.supervisor_settings import SupervisorSettings
from protocol.codes import InStoreLayout, Rules, RulesError

ENV_PREFIX = "COUNTERMARK_AGENT_"
DEFAULT_PATHS = (Path("countermark-agent.toml"), Path("/etc/countermark/agent.toml"))


# What pydantic calls the kinds of a wrong value, in a shop's words.
_EXPECTED = {
    "missing": "a value, and there is none",
    "path_type": "a path, in quotation marks",
    "string_type": "a text, in quotation marks",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a table, such as [local]",
    "tuple_type": "a list, or tables such as [[scanner]]",
    "dict_type": "a table",
}


class SettingsError(AgentError):
    """A configuration that cannot be used; one line naming the key, its value and what was expected."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalSettings(_Table):
    """The local interface and the till page."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65535, description="0 = a free one")
    token: SecretStr | None = Field(
        default=None, description="wanted from every caller; needed beyond loopback"
    )

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < 16:
            raise ValueError("expected 16 characters or more; make one with: openssl rand -hex 16")
        return token

    @model_validator(mode="after")
    def _guarded(self) -> LocalSettings:
        if not self.is_loopback and self.token is None:
            raise ValueError("expected a token too, because host is not a loopback address")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the interface."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


class BrokerSettings(_Table):
    """Where the broker is, if not where enrolment said, and how patient to be with it."""

    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: bool = Field(default=True, description="false only for a broker on this machine itself")
    keepalive_s: int = Field(default=10, ge=2, le=600)
    pull_interval_s: int = Field(
        default=300, ge=1, le=86_400, description="how often feeds are asked for, hints aside"
    )


class ScannerSettings(_Table):
    """One scanner. ``path`` is its port (serial), its identity (evdev, hidpos), or a recording (replay)."""

    kind: Literal["serial", "evdev", "hidpos", "replay"]
    path: str
    profile: str | None = None
    name: str | None = None
    full_speed: bool = Field(default=False, description="replay: without the recorded pauses")


class TillSettings(_Table):
    """How the counter behaves."""

    lane: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,8}$", description="default: as enrolled")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$", description="default: as enrolled")
    unknown_products: Literal["ask", "refuse"] = "ask"
    double_trigger_ms: int = Field(default=500, ge=0, le=10_000)
    ask_timeout_ms: int = Field(
        default=300, ge=0, le=5_000, description="how long central may take over one item"
    )
    void_minutes: int = Field(
        default=30, ge=0, le=10_080, description="how long after a sale it can be voided as a whole; 0: never"
    )
    require_shift: bool = Field(default=False, description="sell, void and take back only in an open shift")
    blind_count: bool = Field(default=True, description="what should be there is told once it is counted")
    language: Literal["en", "zh-Hans", "zh-Hant"] = "en"


class NeighbourSettings(_Table):
    """One neighbour by its agent's id; without a ``url`` it may ask here, and is not asked."""

    agent: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
    url: str | None = None

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname or not _port_of(parts) or parts.path.strip("/"):
                raise ValueError(f"{url!r}: expected https://host:port, such as https://192.168.1.12:8322")
        return url

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to ask it at."""
        parts = urlsplit(self.url or "")
        return None if parts.hostname is None or parts.port is None else (parts.hostname, parts.port)


class NeighboursSettings(_Table):
    """Agents on the same local network, asked what they did to an item when central cannot be."""

    listen: str | None = Field(default=None, description="host:port to answer neighbours on; default: none")
    agents: tuple[NeighbourSettings, ...] = Field(default=(), max_length=16)

    @field_validator("listen")
    @classmethod
    def _an_address(cls, listen: str | None) -> str | None:
        if listen is not None:
            parts = urlsplit(f"//{listen}")
            if not parts.hostname or _port_of(parts) is None or parts.path:
                raise ValueError(f"{listen!r}: expected host:port, such as 192.168.1.10:8322")
        return listen

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to answer on."""
        parts = urlsplit(f"//{self.listen or ''}")
        return None if parts.hostname is None or parts.port is None else (parts.hostname, parts.port)

    @field_validator("agents")
    @classmethod
    def _each_once(cls, agents: tuple[NeighbourSettings, ...]) -> tuple[NeighbourSettings, ...]:
        names = [one.agent for one in agents]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"agent {twice[0]!r} stands there twice; expected each neighbour once")
        return agents


def _port_of(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


class InStoreSettings(_Table):
    """How this shop's scale lays out its labels; letters as in ``docs/codes.md``."""

    layout: str
    price_decimals: int = Field(default=2, ge=0, le=4)
    weight_decimals: int = Field(default=3, ge=0, le=4)


def _control_key(written: str) -> bytes:
    """The key behind its base64. It is a secret, so no error quotes it."""
    try:
        return b64decode(written, validate=True)
    except ValueError as error:
        raise RulesError("a control key is no base64; make one with: openssl rand -base64 24") from error


class CodesSettings(_Table):
    """What a brand or a site says about codes of its own; see ``docs/codes.md``."""

    in_store: tuple[InStoreSettings, ...] = ()
    private_patterns: tuple[str, ...] = ()
    member_patterns: tuple[str, ...] = ()
    control_keys: tuple[SecretStr, ...] = ()
    drug_trace_prefixes: tuple[str, ...] = ("8",)
    serial_limits: dict[str, int] = {}
    prefer_upc_e: bool = False

    @model_validator(mode="after")
    def _usable(self) -> CodesSettings:
        self.rules()
        return self

    def rules(self) -> Rules:
        """The same as the recogniser takes it."""
        try:
            return Rules(
                in_store=tuple(InStoreLayout(**layout.model_dump()) for layout in self.in_store),
                private_patterns=self.private_patterns,
                member_patterns=self.member_patterns,
                control_keys=tuple(_control_key(key.get_secret_value()) for key in self.control_keys),
                drug_trace_prefixes=self.drug_trace_prefixes,
                serial_limits=self.serial_limits,
                prefer_upc_e=self.prefer_upc_e,
            )
        except RulesError as error:
            raise ValueError(str(error)) from error


class Settings(BaseSettings):
    """The whole configuration of an agent."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )
    source: ClassVar[Mapping[str, Any]] = {}

    data_dir: Path = Path("/var/lib/countermark-agent")
    retention_days: int = Field(default=90, ge=1, le=36_500)
    local: LocalSettings = LocalSettings()
    broker: BrokerSettings = BrokerSettings()
    scanner: tuple[ScannerSettings, ...] = ()
    till: TillSettings = TillSettings()
    codes: CodesSettings = CodesSettings()
    neighbours: NeighboursSettings = NeighboursSettings()
    printer: PrinterSettings | None = None
    supervisor: tuple[SupervisorSettings, ...] = Field(default=(), max_length=16)

    @field_validator("supervisor")
    @classmethod
    def _each_card_once(cls, supervisors: tuple[SupervisorSettings, ...]) -> tuple[SupervisorSettings, ...]:
        cards = [one.card for one in supervisors if one.card is not None]
        if twice := sorted({card for card in cards if cards.count(card) > 1}):
            raise ValueError(f"card {twice[0]!r} stands there twice; expected each card to be one person's")
        return supervisors

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


def load(path: Path | None = None) -> Settings:
    """The configuration from ``path``, else from the first of :data:`DEFAULT_PATHS` that is there, and the environment.

    Raises :class:`SettingsError`.
    """
    found = path or next((candidate for candidate in DEFAULT_PATHS if os.access(candidate, os.F_OK)), None)
    if found is None and not any(name.startswith(ENV_PREFIX) for name in os.environ):
        places = " or ".join(str(candidate) for candidate in DEFAULT_PATHS)
        raise SettingsError(
            f"no configuration: expected {places}, or a file named with --config; deploy/config/agent.toml is an example"
        )
    values = {} if found is None else _read(found)
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_line(error, str(found or "environment"))) from None
    except (
        ValueError
    ) as error:  # pydantic-settings: a variable that is no JSON where a table or list is wanted
        raise SettingsError(
            f"environment: {error}; expected JSON for a list, or one variable for each key"
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
    """A mistyped variable would else be passed over in silence."""
    for name in sorted(os.environ):
        if name.startswith(ENV_PREFIX):
            first, *rest = name.removeprefix(ENV_PREFIX).lower().split("__")
            if first not in Settings.model_fields:
                expected = ", ".join(ENV_PREFIX + field.upper() for field in Settings.model_fields)
                raise SettingsError(
                    f"environment: {name} is not a key of the agent; expected one of {expected}"
                )
            if rest and rest[0] == "":
                raise SettingsError(
                    f"environment: {name} names no key; expected {ENV_PREFIX}LOCAL__PORT and the like"
                )


def _line(error: ValidationError, where: str) -> str:
    """The first fault of a validation, in one line; how many more there are."""
    faults = error.errors(include_url=False)
    fault = faults[0]
    kind, key = fault["type"], _key(fault["loc"])
    value = "" if kind in {"missing", "value_error"} or _is_secret(key) else f" = {fault['input']!r}"
    if kind == "extra_forbidden":
        said = f"this key is not known; expected one of {', '.join(_known_keys(fault['loc']))}"
    elif kind == "value_error":
        said = fault["msg"].removeprefix("Value error, ")
    elif kind in _EXPECTED:
        said = f"expected {_EXPECTED[kind]}"
    else:
        said = f"expected {fault['msg'].removeprefix('Input should be ')}"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"configuration {where}: {key}{value}: {said}{more}"


def _key(location: tuple[int | str, ...]) -> str:
    """``("scanner", 0, "kind")`` as ``scanner[1].kind``: people count from 1."""
    key = ""
    for part in location:
        key += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if key else ''}{part}"
    return key


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "local": LocalSettings,
        "broker": BrokerSettings,
        "scanner": ScannerSettings,
        "till": TillSettings,
        "codes": CodesSettings,
        "neighbours": NeighboursSettings,
        "printer": PrinterSettings,
        "supervisor": SupervisorSettings,
    }
    table = tables.get(str(location[0])) if len(location) > 1 else None
    return sorted((table or Settings).model_fields)


def _is_secret(key: str) -> bool:
    return key.endswith(("token", "pin_hash")) or "control_keys" in key
