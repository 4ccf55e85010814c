"""The embedded broker in a process of its own, so that a busy broker does not hold up central, nor the other way round.

Run as ``python -m central.embedded.broker_process --help``. It writes one line of JSON, ``{"port": 8883}``, when it listens.
It ends on SIGTERM or SIGINT, and with ``--until-input-ends`` also when its standard input is closed: then it does not
outlive the program that started it, however that one ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from central.embedded.broker import EmbeddedBroker
from central.embedded.listener import BrokerError, BrokerSettings

STOP_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class BrokerProcess:
    """A running broker. Use it as a context manager, or call :meth:`stop`."""

    process: subprocess.Popen[str]
    host: str
    port: int

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def is_running(self) -> bool:
        """Whether it is still there."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it, and wait for its end."""
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_broker(settings: BrokerSettings, log_file: Path | None = None) -> BrokerProcess:
    """Start a broker process and wait until it listens. :class:`BrokerError` says why it does not.

    Its warnings go to ``log_file``, or to this program's standard error.
    """
    with ExitStack() as files:
        log = None if log_file is None else files.enter_context(log_file.open("ab"))
        process = _spawn(settings, log)
    assert process.stdout is not None
    answer = json.loads(process.stdout.readline() or '{"error": "MQTT broker: ended before it listened"}')
    broker = BrokerProcess(process, settings.host, answer.get("port", 0))
    if "error" in answer:
        broker.stop()
        raise BrokerError(answer["error"])
    return broker


def _spawn(settings: BrokerSettings, log: IO[bytes] | None) -> subprocess.Popen[str]:
    arguments = ["--host", settings.host, "--port", str(settings.port), "--ca", str(settings.ca_file)]
    arguments += ["--certificate", str(settings.certificate_file), "--key", str(settings.key_file)]
    arguments += ["--max-connections", str(settings.max_connections), "--until-input-ends"]
    return subprocess.Popen(
        [sys.executable, "-m", "central.embedded.broker_process", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,  # Ctrl-C reaches central, which ends the broker in order
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


async def serve(settings: BrokerSettings, *, until_input_ends: bool) -> None:
    """Run a broker until a signal, or the end of standard input, asks for its end."""
    loop = asyncio.get_running_loop()
    asked_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_end.set)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), asked_to_end.set)
    broker = EmbeddedBroker(settings)
    await broker.start()
    sys.stdout.write(json.dumps({"port": broker.port}) + "\n")
    sys.stdout.flush()
    await asked_to_end.wait()
    loop.remove_reader(sys.stdin.fileno())  # or it would be called on and on
    await broker.stop()


def main() -> int:
    """The command line."""
    parser = ArgumentParser(
        prog="python -m central.embedded.broker_process", description="The embedded MQTT broker."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--ca", type=Path, required=True, help="certificate that client certificates must be signed by"
    )
    parser.add_argument("--certificate", type=Path, required=True, help="the broker's own certificate")
    parser.add_argument("--key", type=Path, required=True, help="the key of the broker's certificate")
    parser.add_argument(
        "--max-connections", type=int, default=1000, help="connections at the same time, at most"
    )
    parser.add_argument("--until-input-ends", action="store_true", help="end when standard input is closed")
    chosen = parser.parse_args()
    settings = BrokerSettings(
        chosen.ca, chosen.certificate, chosen.key, chosen.host, chosen.port, chosen.max_connections
    )
    try:
        asyncio.run(serve(settings, until_input_ends=chosen.until_input_ends))
    except BrokerError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
