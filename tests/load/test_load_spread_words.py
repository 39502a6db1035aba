"""How a load is spread: each worker's part, and whether two checkouts are the same."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from ports import free_port
from seatrial.cli.load_spread import SpreadOptions, choose_profile_or_worker, require_free, run_worker, spread_of
from seatrial.errors import CannotRun, UsageError
from seatrial.reports.load.files import LoadFiles
from seatrial.sample import Phase
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.spread import Joining, Spread, decode, difference, digests, encode, part, require_places

PROFILE = Profile("p", Model.OPEN, {"shop": None}, (Stage(Phase.HOLD, 10.0, 5.0),), max_in_flight=5)
ORDER = LoadOrder("r", Path("w"), PROFILE, "test", {"api": "http://127.0.0.1:1"}, seed=7, max_requests_per_s=30.0)


def test_places_and_rates_are_shared_out_and_no_two_workers_have_the_same_seeds():
    parts = [part(ORDER, worker, 3) for worker in range(3)]
    assert [item.profile.max_in_flight for item in parts] == [2, 2, 1]
    assert [item.max_requests_per_s for item in parts] == [10.0, 10.0, 10.0]
    assert [(item.worker, item.workers) for item in parts] == [(0, 3), (1, 3), (2, 3)]
    assert len({item.seed for item in parts}) == 3
    assert part(ORDER, 0, 1) == ORDER


@pytest.mark.parametrize(
    "word", [Spread(2, own=2), Joining("h", 5557, Path("w"), ORDER, "pw"), Joining("h", 1, Path())]
)
def test_what_is_told_is_understood(word):
    assert decode(type(word), encode(word)) == word


def test_what_is_no_word_is_told_without_quoting_it():
    with pytest.raises(ValueError, match=r"^not a Spread: workers: .*integer") as told:
        decode(Spread, b'{"workers": "s3cr3t"}')
    assert "s3cr3t" not in str(told.value)


def test_checkouts_differ_where_a_played_file_does(tmp_path):
    folder = tmp_path / "scenarios"
    for name in ("shop.yaml", "data/rows.csv", "profiles/p.yaml", "README.md", "locustfile.py", ".x.swp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    before = digests(tmp_path)
    assert list(before) == ["data/rows.csv", "shop.yaml"]
    assert difference(before, digests(tmp_path)) == ""
    (folder / "data" / "rows.csv").write_text("other")
    assert difference(before, digests(tmp_path)).startswith("scenarios/data/rows.csv is not the same here")
    (folder / "new.yaml").write_text("x")
    assert "(and 1 more)" in difference(before, digests(tmp_path))


def test_a_load_is_spread_as_the_options_say():
    assert spread_of(SpreadOptions()) is None
    assert spread_of(SpreadOptions(processes=1)) is None
    assert spread_of(SpreadOptions(processes=3)) == Spread(3, own=3, port=0)
    assert spread_of(SpreadOptions(master=True)) == Spread(1, own=0, bind="127.0.0.1", port=5557, within_s=60.0)
    wide = SpreadOptions(master=True, expect_workers=4, bind="10.0.0.1", port=6000, workers_within="5m")
    assert spread_of(wide) == Spread(4, bind="10.0.0.1", port=6000, within_s=300.0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (SpreadOptions(processes=0), "--processes 0: a load needs at least one process"),
        (SpreadOptions(processes=100_000), "--processes 100000: at most .* here, 4 for each core"),
        (SpreadOptions(processes=2, master=True), "--processes starts the workers itself"),
        (SpreadOptions(expect_workers=2), "--expect-workers belongs to --master"),
        (SpreadOptions(bind="0.0.0.0"), "--bind belongs to --master"),
        (SpreadOptions(port=6000), "--port belongs to --master"),
        (SpreadOptions(workers_within="5s"), "--workers-within belongs to --master"),
        (SpreadOptions(master=True, expect_workers=0), "--expect-workers 0: a load needs at least one worker"),
        (SpreadOptions(master=True, port=70_000), "--port: 70000 is not a port"),
        (SpreadOptions(master=True, workers_within="60"), "--workers-within: '60' is not a duration"),
        (SpreadOptions(master=True, workers_within="0s"), "--workers-within 0s: no worker can come in no time"),
    ],
)
def test_options_that_do_not_fit_are_told(options, told):
    with pytest.raises(UsageError, match=f"^{told}"):
        spread_of(options)


def test_a_worker_stands_alone_and_a_load_needs_its_profile():
    assert choose_profile_or_worker("steady", None, SpreadOptions()) == "steady"
    assert choose_profile_or_worker(None, "host", SpreadOptions()) == ""
    with pytest.raises(UsageError, match="which profile"):
        choose_profile_or_worker(None, None, SpreadOptions())
    with pytest.raises(UsageError, match="--worker stands alone"):
        choose_profile_or_worker("steady", "host", SpreadOptions())
    with pytest.raises(UsageError, match="--worker stands alone"):
        choose_profile_or_worker(None, "host", SpreadOptions(processes=2))
    with pytest.raises(UsageError, match="--worker stands alone"):
        choose_profile_or_worker(None, "host", SpreadOptions(), files=LoadFiles(csv="x.csv"))


@pytest.mark.parametrize("address", ["", ":5557", "host:x", "host:0", "host:70000"])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(UsageError, match="--worker"):
        run_worker(address)


@pytest.mark.parametrize("address", ["[::1]:5557", "::1", "fe80::1:5557"])
def test_workers_speak_ipv4(address):
    with pytest.raises(UsageError, match=rf"^--worker {re.escape(address)}: workers speak IPv4; write a name, or"):
        run_worker(address)


def test_a_taken_port_and_an_address_of_nobody_are_told_before_there_is_a_run():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for spread, web_port, word in ((Spread(1, port=port), None, "--port"), (None, port, "--web-port")):
            with pytest.raises(CannotRun, match=rf"127\.0\.0\.1:{port}: .*in use; choose another with {word}$"):
                require_free(spread, web_port)
    port = free_port()
    require_free(Spread(1, port=port), port)
    for bind in ("256.1.1.1", "192.0.2.1"):
        with pytest.raises(UsageError, match=f"--bind {bind}: no address of this machine"):
            require_free(Spread(1, bind=bind, port=port), None)


def test_a_load_has_a_place_for_each_worker():
    profile = Profile("p", Model.OPEN, {"a": None}, (Stage(Phase.HOLD, 1.0, 1.0),), max_in_flight=2)
    require_places(profile, Spread(2))
    require_places(profile, None)
    with pytest.raises(UsageError, match="`max_in_flight: 2`, too few for 3 workers"):
        require_places(profile, Spread(3))
