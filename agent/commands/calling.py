"""Talking to the agent that runs on this machine, over its local interface."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from agent.errors import AgentError
from agent.settings import Settings


class Running(msgspec.Struct, frozen=True):
    """``data_dir/run.json``: the process that runs, and where it listens."""

    pid: int
    local_url: str


class NotRunning(AgentError):
    """No agent runs here, or it does not answer."""


def run_file(data_dir: Path) -> Path:
    """Where a running agent says so."""
    return data_dir / "run.json"


def running(settings: Settings) -> Running:
    """The agent that runs with this configuration. Raises :class:`NotRunning`."""
    try:
        found = msgspec.json.decode(run_file(settings.data_dir).read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        raise _nobody(settings) from None
    if not _is_alive(found.pid):
        raise _nobody(settings)
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # another user's process
    except OSError:
        return False
    return True


def _nobody(settings: Settings) -> NotRunning:
    return NotRunning(
        f"no agent runs with data_dir {settings.data_dir}; start one with: countermark-agent run"
    )


def call(settings: Settings, method: str, path: str, body: object = None) -> Any:
    """The JSON answer of the running agent. Raises :class:`NotRunning`, or :class:`AgentError` with its reason."""
    import httpx  # noqa: PLC0415 - not wanted in the memory of an agent

    url = running(settings).local_url + path
    token = settings.local.token
    headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
    try:
        answer = httpx.request(
            method,
            url,
            content=None if body is None else msgspec.json.encode(body),
            headers=headers,
            timeout=30.0,
        )
    except httpx.HTTPError as error:
        raise NotRunning(f"the agent at {url} does not answer ({error}); look at its log") from None
    content = msgspec.json.decode(answer.content) if answer.content else None
    if answer.is_success:
        return content
    reason = content.get("detail", "") if isinstance(content, dict) else ""
    raise AgentError(f"the agent refused: {reason or answer.status_code}")
