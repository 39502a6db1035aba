"""Locust's own page beside a load, on this machine only: it shows our counts, and starts and stops nothing.

Takes the records of each second, adds them to Locust's statistics in one piece. May import locust and Flask, which is
Locust's (the room's fence). Must never be what anything is judged by: Locust keeps two digits of a latency.
"""

from __future__ import annotations

import locust.stats  # isort: skip - as in child.py

import errno
import logging
import os
from collections.abc import Iterable
from typing import Any

import flask
import gevent
from gevent import pywsgi
from hdrh.histogram import HdrHistogram
from locust.stats import StatsEntry, StatsError, bucket_response_time

from seatrial.errors import CannotRun
from seatrial.redact import Secrets
from seatrial.sample import Interval, Record

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_CHANGES = ("/swarm", "/stop", "/stats/reset", "/user")
_LESS = """<script>
  const dead = ["New", "Edit", "Stop", "Reset"];  // what is refused shall not look alive
  const hide = () => document.querySelectorAll("button").forEach(
    (button) => { if (dead.includes(button.textContent.trim())) button.style.display = "none"; });
  new MutationObserver(hide).observe(document.body, {childList: true, subtree: true});
</script>
</body>"""
_ONLY_SHOWS = "this page only shows: its load is started and stopped by seatrial (Ctrl-C there)\n"
log = logging.getLogger("seatrial.load")


class Page:
    """The page of one load, there until the process ends. CannotRun when its port is taken: to take it is to see."""

    def __init__(self, environment: Any, port: int, *, hosts: Iterable[str]) -> None:
        self._stats = environment.stats
        environment.host = Secrets().redact(", ".join(hosts))  # an address may hold a password
        page = environment.create_web_ui(host=HOST, port=port, delayed_start=True)
        page.app.after_request_funcs.clear()  # Locust lets the pages of any site read along
        page.app.before_request(_only_look)
        page.app.after_request(_without_buttons)
        _serve(page, port)
        gevent.spawn(locust.stats.stats_history, environment.runner)
        self.address = f"http://{HOST}:{port}"

    def show(self, records: Iterable[Record]) -> None:
        """Add what a second held."""
        for record in records:
            if isinstance(record, Interval):
                self._add(record)

    def _add(self, interval: Interval) -> None:
        name = f"{interval.step} {interval.route}"
        entry = _entry(self._stats, name, interval)
        self._stats.entries[name, interval.method].extend(entry)
        self._stats.total.extend(entry)
        for cause, count in interval.causes.items():
            key = StatsError.create_key(interval.method, name, cause)
            error = self._stats.errors.setdefault(key, StatsError(interval.method, name, cause))
            error.occurrences += count


def _entry(stats: Any, name: str, interval: Interval) -> Any:
    """An interval in Locust's words: failures and polls are requests without a response time."""
    entry = StatsEntry(stats, name, interval.method)
    untimed = interval.failed + interval.polls
    entry.start_time = entry.last_request_timestamp = float(interval.second)
    entry.num_requests, entry.num_none_requests = interval.ok + untimed, untimed
    entry.num_failures = interval.failed
    entry.total_content_length = interval.bytes_in
    entry.num_reqs_per_sec = {interval.second: interval.ok + untimed}
    entry.num_fail_per_sec = {interval.second: interval.failed}
    if interval.histogram:
        _add_times(entry, HdrHistogram.decode(interval.histogram))
    return entry


def _add_times(entry: Any, histogram: HdrHistogram) -> None:
    for item in histogram.get_recorded_iterator():
        count, time_ms = item.count_at_value_iterated_to, item.value_iterated_to / 1000
        bucket = bucket_response_time(time_ms)
        entry.response_times[bucket] = entry.response_times.get(bucket, 0) + count
        entry.total_response_time += count * time_ms
    entry.min_response_time = histogram.get_min_value() / 1000
    entry.max_response_time = histogram.get_max_value() / 1000


def _only_look() -> flask.Response | None:
    """Refuse whatever would change something, and whoever comes under another name than this machine's."""
    request = flask.request
    looks = request.method in ("GET", "HEAD") and request.path not in _CHANGES
    if looks and request.host.partition(":")[0] in _NAMES:
        return None
    return flask.Response(_ONLY_SHOWS, status=403, mimetype="text/plain")


def _without_buttons(answer: flask.Response) -> flask.Response:
    """The page itself without the buttons whose requests are refused."""
    if flask.request.path == "/":
        answer.set_data(answer.get_data(as_text=True).replace("</body>", _LESS))
    return answer


def _serve(page: Any, port: int) -> None:
    """In place of the page's own `start`, which takes the port in a greenlet: a refusal would be a traceback in the
    log, and a load without its page."""
    page.server = pywsgi.WSGIServer((HOST, port), page.app, log=None, error_log=log)
    try:
        page.server.start()
    except OSError as error:  # its `strerror` has the address too
        problem = os.strerror(error.errno or errno.EADDRINUSE)
        raise CannotRun(f"--web: {HOST}:{port}: {problem}; choose another with --web-port") from None
