"""The report in which a HID-POS scanner sends a code, and one such report -> one piece of a code. Pure.

HID Point of Sale Usage Tables 1.02, usage page 0x8C: three bytes of AIM identifier (Symbology Identifier 1 to 3), a
fixed number of bytes of Decoded Data, a flag Decode Data Continued. Most makers put a Byte Count (Generic Desktop)
in front; where there is none, the unused rest of the data is zeros. The order and the sizes are the maker's choice and
stand in the report descriptor.
"""

from __future__ import annotations

import msgspec

from devices.errors import DescriptorError
from devices.hid_descriptor import InputField, parse_descriptor

_SCANNER_PAGE = 0x8C
_SYMBOLOGY = [(_SCANNER_PAGE, usage) for usage in (0xFB, 0xFC, 0xFD)]
_DECODED_DATA = (_SCANNER_PAGE, 0xFE)
_CONTINUED = (_SCANNER_PAGE, 0xFF)
_BYTE_COUNT = (0x01, 0x3B)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What one report says; with a `fault`, neither its data nor whether more follows is to be believed."""

    data: bytes = b""
    symbology: str = ""
    """The AIM identifier as it was sent, such as ']d2'; empty where the scanner leaves it out."""
    continued: bool = False
    """More of the same code comes with the next report."""
    fault: str | None = None


class ScanReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where in a report of one number the parts of a code are."""

    report_id: int
    data: InputField
    byte_count: InputField | None
    symbology: tuple[InputField, ...]
    continued: InputField | None

    @property
    def capacity(self) -> int:
        """How many bytes of a code one report can hold."""
        return self.data.bit_length // 8

    def read(self, report: bytes) -> Piece:
        """One report as it was read, its number in front where the device numbers them."""
        start = self.data.bit_offset // 8
        data = report[start : start + self.capacity]
        complete = len(report) * 8 >= self._needed_bits
        if self.byte_count is not None:
            count = _number(report, self.byte_count)
            if count > self.capacity:
                return Piece(
                    fault=f"a report says it has {count} bytes and can hold {self.capacity}; scan it again"
                )
            # Cut short behind a code that did not fill it, a report lacks nothing but zeros.
            if len(data) < count or (not complete and count == self.capacity):
                return Piece(fault=f"a report of {len(report)} bytes was cut short; scan it again")
            data = data[:count]
        elif not complete:
            return Piece(fault=f"a report of {len(report)} bytes was cut short; scan it again")
        else:
            data = data.rstrip(b"\0")
        return Piece(
            data=data,
            symbology=self._identifier(report),
            continued=self.continued is not None and _number(report, self.continued) != 0,
        )

    @property
    def _needed_bits(self) -> int:
        fields = [self.data] if self.continued is None else [self.data, self.continued]
        return max(field.bit_offset + field.bit_length for field in fields)

    def _identifier(self, report: bytes) -> str:
        sent = b"".join(
            _number(report, field).to_bytes(field.bit_length // 8, "little") for field in self.symbology
        )
        return sent.strip(b"\0 ").decode("ascii", errors="replace")


def find_scan_reports(descriptor: bytes) -> dict[int, ScanReport]:
    """The reports that carry codes, by number (0 where reports are not numbered); none for any other device.

    Raises DescriptorError for a descriptor that makes no sense, or whose decoded data are no whole bytes.
    """
    by_report: dict[int, list[InputField]] = {}
    for field in parse_descriptor(descriptor).fields:
        by_report.setdefault(field.report_id, []).append(field)
    return {
        report_id: _scan_report(report_id, fields)
        for report_id, fields in by_report.items()
        if any(field.usage == _DECODED_DATA for field in fields)
    }


def _scan_report(report_id: int, fields: list[InputField]) -> ScanReport:
    found = {field.usage: field for field in reversed(fields)}  # of two alike, the first
    data = found[_DECODED_DATA]
    if data.bit_offset % 8 or data.bit_length % 8:
        raise DescriptorError(
            f"report descriptor: the decoded data of report {report_id} begin at bit {data.bit_offset} and have "
            f"{data.bit_length} bits; expected whole bytes"
        )
    symbology = tuple(found[usage] for usage in _SYMBOLOGY if usage in found)
    return ScanReport(
        report_id=report_id,
        data=data,
        byte_count=found.get(_BYTE_COUNT),
        symbology=symbology if all(field.bit_length % 8 == 0 for field in symbology) else (),
        continued=found.get(_CONTINUED),
    )


def _number(report: bytes, field: InputField) -> int:
    """The field's bits, lowest first; what a short report does not have is zero, as the kernel takes it."""
    first = field.bit_offset // 8
    last = (field.bit_offset + field.bit_length + 7) // 8
    bits = int.from_bytes(report[first:last], "little") >> field.bit_offset % 8
    return bits & ((1 << field.bit_length) - 1)
