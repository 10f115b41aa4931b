"""The line lends to whoever asked first."""

from __future__ import annotations

import threading
import time

from searchd.line import Line


def wait_until_waiting(line: Line[int], count: int) -> None:
    while len(line._turns) < count:
        time.sleep(0.001)


def test_nobody_overtakes() -> None:
    line = Line([7])
    thing = line.take()
    order: list[int] = []

    def ask(number: int) -> None:
        got = line.take()
        order.append(number)
        assert got is not None
        line.give(got)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for count, thread in enumerate(threads, 1):
        thread.start()
        wait_until_waiting(line, count)
    assert thing == 7
    assert line.take(0) is None
    line.give(thing)
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert line.take(0) == 7


def test_who_waited_too_long_leaves_the_line() -> None:
    line: Line[int] = Line()
    assert line.take(0.01) is None
    line.give(3)
    assert line.take(0) == 3


def test_a_thing_goes_to_the_first_who_accepts_it() -> None:
    line = Line([1, 2, 3])
    assert line.take(0, lambda thing: thing % 2 == 0) == 2
    found: list[int | None] = []
    picky = threading.Thread(target=lambda: found.append(line.take(10, lambda thing: thing == 9)))
    picky.start()
    wait_until_waiting(line, 1)
    line.give(2)
    assert not found
    line.give(9)
    picky.join()
    assert found == [9]
    assert [line.take(0), line.take(0), line.take(0), line.take(0)] == [2, 3, 1, None]


def test_who_brings_a_thing_back_begins_with_it_for_who_waits() -> None:
    line = Line([7])
    begun: list[tuple[int, str]] = []

    def begin(thing: int) -> None:
        begun.append((thing, threading.current_thread().name))

    assert line.take(0, begin=begin) == 7
    assert line.take(0, begin=begin) is None
    waiting = threading.Thread(target=lambda: line.take(10, begin=begin), name="waiting")
    waiting.start()
    wait_until_waiting(line, 1)
    line.give(8)
    here = threading.current_thread().name
    assert begun == [(7, here), (8, here)]
    waiting.join()


def test_what_is_spare_is_lent_last() -> None:
    line = Line([1, 2, 3, 4], spare=lambda thing: thing % 2 == 0)
    assert [line.take(0) for _ in range(4)] == [3, 1, 4, 2]
    for thing in (3, 4, 1):
        line.give(thing)
    assert [line.take(0) for _ in range(4)] == [1, 3, 4, None]
