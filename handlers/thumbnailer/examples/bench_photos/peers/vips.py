"""libvips through pyvips: `python vips.py usual|best`, one thread by VIPS_CONCURRENCY=1.

usual: `thumbnail` of the file, for each size, as pyvips' and libvips' documentation has it: it shrinks while loading and turns
the picture upright (https://libvips.github.io/pyvips/vimage.html, `thumbnail`;
https://www.libvips.org/API/current/using-vipsthumbnail.html).
best: the largest by `thumbnail`, kept in memory, and each other by `thumbnail_image` of the larger
(`copy_memory`, `thumbnail_image`, on the same page).
In both, colours are converted by `icc_transform` where there is a profile: `output_profile`, as an option of `thumbnail`, would
take the way through a profile for each photo, and take three times as long.
"""

import platform

import pyvips

import asked

# Nothing is kept from one photo to the next, since here the same file comes again.
pyvips.cache_set_max(0)

SIZES = [
    (1080, {"height": 1080, "size": "down"}),
    (480, {"height": 480, "size": "down"}),
    (160, {"height": 160, "crop": "centre"}),
]


def in_srgb(picture):
    if picture.get_typeof("icc-profile-data"):
        return picture.icc_transform("srgb", embedded=True)
    return picture


def jpeg(picture):
    return picture.jpegsave_buffer(Q=80, subsample_mode="on", optimize_coding=True, keep="none")


def usual(file):
    return [jpeg(in_srgb(pyvips.Image.thumbnail(file, width, **size))) for width, size in SIZES]


def best(file):
    (width, size), *smaller = SIZES
    picture = in_srgb(pyvips.Image.thumbnail(file, width, **size)).copy_memory()
    renditions = [jpeg(picture)]
    for width, size in smaller:
        picture = picture.thumbnail_image(width, **size).copy_memory()
        renditions.append(jpeg(picture))
    return renditions


if __name__ == "__main__":
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    version = f"pyvips {pyvips.__version__}, libvips {libvips}, Python {platform.python_version()}"
    asked.serve(version, {"usual": usual, "best": best})
