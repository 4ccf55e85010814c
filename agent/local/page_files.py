"""The till page: hand-written files in ``page/``, served as they are."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Response

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Nothing from elsewhere, and nobody else's frame around a till.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def page_router() -> APIRouter:
    """The page at ``/`` and its files at ``/page/…``. They are read once: there are a dozen small ones."""
    router = APIRouter(include_in_schema=False)
    files = {
        file.name: (file.read_bytes(), _TYPES[file.name.rpartition(".")[2]])
        for file in (resources.files("agent.local") / "page").iterdir()
        if file.name.rpartition(".")[2] in _TYPES
    }

    def answer(name: str) -> Response:
        if name not in files:
            return Response(status_code=404)
        data, kind = files[name]
        headers = {
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        return Response(data, media_type=kind, headers=headers)

    @router.get("/")
    async def index() -> Response:
        return answer("index.html")

    @router.get("/page/{name}")
    async def file(name: str) -> Response:
        return answer(name)

    return router
