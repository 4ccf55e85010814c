"""A HID report descriptor -> which bits of an input report mean what. Pure.

The descriptor is a list of items (Device Class Definition for HID 1.11, 6.2.2): global ones set the state, local ones
name the fields to come, and a main item 'Input' lays them out, one after the other, in the report of its number. What
is no input (outputs, features, units, physical ranges) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from devices.errors import DescriptorError

# What the kernel takes at most (HID_MAX_DESCRIPTOR_SIZE, HID_MAX_BUFFER_SIZE); the others keep a broken one small.
MAX_DESCRIPTOR_LENGTH = 4096
_MAX_REPORT_BITS = 16_384 * 8
_MAX_STACK = 16
_MAX_USAGES = 1024

_MAIN, _GLOBAL, _LOCAL, _LONG = 0, 1, 2, 3
_INPUT = 8
_USAGE_PAGE, _REPORT_SIZE, _REPORT_ID, _REPORT_COUNT, _PUSH, _POP = 0, 7, 8, 9, 10, 11
_USAGE, _USAGE_MINIMUM, _USAGE_MAXIMUM = 0, 1, 2
_CONSTANT, _VARIABLE = 1, 2

Usage = tuple[int, int]
"""Usage page and usage, such as (0x8C, 0xFE)."""


class InputField(msgspec.Struct, frozen=True, kw_only=True):
    """One run of bits in the report `report_id`; `bit_offset` counts from the report's first byte as it is read."""

    report_id: int
    """0 where the device does not number its reports."""
    usage: Usage
    bit_offset: int
    bit_length: int


class InputReports(msgspec.Struct, frozen=True, kw_only=True):
    """Every named field of a device's input reports."""

    numbered: bool
    """Whether the first byte of each report is its number."""
    fields: tuple[InputField, ...]


class _Globals(msgspec.Struct, frozen=True):
    usage_page: int = 0
    report_size: int = 0
    report_id: int = 0
    report_count: int = 0


class _Item(msgspec.Struct, frozen=True):
    at: int
    kind: int
    tag: int
    length: int
    value: int


def parse_descriptor(descriptor: bytes) -> InputReports:
    """Read a report descriptor. Raises DescriptorError naming the byte at which it makes no sense."""
    if len(descriptor) > MAX_DESCRIPTOR_LENGTH:
        raise DescriptorError(
            f"report descriptor: {len(descriptor)} bytes; expected at most {MAX_DESCRIPTOR_LENGTH}"
        )
    return _Layout().laid_out(descriptor)


class _Layout:
    """The state of one pass over a descriptor."""

    def __init__(self) -> None:
        self._globals = _Globals()
        self._stack: list[_Globals] = []
        self._usages: list[Usage] = []
        self._minimum: Usage | None = None
        self._ends: dict[int, int] = {}
        self._fields: list[InputField] = []

    def laid_out(self, descriptor: bytes) -> InputReports:
        for item in _items(descriptor):
            if item.kind == _GLOBAL:
                self._global(item)
            elif item.kind == _LOCAL:
                self._local(item)
            elif item.kind == _MAIN:
                if item.tag == _INPUT:
                    self._input(item)
                self._usages, self._minimum = [], None
        numbered = any(self._ends)  # a descriptor that numbers one report numbers all
        shift = 8 if numbered else 0
        return InputReports(
            numbered=numbered,
            fields=tuple(
                msgspec.structs.replace(field, bit_offset=field.bit_offset + shift) for field in self._fields
            ),
        )

    def _global(self, item: _Item) -> None:
        change = msgspec.structs.replace
        if item.tag == _USAGE_PAGE:
            self._globals = change(self._globals, usage_page=item.value)
        elif item.tag == _REPORT_SIZE:
            self._globals = change(self._globals, report_size=item.value)
        elif item.tag == _REPORT_COUNT:
            self._globals = change(self._globals, report_count=item.value)
        elif item.tag == _REPORT_ID:
            if not 1 <= item.value <= 255:
                raise _fault(item, f"report number {item.value}; expected 1 to 255")
            self._globals = change(self._globals, report_id=item.value)
        elif item.tag == _PUSH:
            if len(self._stack) == _MAX_STACK:
                raise _fault(item, f"more than {_MAX_STACK} states put aside")
            self._stack.append(self._globals)
        elif item.tag == _POP:
            if not self._stack:
                raise _fault(item, "takes back a state that was never put aside")
            self._globals = self._stack.pop()

    def _local(self, item: _Item) -> None:
        # Four bytes carry their own page in the upper half (6.2.2.8).
        page, usage = divmod(item.value, 0x1_0000) if item.length == 4 else (0, item.value)
        named = (page or self._globals.usage_page, usage)
        if item.tag == _USAGE:
            self._usages.append(named)
        elif item.tag == _USAGE_MINIMUM:
            self._minimum = named
        elif item.tag == _USAGE_MAXIMUM and self._minimum is not None:
            first_page, first = self._minimum
            last = min(named[1], first + _MAX_USAGES - 1)
            self._usages += [(first_page, each) for each in range(first, last + 1)]
            self._minimum = None
        if len(self._usages) > _MAX_USAGES:
            raise _fault(item, f"more than {_MAX_USAGES} usages for one item")

    def _input(self, item: _Item) -> None:
        now = self._globals
        start = self._ends.get(now.report_id, 0)
        end = start + now.report_size * now.report_count
        if end > _MAX_REPORT_BITS:
            raise _fault(item, f"a report of {end} bits; expected at most {_MAX_REPORT_BITS}")
        self._ends[now.report_id] = end
        if item.value & _CONSTANT or not self._usages or start == end:
            return  # padding
        if not item.value & _VARIABLE and len(self._usages) > 1:
            return  # an array, whose elements say which of the usages is pressed; keyboards have such
        usages = self._usages[: now.report_count]
        for place, usage in enumerate(usages):
            at = start + place * now.report_size
            # The last usage stands for all the elements that are left (6.2.2.8).
            length = end - at if place == len(usages) - 1 else now.report_size
            self._fields.append(
                InputField(report_id=now.report_id, usage=usage, bit_offset=at, bit_length=length)
            )


def _items(descriptor: bytes) -> Iterator[_Item]:
    at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        kind, tag = prefix >> 2 & 3, prefix >> 4
        length = (0, 1, 2, 4)[prefix & 3]
        if (
            kind == _LONG and tag == 15
        ):  # a long item: its length is in the next byte, its tag in the one after
            length = 2 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
        data = descriptor[at + 1 : at + 1 + length]
        item = _Item(at, kind, tag, length, int.from_bytes(data, "little"))
        if len(data) < length:
            raise _fault(item, f"{length} bytes should follow, and there are {len(data)}")
        yield item
        at += 1 + length


def _fault(item: _Item, what: str) -> DescriptorError:
    return DescriptorError(f"report descriptor, byte {item.at}: {what}; the scanner needs other firmware")
