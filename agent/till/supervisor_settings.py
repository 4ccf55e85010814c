"""The supervisors of a till in the configuration, one table ``[[supervisor]]`` each."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from agent.till.pins import is_pin_hash

_CARD = re.compile(r"[A-Z0-9-]{1,40}")


class SupervisorSettings(BaseModel):
    """One person who may allow what a clerk may not. Without ``card`` and ``pin_hash`` it is a name alone, and allows nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
    card: str | None = Field(default=None, description="what control-code SUPERVISOR was given")
    pin_hash: SecretStr | None = None

    @field_validator("card")
    @classmethod
    def _on_a_card(cls, card: str | None) -> str | None:
        if card is not None and not _CARD.fullmatch(card):
            raise ValueError(f"{card!r}: expected up to 40 of A-Z, 0-9 and '-', as on the card")
        return card

    @field_validator("pin_hash")
    @classmethod
    def _a_hash(cls, pin_hash: SecretStr | None) -> SecretStr | None:
        if pin_hash is not None and not is_pin_hash(pin_hash.get_secret_value()):
            raise ValueError("expected what countermark-agent pin-hash prints")
        return pin_hash
