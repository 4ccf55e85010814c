"""Central as a brand's program sees it: over HTTP, with a token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx

BACK_TIMEOUT_S = 90.0


class CentralError(Exception):
    """Central said no."""


class Central:
    """A client that waits while central is away, and repeats; its writes carry idempotency keys."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30.0)

    def get(self, path: str, **query: str | int) -> Any:
        """Read one thing."""
        return self._ask("GET", path, params={key: str(value) for key, value in query.items()})

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """Read a list to its end."""
        cursor: dict[str, str | int] = {}
        while True:
            page = self.get(path, limit=1000, **query, **cursor)
            yield from page["items"]
            if not page.get("next"):
                return
            cursor = {"cursor": page["next"]}

    def post(self, path: str, body: Any, key: str) -> Any:
        """Write one thing, once."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": key})

    def close(self) -> None:
        """Leave."""
        self._http.close()

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        until = time.monotonic() + BACK_TIMEOUT_S
        while True:
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                trouble = str(error)
            else:
                if answer.is_success:
                    return answer.json() if answer.content else None
                if not answer.is_server_error:
                    raise CentralError(f"{method} {path}: {answer.status_code} {answer.text}")
                trouble = answer.text
            if time.monotonic() > until:
                raise CentralError(f"{method} {path}: central does not come back: {trouble}")
            time.sleep(0.3)
