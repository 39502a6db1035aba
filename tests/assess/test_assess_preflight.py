"""Before anything is sent: is everybody ready, and is there room for a punctual generator?"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from misbehaving import Server, says
from seatrial.assess import preflight as stage
from seatrial.assess.headroom import Headroom, Idling, calmest, free_cores, lacking, measure_headroom, outgrown
from seatrial.assess.preflight import preflight, room_lines
from seatrial.errors import ExitCode, Unreachable
from seatrial.realm import Place
from seatrial.scenarios.load.profile import Model

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ROOM = Headroom(1.5, 2, 0.0004)


def standing(plan, **urls):
    places = {name: Place(name, url.rstrip("/")) for name, url in urls.items()}
    return dataclasses.replace(plan, realm=dataclasses.replace(plan.realm, places=places))


@pytest.fixture
def told(monkeypatch, clock):
    """Runs the preflight of a plan on a machine with that much room; what it said."""

    def run(plan, room=ROOM):
        lines = []
        monkeypatch.setattr(stage, "measure_headroom", lambda: room)
        preflight(plan, None, clock=clock, say=lines.append, show=lambda moment: None)
        return lines

    return run


def test_a_realm_that_is_ready_and_a_machine_with_room_are_a_line_each(told, plan):
    with Server(says(OK)) as shop:
        lines = told(standing(plan, shop=shop.url))
    assert lines == [
        "preflight: 1 of 1 service of realm 'here' ready",
        "preflight: 1.5 of 2 cores free, timers late by 0.4 ms (p99), for a peak of 20 plays/s",
    ]


def test_one_service_that_is_not_ready_is_warned_of_and_the_others_are_judged(told, plan, clock):
    with Server(says(OK)) as shop, Server(says(OK)) as gone:
        gone.close()
        lines = told(standing(plan, shop=shop.url, stock=gone.url))
    assert lines[0] == "preflight: 1 of 2 services of realm 'here' ready"
    assert lines[1].startswith(
        f"preflight: warning: stock is not ready after 10 s: {gone.url}healthz gave no answer (ref"
    )
    assert clock.elapsed == 10.0


def test_a_realm_where_nobody_accepts_a_connection_stops_it_as_what_could_not_be_run(told, plan):
    with Server(says(OK)) as gone:
        gone.close()
        with pytest.raises(Unreachable, match="no service of realm 'here' accepts a connection") as caught:
            told(standing(plan, shop=gone.url))
    assert caught.value.exit_code is ExitCode.COULD_NOT_RUN


def test_without_a_load_the_machine_is_not_measured(told, plan):
    with Server(says(OK)) as shop:
        lines = told(dataclasses.replace(standing(plan, shop=shop.url), profile=None))
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("room", "short"),
    [
        (ROOM, ""),
        (Headroom(0.5, 2, 0.010), ""),
        (Headroom(0.4, 2, 0.001), "only 0.4 of 2 cores are free"),
        (Headroom(1.5, 2, 0.011), "timers are late by 11 ms (p99), and starts may be by 10 ms"),
    ],
)
def test_a_machine_is_short_of_room_below_half_a_core_or_where_it_wakes_late(room, short):
    assert lacking(room, late_bound_s=0.010) == short


def test_a_busy_machine_is_warned_of_with_what_that_leads_to(plan):
    found, warning = room_lines(Headroom(0.1, 2, 0.02), plan, plan.profile)
    assert found.endswith("for a peak of 20 plays/s")
    assert warning.startswith("warning: only 0.1 of 2 cores are free and timers are late by 20 ms")
    assert warning.endswith("UNDECIDED (generator): stop what else runs here, or load from another machine")


def test_the_peak_of_a_closed_model_is_its_users(plan):
    closed = dataclasses.replace(plan.profile, model=Model.CLOSED)
    assert room_lines(ROOM, plan, closed)[0].endswith("for a peak of 20 users")


@pytest.fixture(scope="session")
def ramp(records):
    """The generator's seconds on a ramp of 10 plays/s a second, which take that much of a core a play, and 5 %."""

    def seconds(number, per_play):
        started = [10 * (second + 1) for second in range(number)]
        return [records.pacing(at, started=at, cpu_ratio=0.05 + per_play * at) for at in started]

    return seconds


def test_a_ramp_tells_that_the_peak_is_beyond_one_core(ramp):
    assert outgrown(ramp(6, 0.005), peak_per_s=400) == (
        "generator: at 60 plays/s it uses 35 % of a core, so the peak of 400 plays/s would take 2.0 cores"
    )
    assert outgrown(ramp(6, 0.002), peak_per_s=400) == ""


def test_a_ramp_too_short_too_flat_or_already_at_its_peak_tells_nothing(ramp, records):
    assert outgrown(ramp(4, 0.005), peak_per_s=400) == ""
    assert outgrown(ramp(6, 0.005), peak_per_s=60) == ""
    flat = [records.pacing(second, started=100, cpu_ratio=0.5 + second / 100) for second in range(10)]
    assert outgrown(flat, peak_per_s=1000) == ""
    assert outgrown([], peak_per_s=1000) == ""


def test_what_is_measured_lies_within_what_there_is():
    room = measure_headroom()
    assert 0.0 <= room.free_cores <= room.cores
    assert 0.0 <= room.late_p99_s < 5.0
    under_load = Idling().room()
    assert 0.0 <= under_load.free_cores <= under_load.cores == room.cores


@pytest.mark.parametrize(
    ("idle_s", "took_s", "cores", "free"),
    [(0.6, 0.3, 2, 2.0), (0.15, 0.3, 2, 0.5), (0.0, 0.3, 2, 0.0), (0.61, 0.3, 2, 2.0), (-0.01, 0.3, 2, 0.0)],
)
def test_free_processors_are_the_time_they_idled_together(idle_s, took_s, cores, free):
    assert free_cores(idle_s, took_s, cores) == pytest.approx(free)


def test_what_a_start_took_is_waited_out_and_the_calmest_look_counts():
    looks = iter([Headroom(0.0, 2, 0.03), Headroom(1.5, 2, 0.001), Headroom(2.0, 2, 0.001)])
    assert calmest(looks).free_cores == 1.5
    assert next(looks).free_cores == 2.0, "it looks no longer than it must"
    assert calmest([Headroom(0.1, 2, 0.03), Headroom(0.2, 2, 0.02)]).free_cores == 0.2


def test_a_machine_without_room_is_measured_again(monkeypatch):
    idle_s = iter([0.0, 0.0, 0.0, 1e6])
    monkeypatch.setattr("psutil.cpu_times", lambda: SimpleNamespace(idle=next(idle_s)))
    room = measure_headroom()
    assert room.free_cores == room.cores
