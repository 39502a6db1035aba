"""Reads `synthetic/`: `monitor:` and `channel:` documents into the words of `model.py`.

Takes a folder and the names of the scenarios there are; gives monitors and channels that fit together:
every scenario, channel and severity a monitor names exists. What later versions will read is refused by its
name. Must never look up a secret's value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from seatrial import documents
from seatrial.documents import Document, DurationS, Shape
from seatrial.errors import DocumentError, did_you_mean
from seatrial.quantity import show_duration
from seatrial.synthetic.model import Channel, ChannelKind, Confirm, DownRule, Monitor, Severity

FOLDER = "synthetic"
DEFAULT_DEADLINE_S = 20.0
SHORTEST_EVERY_S = 1.0
_KINDS = ("monitor", "channel")
_LATER: Mapping[tuple[str, ...], str] = {
    ("cron",): "write `every: 5m`",
    ("locations",): "one `seatrial watch` is one location",
    ("maintenance",): "stop `seatrial watch` while you work",
    ("heartbeat",): "watch the process with what starts it",
    ("alerts", "budget"): "`alerts: {down: {after: 3}}` is there",
    ("alerts", "cert_days_left"): "`alerts: {down: {after: 3}}` is there",
}

Name = Annotated[str, Field(min_length=1)]


class _Confirm(Shape):
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    after: DurationS = 2.0


class _Down(Shape):
    after: Annotated[int, Field(ge=1)] = 3
    severity: Severity = Severity.PAGE


class _Alerts(Shape):
    down: _Down = _Down()
    routes: dict[Severity, list[Name]] = {}


class _Monitor(Shape):
    monitor: Name
    version: Literal[1] = 1
    scenarios: Annotated[list[Name], Field(min_length=1)]
    every: DurationS
    realm: Name | None = None
    confirm: _Confirm = _Confirm()
    deadline: DurationS | None = None
    alerts: _Alerts = _Alerts()


class _Env(Shape):
    env: Name


class _Channel(Shape):
    channel: Name
    version: Literal[1] = 1
    kind: ChannelKind
    url: Annotated[str, Field(pattern="^https?://[^/]")] | _Env
    secret: _Env | None = None


SHAPES: Mapping[str, type[Shape]] = {"monitor": _Monitor, "channel": _Channel}


def read_synthetic(folder: Path, *, scenarios: Collection[str]) -> tuple[tuple[Monitor, ...], Mapping[str, Channel]]:
    """Every monitor and, by name, every channel below the folder; DocumentError at the first mistake."""
    found = tuple(map(documents.load, documents.files_in(folder)))
    for document in found:
        _require_kind(document)
    channels: dict[str, Channel] = {}
    for document in _of_kind("channel", found):
        documents.keep(_read_channel(document), channels, document)
    monitors: dict[str, Monitor] = {}
    for document in _of_kind("monitor", found):
        documents.keep(_read_monitor(document, scenarios=scenarios, channels=channels), monitors, document)
    return tuple(monitors.values()), channels


def _of_kind(kind: str, found: Iterable[Document]) -> Iterator[Document]:
    return (document for document in found if document.kind == kind)


def _require_kind(document: Document) -> None:
    if document.kind not in _KINDS:
        hint = did_you_mean(document.kind, _KINDS)
        raise DocumentError(document.where_key(document.kind), f"unknown kind of document '{document.kind}'", hint)


def _read_channel(document: Document) -> Channel:
    raw = documents.parse(document, _Channel)
    return Channel(
        name=raw.channel,
        kind=raw.kind,
        url=raw.url if isinstance(raw.url, str) else None,
        url_env=raw.url.env if isinstance(raw.url, _Env) else None,
        secret_env=raw.secret.env if raw.secret else None,
        where=document.where("channel"),
    )


def _read_monitor(document: Document, *, scenarios: Collection[str], channels: Collection[str]) -> Monitor:
    _refuse_later(document)
    raw = documents.parse(document, _Monitor)
    deadline_s = _deadline_s(raw, document)
    _require_scenarios(raw, document, scenarios)
    _require_routes(raw, document, channels)
    return Monitor(
        name=raw.monitor,
        scenarios=tuple(raw.scenarios),
        every_s=raw.every,
        deadline_s=deadline_s,
        realm=raw.realm,
        confirm=Confirm(raw.confirm.retries, raw.confirm.after),
        down=DownRule(raw.alerts.down.after, raw.alerts.down.severity),
        routes={severity: tuple(names) for severity, names in raw.alerts.routes.items()},
        where=document.where("monitor"),
    )


def _refuse_later(document: Document) -> None:
    for path, instead in _LATER.items():
        where = document.where_key(*path)
        if document.has(*path):
            raise DocumentError(where, f"'{'.'.join(path)}' is not there yet", instead)


def _deadline_s(raw: _Monitor, document: Document) -> float:
    """The deadline of one run: it must end before the next begins, or every second one would be skipped."""
    if raw.every < SHORTEST_EVERY_S:
        raise DocumentError(document.where("every"), "more often than once a second", "write `every: 1s` or longer")
    deadline_s = min(DEFAULT_DEADLINE_S, raw.every) if raw.deadline is None else raw.deadline
    if not 0.0 < deadline_s <= raw.every:
        shown = show_duration(raw.every)
        raise DocumentError(
            document.where("deadline"), f"a deadline of {show_duration(deadline_s)} does not fit into every {shown}",
            f"write more than 0 and at most {shown}",
        )  # fmt: skip
    return deadline_s


def _require_scenarios(raw: _Monitor, document: Document, known: Collection[str]) -> None:
    for index, name in enumerate(raw.scenarios):
        where = document.where("scenarios", index)
        if name not in known:
            raise DocumentError(where, f"no scenario '{name}'", did_you_mean(name, known))
        if name in raw.scenarios[:index]:
            raise DocumentError(where, f"'{name}' stands here twice", "remove one")


def _require_routes(raw: _Monitor, document: Document, known: Collection[str]) -> None:
    """Every channel exists, and an alert with routes has one for its own severity: else nobody would be told."""
    for severity, names in raw.alerts.routes.items():
        for index, name in enumerate(names):
            if name not in known:
                where = document.where("alerts", "routes", severity.value, index)
                raise DocumentError(where, f"no channel '{name}'", did_you_mean(name, known) or "add `channel: ...`")
    severity = raw.alerts.down.severity
    if raw.alerts.routes and not raw.alerts.routes.get(severity):
        where = document.where("alerts", "routes")
        raise DocumentError(where, f"no route for '{severity}', the severity of `down`", f"add `{severity}: [...]`")
