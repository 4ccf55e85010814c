"""The line between shops and broker, as a process: SIGUSR1 cuts it, SIGUSR2 mends it, SIGSTOP leaves it hanging half-open.

A stopped process is the honest half-open connection: the kernel still takes and acknowledges what is sent, and nobody answers.
"""

from __future__ import annotations

import json
import signal
import sys

from deploy.demonstration.link import Link


def main(broker_port: int) -> int:
    """Relay until SIGTERM; says where, as one JSON line."""
    link = Link("127.0.0.1", broker_port)
    expected = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT}
    sys.stdout.write(json.dumps({"port": link.port}) + "\n")
    sys.stdout.flush()
    while True:
        number = signal.sigwait(expected)
        if number == signal.SIGUSR1:
            link.cut()
        elif number == signal.SIGUSR2:
            link.mend()
        else:
            link.close()
            return 0


if __name__ == "__main__":
    # Before the link's thread begins, so that no thread but this one is given the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT})
    sys.exit(main(int(sys.argv[1])))
