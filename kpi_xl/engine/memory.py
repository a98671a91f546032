"""Python's search for objects that hold each other, while a workbook is worked on."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for circles of objects: over millions of cells it takes most of the time.

    What is no longer used goes all the same, but for circles, and these are few.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
