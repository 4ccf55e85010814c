"""Scanners: bytes and key presses in, `Scan` out.

Pure parts, fed one byte or one key at a time: `framing`, `keyboard`, `decoding`, `assembler`, `double_trigger`.
Drivers, each blocking in a thread of its own: `serial_port`, `evdev_input`, `replay`.
Everything a scanner model needs is data: `profiles/*.toml` and `layouts/*.toml`.
"""
