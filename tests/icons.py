"""Draw the add-in's icons, three rising bars: `python tests/icons.py` writes the PNG files."""

import struct
import zlib
from pathlib import Path

ICONS = Path(__file__).parent.parent / "udfs" / "server" / "static" / "images" / "icons"
SIZES = (16, 32, 64, 80)
INK, GROUND = (255, 255, 255), (0, 114, 178)  # the blue of the workbooks
FINE = 4  # samples a pixel, each way

# Left, top, right, bottom, as parts of the side.
BARS = ((0.19, 0.55, 0.35, 0.81), (0.42, 0.38, 0.58, 0.81), (0.65, 0.19, 0.81, 0.81))
CORNER = 0.16


def sample(x: float, y: float) -> tuple[int, int, int, int]:
    """The colour and opacity of a point of the unit square."""
    if any(left <= x < right and top <= y < bottom for left, top, right, bottom in BARS):
        return (*INK, 255)
    across, down = (max(CORNER - p, p - 1 + CORNER, 0) for p in (x, y))
    return (*GROUND, 255) if across**2 + down**2 <= CORNER**2 else (*GROUND, 0)


def png(size: int) -> bytes:
    """An icon as a PNG file: a header, the rows compressed, an end."""
    rows = bytearray()
    for row in range(size):
        rows.append(0)  # no filter
        for column in range(size):
            points = [
                sample((column + (i + 0.5) / FINE) / size, (row + (j + 0.5) / FINE) / size)
                for i in range(FINE)
                for j in range(FINE)
            ]
            rows += bytes(
                round(sum(channel) / len(points)) for channel in zip(*points, strict=True)
            )
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


if __name__ == "__main__":
    ICONS.mkdir(parents=True, exist_ok=True)
    for side in SIZES:
        (ICONS / f"kpi-{side}.png").write_bytes(png(side))
