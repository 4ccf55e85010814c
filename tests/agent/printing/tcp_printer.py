"""A printer on a real port of this machine: keeps what it is sent, answers status requests, and can be put out of order."""

from __future__ import annotations

import contextlib
import socket
import threading

PATIENCE_S = 20
_READY = {1: 0x12, 2: 0x12, 4: 0x12}


class TcpPrinter:
    """``jobs`` is what each connection brought. ``answers`` are those to DLE EOT n; none: it is silent."""

    def __init__(self) -> None:
        self.jobs: list[bytes] = []
        self.answers: dict[int, int] = dict(_READY)
        self.confirms = True
        self.reads = True
        self._changed = threading.Condition()
        self._server: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self.attempts = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def switch_on(self) -> None:
        """Take connections from now on."""
        server = socket.create_server(("127.0.0.1", self.port))
        self._server = server
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def switch_off(self) -> None:
        """Refuse connections, and end those that are open."""
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def until_jobs(self, count: int) -> list[bytes]:
        """Wait for so many receipts or pulses that were taken whole."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.jobs) >= count, PATIENCE_S), self.jobs
            return list(self.jobs)

    def until_attempts(self, count: int) -> None:
        """Wait for so many connections."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.attempts >= count, PATIENCE_S), self.attempts

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._connections.append(connection)
            with self._changed:
                self.attempts += 1
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        job = b""
        with contextlib.suppress(OSError), connection:
            while self.reads and (data := connection.recv(65536)):
                job += data
                while (at := job.find(b"\x10\x04")) >= 0 and len(job) > at + 2:
                    asked, job = job[at + 2], job[:at] + job[at + 3 :]
                    if self.answers:
                        connection.sendall(bytes((self.answers[asked],)))
                if job.endswith(b"\x1dr\x01") and self.confirms:
                    connection.sendall(b"\x00")
        if job:
            with self._changed:
                self.jobs.append(job)
                self._changed.notify_all()
