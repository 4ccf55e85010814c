"""``/docs``: the interface as one page that needs nothing from elsewhere, made from the same description as ``/openapi.json``."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(tags=["documentation"], include_in_schema=False)

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #d0d7de; } code, pre { font: 14px/1.5 ui-monospace, monospace; }
details { border: 1px solid #d0d7de; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 4rem; }
table { border-collapse: collapse; } td, th { border-bottom: 1px solid #eee; padding: .2rem .8rem .2rem 0; text-align: left; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } a { color: #6cb6ff; } }
"""


@router.get("/docs", response_class=HTMLResponse)
def docs(request: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse(render(request.app.openapi()))


def render(description: dict[str, Any]) -> str:
    """An OpenAPI description as a page."""
    groups: dict[str, list[str]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(
                _operation(method, path, operation)
            )
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in groups.items())
    schemas = "".join(
        _schema(name, one) for name, one in description.get("components", {}).get("schemas", {}).items()
    )
    title = f"{description['info']['title']} {description['info']['version']}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>{escape(description['info'].get('summary', ''))}</p>"
        "<p>Send a token as <code>Authorization: Bearer …</code>. Lists come in pages: pass <code>next</code> back as "
        "<code>cursor</code>. Writes take an <code>Idempotency-Key</code>. Refusals are "
        "<code>application/problem+json</code>. For programs: <a href=openapi.json>openapi.json</a>.</p>"
        f"{body}<h2>shapes</h2>{schemas}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}<td>{_type(one.get('schema', {}))}"
        f"<td>{escape(one.get('description', ''))}"
        for one in operation.get("parameters", [])
    )
    parameters = f"<table><tr><th>parameter<th>in<th>type<th>meaning{rows}</table>" if rows else ""
    request = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    asks = f"<p>Takes {_type(request)}</p>" if request else ""
    answers = "".join(
        f"<p>{escape(status)}: {_type(content.get('schema', {})) if content else ''}</p>"
        for status, one in operation.get("responses", {}).items()
        if status.startswith("2")
        for content in [one.get("content", {}).get("application/json", {})]
    )
    said = escape(operation.get("description", "")).replace("\n\n", "<p>")
    return (
        f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code></summary>"
        f"<p>{said}</p>{parameters}{asks}{answers}</details>"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code><td>{_type(one)}<td>{escape(one.get('description', ''))}"
        for field, one in schema.get("properties", {}).items()
    )
    said = escape(schema.get("description", ""))
    return f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary><p>{said}<table>{rows}</table></details>"


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few characters, with a link where it has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"<a href='#{escape(name)}'>{escape(name)}</a>"
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return " or ".join(_type(one) for one in schema[kind])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    return escape(str(schema.get("format") or schema.get("type", "anything")))
