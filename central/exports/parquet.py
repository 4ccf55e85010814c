"""Movements as a Parquet file. The one file that touches pyarrow, which comes with the extra ``parquet``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from central.errors import CentralError
from central.exports.storage import MOVEMENT_COLUMNS


class NoParquet(CentralError):
    """The library is not installed."""


def write_movements(
    path: Path, pieces: Iterable[list[tuple[Any, ...]]], told: Callable[[int], None] = lambda _: None
) -> int:
    """Write movements to ``path``, a row group a piece; how many. ``told`` hears after each piece how many there are so far.

    Quantities are decimals of 9 places, money is whole minor units, times are UTC microseconds. A file that is not finished is never
    under the name of one that is. Raises :class:`NoParquet`.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra: most installations never write such a file
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise NoParquet(
            "a Parquet file needs the extra 'parquet', which is not installed; expected: pip install 'countermark[central,parquet]'"
        ) from None
    text, whole, moment = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
    kinds = {
        "movement_id": whole,
        "quantity": pa.decimal128(30, 9),
        "value_minor": whole,
        "journal": whole,
        "seq": whole,
        "line": pa.int32(),
        "event_time": moment,
        "recorded_at": moment,
        "business_day": pa.date32(),
    }
    schema = pa.schema([(name, kinds.get(name, text)) for name in MOVEMENT_COLUMNS])
    unfinished = path.with_name(f".{path.name}.unfinished")
    written = 0
    try:
        with parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for rows in pieces:
                columns = zip(*rows, strict=True)
                arrays = [
                    pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                written += len(rows)
                told(written)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written
