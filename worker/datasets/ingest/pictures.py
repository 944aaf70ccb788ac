"""One picture from outside: looked at, measured before it is decoded, and decoded into 8 bits of grey or RGB.

Only four plain formats are opened; whatever a decoder stumbles over is told as one sentence with the picture's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import BmpImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

from worker.datasets.ingest.given import Array
from worker.firstlook import Unfit

FORMATS = tuple(plugin.format for plugin in (
    JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile, BmpImagePlugin.BmpImageFile, WebPImagePlugin.WebPImageFile))
LARGEST_SIDE, MOST_PIXELS = 16_384, 64_000_000
GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")
ORIENTATION = 0x0112
LONGEST_NAME = 60
# The numbers are checked here, with both of them told; Pillow's own limit would say them in its own words.
Image.MAX_IMAGE_PIXELS = None


class Seen(NamedTuple):
    """A picture by its header alone, the way it is to be held."""

    height: int
    width: int
    is_grey: bool


def shown(name: str) -> str:
    """The end of a path, without signs that a terminal or a page would act upon."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in name)
    return plain if len(plain) <= LONGEST_NAME else f"…{plain[1 - LONGEST_NAME:]}"


def look(body: bytes, name: str) -> Seen:
    """Nothing is decoded; Unfit when it is no picture, or one too large to decode."""
    with _opened(body, name) as image:
        width, height = image.size
        turned = _orientation(image) >= 5
        return Seen(*((width, height) if turned else (height, width)), image.mode in GREY)


def pixels(body: bytes, name: str, shape: tuple[int, ...], done: Counter[str]) -> Array:
    """uint8 (channels, height, width); what had to be done to it is counted in `done`."""
    channels, height, width = shape
    with _opened(body, name) as image:
        _say_frames(image, done)
        if image.size != (width, height):
            image.draft(None, (2 * max(width, height),) * 2)  # A photograph need not be decoded in full to be made small.
        upright = ImageOps.exif_transpose(image) if _orientation(image) > 1 else image
        plain = _plain(upright, channels, done)
        if plain.size != (width, height):
            done["resized"] += 1
            plain = ImageOps.fit(plain, (width, height), Image.Resampling.BILINEAR)
        numbers = np.asarray(plain, dtype=np.uint8).reshape(height, width, channels)
    return np.ascontiguousarray(numbers.transpose(2, 0, 1))


@contextmanager
def _opened(body: bytes, name: str) -> Iterator[Image.Image]:
    try:
        with Image.open(BytesIO(body), formats=FORMATS) as image:
            width, height = image.size
            if max(width, height) > LARGEST_SIDE or width * height > MOST_PIXELS:
                raise Unfit(f"The picture {shown(name)} has {width:,}x{height:,} pixels; at most {LARGEST_SIDE:,} a side and "
                            f"{MOST_PIXELS:,} in all are decoded.")
            yield image
    except (Unfit, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise Unfit(f"{shown(name)} is no JPEG, PNG, BMP or WebP picture, whatever it is called.") from error
    except Exception as error:  # Decoders have errors of every kind for bytes that are no picture.
        raise Unfit(f"The picture {shown(name)} is cut off or damaged.") from error


def _orientation(image: Image.Image) -> int:
    """How a camera was held, 1 to 8; only where the header tells, for some formats would be decoded to look."""
    found: Any = image.getexif().get(ORIENTATION, 1) if "exif" in image.info else 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _say_frames(image: Image.Image, done: Counter[str]) -> None:
    if getattr(image, "n_frames", 1) > 1:
        done["frames"] += 1


def _plain(image: Image.Image, channels: int, done: Counter[str]) -> Image.Image:
    """In 8 bits of grey or of RGB, with nothing to be seen through."""
    mode = "L" if channels == 1 else "RGB"
    if image.mode.startswith("I;16"):
        done["deep"] += 1
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(image.mode)
    if image.has_transparency_data:
        done["transparent"] += 1
        seen = image.convert("RGBA")
        image = Image.new("RGBA", seen.size, "white")
        image.alpha_composite(seen)
    if image.mode == "CMYK":
        done["cmyk"] += 1
    if image.mode in GREY and channels == 3:
        done["grey"] += 1
    return image if image.mode == mode else image.convert(mode)
