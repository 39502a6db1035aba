"""Memory that cannot grow without end."""

from seatrial.demo.store import Bounded


def test_the_oldest_is_forgotten_when_there_is_one_too_many():
    store = Bounded(2)
    for key in ("a", "b", "c"):
        store.put(key, key.upper())
    assert [store.get(key) for key in ("a", "b", "c")] == [None, "B", "C"]
    assert len(store) == 2


def test_replacing_forgets_nothing():
    store = Bounded(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        store.put(key, value)
    assert (store.get("a"), store.get("b")) == (3, 2)
