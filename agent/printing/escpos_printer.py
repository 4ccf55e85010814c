"""Printers that speak ESC/POS, through python-escpos. The only file that knows that library.

A receipt is rendered to bytes first and then sent as a whole. Before, the printer is asked how it is (DLE EOT); after, for
its paper status (GS r), which it answers in turn: an answer means that everything before it has been printed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from agent.printing.paper import Line, Qr
from agent.printing.printer import PrinterTrouble
from agent.printing.raster import raster_image
from agent.printing.settings import DOUBLE_BYTE, PrinterSettings
from agent.settings import SettingsError

_STATUS, _OFFLINE_CAUSE, _PAPER = b"\x10\x04\x01", b"\x10\x04\x02", b"\x10\x04\x04"  # DLE EOT n
_PRINTED_SO_FAR = b"\x1dr\x01"  # GS r 1
_CHINESE_ON, _CHINESE_OFF = b"\x1c&", b"\x1c."  # FS &, FS .
_FIXED_BITS, _FIXED_VALUE = 0x93, 0x12  # of every answer to DLE EOT: 0xx1xx10
_IS_OFFLINE, _COVER_OPEN, _NO_PAPER, _FAULT, _PAPER_END = 0x08, 0x04, 0x20, 0x40, 0x60
_DRAIN_LOOK_S = 0.02
_QR_DOT = 6


def require_library() -> None:
    """Raise :class:`SettingsError` where python-escpos is not installed."""
    if find_spec("escpos") is None:
        raise SettingsError(
            "configuration: printer: python-escpos is not installed; install countermark[agent,printer]"
        )


class EscposPrinter:
    """One printer. ``cache`` is a folder of this user's own, where the library keeps what it knows of models."""

    def __init__(self, settings: PrinterSettings, cache: Path) -> None:
        self._settings = settings
        self._timeout_s = settings.timeout_ms / 1000
        # Else it reads its tables anew at every start, which takes a second of the processor.
        os.environ.setdefault("ESCPOS_CAPABILITIES_PICKLE_DIR", str(cache))

    # -- what is printed --------------------------------------------------------------------------------------------------

    def render(self, lines: Sequence[Line]) -> bytes:
        """See :class:`~agent.printing.printer.Printer`."""
        page = _library().Dummy()
        page.hw("INIT")
        encoding = DOUBLE_BYTE.get(self._settings.code_page)
        if encoding is None:
            page.charcode(self._settings.code_page.upper())
        else:
            _send(page, _CHINESE_ON)
        for line in lines:
            if isinstance(line, Qr):
                page.set_with_default(align="center")
                page.qr(line.content, native=True, size=_QR_DOT)
                continue
            # Said for every line: ESC !, which resets the rest, is not heeded for ideographs.
            size = {"custom_size": True, "width": 1, "height": 2 if line.big else 1}
            page.set_with_default(align=line.align, bold=line.bold, **size)
            if self._settings.font is not None and not fits(line.text, self._settings.code_page):
                _send(page, _raster(line.text, self._settings, is_big=line.big))
            else:
                _send(page, encoded(line.text, self._settings.code_page) + b"\n")
        page.set_with_default()
        if encoding is not None:
            _send(page, _CHINESE_OFF)
        if self._settings.cut:
            page.cut()
        else:
            page.print_and_feed(4)
        return bytes(page.output)

    def pulse(self) -> bytes:
        """See :class:`~agent.printing.printer.Printer`."""
        page = _library().Dummy()
        page.cashdraw(self._settings.drawer_pin)
        return bytes(page.output)

    # -- how it gets there ------------------------------------------------------------------------------------------------

    def deliver(self, data: bytes, *, is_urgent: bool = False) -> None:
        """See :class:`~agent.printing.printer.Printer`."""
        from escpos.exceptions import Error  # noqa: PLC0415 - see _library

        printer, where, is_sent = self._connection(), self._settings.where, False
        asks = self._settings.can_answer and not is_urgent
        try:
            self._open(printer)
            if asks:
                self._require_ready(printer)
            is_sent = True
            _send(printer, data)
            if asks:
                _send(printer, _PRINTED_SO_FAR)
                self._answer(printer)
            else:
                self._drain(printer)
        except (OSError, Error) as error:
            raise PrinterTrouble(_told(where, error, is_sent=is_sent), is_unconfirmed=is_sent) from error
        finally:
            self._close(printer)

    def _connection(self) -> Any:
        library, settings = _library(), self._settings
        if settings.kind == "network":
            return library.Network(settings.host, settings.port, timeout=self._timeout_s)
        if settings.kind == "serial":
            return library.Serial(settings.path, settings.baud_rate, timeout=self._timeout_s)
        return library.File(settings.path)

    def _open(self, printer: Any) -> None:
        settings = self._settings
        if (
            settings.kind == "network"
        ):  # the library's own way leaves a socket open where nobody answers, and knows no IPv6
            printer.device = socket.create_connection((settings.host, settings.port), self._timeout_s)
            return
        printer.open()
        if settings.kind == "serial":
            printer.device.write_timeout = self._timeout_s

    def _require_ready(self, printer: Any) -> None:
        where = self._settings.where
        if self._ask(printer, _STATUS) & _IS_OFFLINE:
            cause = self._ask(printer, _OFFLINE_CAUSE)
            said = (
                "its cover is open"
                if cause & _COVER_OPEN
                else "it is out of paper"
                if cause & _NO_PAPER
                else ""
            )
            said = said or ("it has an error" if cause & _FAULT else "it is offline")
            raise PrinterTrouble(f"printer {where}: {said}; set it right, it prints by itself then")
        if self._ask(printer, _PAPER) & _PAPER_END == _PAPER_END:
            raise PrinterTrouble(
                f"printer {where}: it is out of paper; put a roll in, it prints by itself then"
            )

    def _ask(self, printer: Any, question: bytes) -> int:
        _send(printer, question)
        answer = self._answer(printer)
        if answer & _FIXED_BITS != _FIXED_VALUE:
            raise PrinterTrouble(
                f"printer {self._settings.where}: answered 0x{answer:02x}, which is no status; check that it speaks ESC/POS"
            )
        return answer

    def _answer(self, printer: Any) -> int:
        device = printer.device
        answer = device.recv(16) if self._settings.kind == "network" else device.read(1)
        if not answer:
            raise TimeoutError("no answer")
        return int(answer[-1])

    def _drain(self, printer: Any) -> None:
        """Closing a serial port waits for it to be empty, for ever if need be; so this waits first."""
        until = monotonic() + self._timeout_s
        while self._settings.kind == "serial" and printer.device.out_waiting:
            if monotonic() > until:
                raise TimeoutError("it takes nothing")
            sleep(_DRAIN_LOOK_S)

    def _close(self, printer: Any) -> None:
        if self._settings.kind == "serial" and getattr(printer, "_device", None):
            printer.device.reset_output_buffer()
        printer.close()


def fits(text: str, code_page: str) -> bool:
    """Whether the printer has every sign of a text. Of GB18030, printers have the signs of one and two bytes."""
    try:
        return all(len(sign.encode(DOUBLE_BYTE.get(code_page, code_page))) <= 2 for sign in text)
    except UnicodeEncodeError:
        return False


def encoded(text: str, code_page: str) -> bytes:
    """A text as the printer takes it; what it has no sign for is a question mark."""
    name = DOUBLE_BYTE.get(code_page, code_page)
    return b"".join(sign.encode(name) if fits(sign, code_page) else b"?" for sign in text)


def _raster(text: str, settings: PrinterSettings, *, is_big: bool) -> bytes:
    """A line as a picture (GS v 0)."""
    from escpos.image import EscposImage  # noqa: PLC0415 - see _library

    assert settings.font is not None
    image = EscposImage(raster_image(text, settings.font, settings.columns, is_big=is_big))
    size = int(image.width_bytes).to_bytes(2, "little") + int(image.height).to_bytes(2, "little")
    return b"\x1dv0\x00" + size + bytes(image.to_raster_format())


def _send(printer: Any, data: bytes) -> None:
    printer._raw(data)  # noqa: SLF001 - the library's only way to send bytes of one's own


def _library() -> Any:
    """Loaded when the first receipt is printed: it takes a second, which no counter waits for."""
    import escpos.printer  # noqa: PLC0415

    return escpos.printer


def _told(where: str, error: Exception, *, is_sent: bool) -> str:
    if isinstance(error, TimeoutError):
        if is_sent:
            return f"printer {where}: took a receipt and did not say that it was printed; look at it"
        return (
            f"printer {where}: does not answer; switch it on, or set printer.answers = false if it never does"
        )
    said = str(error).replace("\n", " ").strip() or type(error).__name__
    return f"printer {where}: {said}; check that it is on and connected"
