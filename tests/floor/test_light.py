"""What is light behaves as the frozen dataclass that mypy takes it for."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.light import light


@light(frozen=True, slots=True)
class Light:
    """One of each."""

    name: str
    count: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    """The same, frozen."""

    name: str
    count: int = 1


def test_it_is_equal_hashed_and_replaced_by_its_fields():
    assert Light("a") == Light("a", 1) != Light("b")
    assert hash(Light("a")) == hash(Frozen("a"))
    assert dataclasses.replace(Light("a"), count=2) == Light("a", 2)
    assert repr(Light("a")) == repr(Frozen("a")).replace("Frozen", "Light")
    assert not hasattr(Light("a"), "__dict__")


def test_what_may_be_written_to_is_no_light_one():
    with pytest.raises(AssertionError, match="plain dataclass"):
        light(frozen=False, slots=True)


def test_mypy_holds_off_who_writes(tmp_path, root):
    api = pytest.importorskip("mypy.api")
    (tmp_path / "writes.py").write_text(
        "from seatrial.exchange import Broken\nfrom seatrial.sample import Cause\n"
        "Broken(Cause.DNS, '', 0.0).detail = 'b'\n"
    )
    told, _, status = api.run([str(tmp_path / "writes.py"), "--config-file", str(root / "pyproject.toml")])
    assert status == 1
    assert "read-only" in told
