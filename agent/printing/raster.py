"""A line of text as a picture, for signs that the printer does not have. Drawn on the grid of its columns."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from agent.printing.paper import width

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

COLUMN_DOTS = 12
"""Font A of an ESC/POS printer is 12 dots wide and 24 high; an ideograph is 24 by 24."""
_SIGN_DOTS = 24
_LINE_DOTS = 30


def raster_image(text: str, font: Path, columns: int, *, is_big: bool = False) -> Image:
    """Black on white, as wide as the paper. ``is_big`` is twice as high."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - comes with python-escpos

    image = Image.new("1", (columns * COLUMN_DOTS, _LINE_DOTS), 1)
    draw = ImageDraw.Draw(image)
    column = 0
    for sign in text:
        draw.text((column * COLUMN_DOTS, 0), sign, fill=0, font=_font(font))
        column += width(sign)
    return image.resize((image.width, image.height * 2)) if is_big else image


@lru_cache(maxsize=2)
def _font(font: Path) -> FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415 - as above

    return ImageFont.truetype(str(font), _SIGN_DOTS - 2)
