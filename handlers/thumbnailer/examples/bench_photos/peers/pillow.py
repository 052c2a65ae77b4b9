"""Pillow: `python pillow.py usual|best`. It has one thread.

usual: as AWS's tutorial on thumbnails has it, `Image.open`, `thumbnail`, `save`
(https://docs.aws.amazon.com/lambda/latest/dg/with-s3-tutorial.html), behind `exif_transpose`, without which photos lie on
their side (https://pillow.readthedocs.io/en/stable/reference/ImageOps.html). That decodes the file whole.
best: `draft` has the decoder scale the picture down; it is turned while it is small, and each size is made from the larger
(https://pillow.readthedocs.io/en/stable/reference/Image.html, `draft`, `thumbnail`). `thumbnail` would call `draft` itself,
by `reducing_gap`, but asks it for a square, and so for twice the picture that is needed.
"""

import io
import math
import platform

from PIL import Image, ImageCms, ImageOps, features
from PIL import __version__ as pillow_version

import asked

SRGB = ImageCms.createProfile("sRGB")
# The decoder gives at least so many times the size that is needed; sharp, libvips and ours use as little.
GAP = 1.5


def in_srgb(picture):
    profile = picture.info.get("icc_profile")
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        ImageCms.profileToProfile(picture, source, SRGB, inPlace=True)
    return picture


def jpeg(picture):
    file = io.BytesIO()
    # Metadata is written only if it is handed over: `exif` and `icc_profile` from `info` otherwise.
    picture.save(file, "JPEG", quality=80, subsampling="4:2:0", optimize=True, exif=b"", icc_profile=None)
    return file.getbuffer()


def usual(file):
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image)
        renditions = []
        for side in (1080, 480):
            picture = upright.copy()
            picture.thumbnail((side, side))
            renditions.append(jpeg(in_srgb(picture)))
        renditions.append(jpeg(in_srgb(ImageOps.fit(upright, (160, 160)))))
        return renditions


def best(file):
    with Image.open(file) as image:
        scale = GAP * 1080 / max(image.size)
        image.draft(None, tuple(math.ceil(side * scale) for side in image.size))
        image.thumbnail((1080, 1080), Image.Resampling.LANCZOS, reducing_gap=None)
        large = in_srgb(ImageOps.exif_transpose(image))
    card = large.copy()
    card.thumbnail((480, 480), Image.Resampling.LANCZOS, reducing_gap=None)
    thumb = ImageOps.fit(card, (160, 160), Image.Resampling.LANCZOS)
    return [jpeg(picture) for picture in (large, card, thumb)]


if __name__ == "__main__":
    turbo = features.version("libjpeg_turbo")
    version = f"Pillow {pillow_version}, libjpeg-turbo {turbo}, Python {platform.python_version()}"
    asked.serve(version, {"usual": usual, "best": best})
