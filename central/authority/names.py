"""Which names at the broker are central's own. Pure.

A name is the common name of a client certificate. A broker that takes the client id from it knows one connection a name, so each
central process has a name: ``central`` is that of worker ``1``, ``central-<worker>`` that of every other. No agent ever gets one.

>>> central_name("1"), central_name("2")
('central', 'central-2')
"""

from __future__ import annotations

CENTRAL_NAME = "central"
FIRST_WORKER = "1"
_OTHERS = f"{CENTRAL_NAME}-"


def central_name(worker: str) -> str:
    """The name under which a central process comes to the broker, by its ``broker.worker``."""
    return CENTRAL_NAME if worker == FIRST_WORKER else f"{_OTHERS}{worker}"


def is_central(name: str) -> bool:
    """Whether a name is one of central's, or reserved for it."""
    return name == CENTRAL_NAME or name.startswith(_OTHERS)
