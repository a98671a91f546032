"""Pictures of the templates' sheets, for people to look at, and the README's gallery.

`python tests/pictures.py FOLDER` prints every report sheet filled with sample data in English, and
the first sheet in the other languages, as PNG; `--gallery` writes the first sheets beside the
templates, which the README shows. LibreOffice prints them, poppler makes pictures of the pages.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from kpi_xl.workbook_templates import TEMPLATES, template
from kpi_xl.workbook_templates.building import build

from kpi_xl.hosts.libreoffice.headless import perform
from kpi_xl.locales import LANGUAGES
from kpi_xl.reports.printing import cover

GALLERY = Path(__file__).parent.parent / "workbook_templates"
SIZE = 90  # dots an inch
FOOTER, MARGIN = 0.05, 8  # of the page's height; dots


def printed(folder: Path, names: list[str], languages: list[str]) -> dict[tuple[str, str], Path]:
    """The report sheets of templates with their samples, as PDF, by template and language."""
    tasks, made = [], {}
    for name in names:
        data, about = template(name).sample()
        for language in languages:
            path = folder / f"{name}-{language}.xlsx"
            content = build(template(name), data, about, language).content
            path.write_bytes(content)
            sheets = cover(content).sheets
            only = sheets if language == "en" else sheets[:1]
            made[name, language] = path.with_suffix(".pdf")
            tasks.append({"book": str(path), "only": only, "pdf": str(made[name, language])})
    for answer in perform(tasks, seconds=1_000):
        assert "problem" not in answer, answer
    return made


def inked(pdf: Path) -> list[str]:
    """The part of a PDF's first page that has something on it, without its last line."""
    raw = subprocess.run(
        ["pdftoppm", "-r", str(SIZE), "-gray", "-f", "1", "-l", "1", pdf],
        check=True,
        capture_output=True,
    ).stdout
    _, size, _, pixels = raw.split(b"\n", 3)
    width, height = map(int, size.split())
    page = np.frombuffer(pixels, np.uint8, width * height).reshape(height, width)
    rows, columns = np.nonzero(page[: int(height * (1 - FOOTER))] < 250)
    left, top = (max(int(one.min()) - MARGIN, 0) for one in (columns, rows))
    right, bottom = (int(one.max()) + MARGIN for one in (columns, rows))
    return ["-x", str(left), "-y", str(top), "-W", str(right - left), "-H", str(bottom - top)]


def pictures(pdf: Path, to: Path, *options: str) -> None:
    """The pages of a PDF as pictures, whose names begin as told."""
    subprocess.run(["pdftoppm", "-r", str(SIZE), "-png", *options, pdf, to], check=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path, nargs="?", default=Path("pictures"))
    asked.add_argument("--gallery", action="store_true")
    asked.add_argument("--template", action="append", choices=list(TEMPLATES))
    asked.add_argument("--lang", action="append", choices=list(LANGUAGES))
    given = asked.parse_args()
    names = given.template or list(TEMPLATES)
    languages = ["en"] if given.gallery else given.lang or list(LANGUAGES)
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for (name, language), pdf in printed(Path(temporary), names, languages).items():
            if given.gallery:
                pictures(pdf, GALLERY / name, "-f", "1", "-l", "1", "-singlefile", *inked(pdf))
            else:
                pictures(pdf, given.folder / f"{name}-{language}")


if __name__ == "__main__":
    main()
