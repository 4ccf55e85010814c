"""Who may use the local interface.

Without a token, only this machine: the ``Host`` must be a loopback name (a web page that points its own name at 127.0.0.1 is turned
away) and an ``Origin``, where a browser sends one, too (so that no other site's script can post sales). With a token, every
caller must show it: as a bearer token, as the cookie that opening the page once with ``?token=`` leaves, or, for a WebSocket,
in its address.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.local.problems import Problem

COOKIE = "countermark_token"
_OPEN_PATHS = frozenset({"/healthz"})


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        opens_page = scope["type"] == "http" and scope["path"] == "/" and "token" in query
        if self._token is not None and opens_page and self._fits(query["token"][0]):
            await _remember(self._token)(scope, receive, send)
            return
        problem = self._problem(scope["path"], headers, query)
        if problem is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:100]})
        else:
            await problem.response()(scope, receive, send)

    def _problem(self, path: str, headers: Headers, query: Mapping[str, list[str]]) -> Problem | None:
        if self._token is None:
            return _not_from_here(headers)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return Problem(403, f"Origin {origin!r}: expected the page of this agent itself", key="origin")
        if path in _OPEN_PATHS or any(self._fits(shown) for shown in _shown(headers, query)):
            return None
        return Problem(
            401,
            "a token is wanted: send it as 'Authorization: Bearer …', or open the page as /?token=… once",
            key="token",
        )

    def _fits(self, shown: str) -> bool:
        return self._token is not None and hmac.compare_digest(shown.encode(), self._token.encode())


def _not_from_here(headers: Headers) -> Problem | None:
    host = headers.get("host", "")
    if not _is_loopback(host):
        return Problem(
            403, f"Host {host[:100]!r}: without a token only this machine is served, as 127.0.0.1", key="host"
        )
    origin = headers.get("origin")
    if origin is not None and not _is_loopback(urlsplit(origin).netloc):
        return Problem(
            403,
            f"Origin {origin[:100]!r}: without a token only pages of this machine are served",
            key="origin",
        )
    return None


def _is_loopback(netloc: str) -> bool:
    try:
        host = urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(headers: Headers, query: Mapping[str, list[str]]) -> list[str]:
    shown = list(query.get("token", ()))
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        shown.append(value.strip())
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    return shown if cookie is None else [*shown, cookie.value]


def _remember(token: str) -> RedirectResponse:
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", max_age=365 * 86_400)
    return answer
