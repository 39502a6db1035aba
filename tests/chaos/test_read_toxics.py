"""Faults that a proxy would refuse, or take for another: their documents are refused, in its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.chaos.faults.attributes import toxic_of
from seatrial.chaos.model import Bandwidth, HttpDelay, HttpError, Latency, Stream
from seatrial.chaos.read import read_experiments
from seatrial.errors import DocumentError

DOCUMENT = "experiment: x\n\nmethod: [{at: 0s, inject: {edge: a->b, %s, for: 5s}}]\n"


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reads the document of an experiment with one fault."""
    monkeypatch.chdir(tmp_path)

    def run(fault: str):
        (tmp_path / "one.yaml").write_text(DOCUMENT % fault, encoding="utf-8")
        (experiment,) = read_experiments(tmp_path).values()
        return experiment.method[0].fault

    return run


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("bandwidth: {rate: 400B/s}", "0.4 kB/s is less than the least a proxy knows, 1 kB/s"),
        ("timeout: {timeout: 0.4ms}", "0.4 ms is less than the least a proxy knows, 1 ms"),
        ("slicer: {average_size: 9, delay: 0.3}", "0.3 µs is less than the least a proxy knows, 1 µs"),
        ("http_delay: {delay: 48h}", "http_delay has delay 172800000; 0 to 86400000 is needed"),
        ("limit_data: {bytes: 9007199254740993}", "limit_data has bytes 9007199254740993; at most"),
        ("http_error: {body: %s}" % ("x" * 262_145), "; at most 262144 bytes is needed"),
    ],
)
def test_fault_that_a_proxy_would_refuse_is_refused_where_it_is_written(read, fault, said):
    with pytest.raises(DocumentError) as refused:
        read(fault)
    assert str(refused.value).startswith("one.yaml:3:")
    assert said in str(refused.value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("fault", "attributes"),
    [
        ("bandwidth: {rate: 600B/s}", {"rate": 1}),
        ("bandwidth: {rate: 0}", {"rate": 0}),
        ("timeout: {timeout: 0}", {"timeout": 0}),
        ("latency: {latency: 1.6ms}", {"latency": 2, "jitter": 0}),
    ],
)
def test_fault_is_rounded_to_the_units_of_a_proxy(read, fault, attributes):
    assert toxic_of(read(fault).settings)[1] == attributes


@pytest.mark.parametrize("settings", [Bandwidth(1), Latency(0.0001)])
def test_nothing_is_rounded_to_what_means_another_thing(settings):
    with pytest.raises(ValueError, match="is less than the least a proxy knows"):
        toxic_of(settings)


def test_requests_are_delayed_upstream_and_answers_are_broken_downstream():
    settings = [HttpDelay(0.1, stream=Stream.UPSTREAM), HttpDelay(0.1), HttpError()]
    assert [toxic_of(each)[0] for each in settings] == [Stream.UPSTREAM, Stream.DOWNSTREAM, Stream.DOWNSTREAM]
