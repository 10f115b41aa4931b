"""What lives long is out of the collector's sight, and freed all the same once it is garbage."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from searchd.garbage import settle


class Snapshot:
    """Refers to itself, as a page store does: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _seen_again() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_collection_does_not_look_at_what_lived_when_things_were_settled() -> None:
    settle()
    assert gc.get_freeze_count() > 10 * len(gc.get_objects())


def test_a_replaced_snapshot_is_freed_although_it_was_out_of_sight() -> None:
    old = Snapshot()
    seen = weakref.ref(old)
    settle()
    del old
    gc.collect()
    assert seen() is not None
    settle()
    assert seen() is None
