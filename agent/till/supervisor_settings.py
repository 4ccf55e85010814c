"""The supervisors of a till in the configuration, one table ``[[supervisor]]`` each."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from agent.till.pins import is_pin_hash


class SupervisorSettings(BaseModel):
    """One person who may allow what a clerk may not. Without ``card`` and ``pin_hash`` it is a name alone, and allows nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    card: str | None = Field(
        default=None, pattern=r"^[A-Z0-9-]{1,40}$", description="what control-code SUPERVISOR was given"
    )
    pin_hash: SecretStr | None = None

    @field_validator("pin_hash")
    @classmethod
    def _a_hash(cls, pin_hash: SecretStr | None) -> SecretStr | None:
        if pin_hash is not None and not is_pin_hash(pin_hash.get_secret_value()):
            raise ValueError("expected what countermark-agent pin-hash prints")
        return pin_hash
