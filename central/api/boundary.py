"""What stands between the socket and the routes: the size of a body, the headers of every answer, the count of requests."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.api.problems import answer

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
]


class TooLarge(HTTPException):
    """A body beyond the limit. An HTTPException, because that is the one kind that passes the reading of a body unchanged."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            413, f"a body beyond {limit_bytes} bytes: send fewer rows at a time, or import a file"
        )


class Boundary:
    """ASGI middleware, outermost of all."""

    def __init__(self, app: ASGIApp, *, body_limit_bytes: int, registry: CollectorRegistry) -> None:
        self.app = app
        self.body_limit_bytes = body_limit_bytes
        self.requests = Counter(
            "countermark_http_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram("countermark_http_request_seconds", "Time to an answer", registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, read = time.monotonic(), 500, 0

        async def counted_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.body_limit_bytes:
                raise TooLarge(self.body_limit_bytes)
            return message

        async def dressed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        try:
            if _announced_length(scope) > self.body_limit_bytes:
                refusal = TooLarge(self.body_limit_bytes)
                await answer(refusal.status_code, refusal.detail)(scope, receive, dressed_send)
            else:
                await self.app(scope, counted_receive, dressed_send)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self.requests.labels(scope["method"], route, str(status)).inc()
            self.seconds.observe(time.monotonic() - started)


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
