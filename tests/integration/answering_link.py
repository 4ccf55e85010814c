"""A central process in small, to be killed: the real link, and an ack for every frame that it takes.

``python -m tests.integration.answering_link PORT WORKER DIRECTORY``: prints ``online`` when it is. The ack names the worker as its
epoch and repeats the number in the frame as ``next_seq``.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from central.authority.files import certificate_path, key_path
from central.authority.names import central_name
from central.link import Link, LinkSettings
from protocol.messages import Ack, Cursor


def main(port: str, worker: str, directory: str) -> None:
    """Answer until killed."""
    authority = Path(directory)
    settings = LinkSettings(
        host="127.0.0.1",
        port=int(port),
        worker=worker,
        ca_file=certificate_path(authority, "ca"),
        certificate_file=certificate_path(authority, central_name(worker)),
        key_file=key_path(authority, central_name(worker)),
        shared_subscription=True,
    )

    def offer(agent: str, channel: str, frame: bytes, _: int) -> bool:
        if channel == "up":
            link.publish(agent, Ack(cursor=Cursor(worker, int(frame), bytes(32))))
        return True

    link = Link(settings, offer)
    link.start()
    pause = threading.Event()
    while not link.status().online:
        pause.wait(0.02)
    sys.stdout.write("online\n")
    sys.stdout.flush()
    pause.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
