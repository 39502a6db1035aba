"""What three plays of a journey answered, made ready to be compared: bodies read, each realm's addresses replaced.

Room assess. Takes plays, gives the words of `slo.diff`. Pure. What is shown of an answer is masked here: secrets by
their values, and what sounds like one by its name or looks like one.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from seatrial import json_text
from seatrial.exchange import Headers, Response
from seatrial.match import plain
from seatrial.redact import Secrets
from seatrial.sample import Outcome
from seatrial.scenarios.answers.reading import Reading
from seatrial.scenarios.importers.masking import MASK, masked_text, masked_value
from seatrial.scenarios.importers.naming import sounds_like_credential
from seatrial.scenarios.line import AFTER_FAILURE
from seatrial.scenarios.moves import StepResult
from seatrial.scenarios.played import Played
from seatrial.slo.diff.answer import Bytes, Content, Json, Seen, Text
from seatrial.slo.diff.compare import ABSENT, BODY, BYTES, LINES, OUTCOME, STATUS
from seatrial.slo.diff.tally import PASSED, Show, Spot, Three

MAX_SHOWN = 200
"""Characters of a value in an example."""

THE_PLAY = "(the play)"
"""Stands for a step where a play failed outside any."""

_OWN_WORDS = (OUTCOME, STATUS, BYTES, BODY)
_MEMBER = re.compile(r"""\["((?:[^"\\]|\\.)*)"\]|([\w-]+)""")

Local = Callable[[str], str]
"""A text without the addresses of one realm: two realms that answer alike link to themselves."""


def localised(addresses: Iterable[tuple[str, str]]) -> Local:
    """Replaces the base URL of each service by `service://NAME`, as JSON that escapes `/` writes it too."""
    bases = {base.rstrip("/"): name for name, base in addresses}
    if not bases:
        return lambda text: text
    written = {form: name for base, name in bases.items() for form in (base, base.replace("/", "\\/"))}
    longest_first = sorted(written, key=len, reverse=True)
    pattern = re.compile(rf"(?:{'|'.join(map(re.escape, longest_first))})(?![\w.-]|:\d)")
    return lambda text: pattern.sub(lambda found: f"service://{written[found[0]]}", text)


def threes(
    primary: Played, candidate: Played, again: Played, *, locals_: Sequence[Local]
) -> Mapping[Spot, list[Three]]:
    """Every step that at least one side ran and none lost to an earlier failure, in a loop once a round; the sides
    as `locals_` has them."""
    sides = [_by_spot(play, local) for play, local in zip((primary, candidate, again), locals_, strict=True)]
    whole = any(play.result.failures for play in (primary, candidate, again))
    found = {
        spot: [Three(*seen) for seen in zip(*(side[spot] for side in sides), strict=False)]
        for spot in sides[0]
        if all(spot in side for side in sides) and any(seen.status is not None for s in sides for seen in s[spot])
    }
    if whole:
        found[Spot(primary.journey.name, THE_PLAY)] = [Three(*(_play(p) for p in (primary, candidate, again)))]
    return found


def _play(played: Played) -> Seen:
    failures = played.result.failures
    return Seen(f"failed: {failures[0].cause}" if failures else PASSED, None)


def _by_spot(played: Played, local: Local) -> dict[Spot, list[Seen]]:
    found: dict[Spot, list[Seen]] = {}
    for result in played.result.steps:
        if result.skipped != AFTER_FAILURE:
            found.setdefault(Spot(played.journey.name, result.step.name), []).append(_seen(result, local))
    return found


def _seen(result: StepResult, local: Local) -> Seen:
    told = result.last
    if result.skipped or told is None:
        return Seen("skipped", None)
    outcome = PASSED if result.outcome is Outcome.OK else f"failed: {told.cause or result.outcome}"
    if not isinstance(told.answer, Response):
        return Seen(outcome, None)
    return Seen(outcome, told.answer.status, _headers(told.answer.headers, local), _content(told.answer, local))


def _headers(headers: Headers, local: Local) -> Headers:
    return tuple((name, local(value)) for name, value in headers)


def _content(response: Response, local: Local) -> Content:
    """JSON where it says so or begins like it, else text where the bytes are some."""
    if not response.body:
        return None
    kind = (response.header("content-type") or "").lower()
    if not ("json" in kind or kind.startswith("text/") or _is_utf8(response.body)):
        return Bytes(len(response.body), hashlib.sha256(response.body).hexdigest())
    text = local(Reading(response).text)
    if "json" in kind or text.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            return Json(json_text.parse(text))
    return Text(text)


def _is_utf8(body: bytes) -> bool:
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False


def show_with(secrets: Secrets) -> Show:
    """What stands in a field, as it may be shown: masked, on one line, cut."""

    def show(path: str, value: Any) -> str:
        if value is ABSENT:
            return str(ABSENT.value)
        if path in _OWN_WORDS or (path == LINES and isinstance(value, int)):
            return str(value)
        if any(map(sounds_like_credential, _members(path))):
            return MASK
        known = _redacted(value, secrets)
        text = _header(path, known, secrets) if path.startswith("header.") else plain(masked_value("", known))
        shown = " ".join(secrets.redact(text).split())
        return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}... ({len(shown)} characters)"

    return show


def _members(path: str) -> Iterator[str]:
    """The names a path leads over: `$.tokens[*].v` is about tokens."""
    return (found[1] or found[2] for found in _MEMBER.finditer(path.removeprefix("header.")))


def _header(path: str, value: Any, secrets: Secrets) -> str:
    return masked_text(secrets.redact_header(path.removeprefix("header."), str(value)))


def _redacted(value: Any, secrets: Secrets) -> Any:
    """The value with every text redacted, before a part of one is masked and the rest not known any more."""
    if isinstance(value, Mapping):
        return {secrets.redact(key): _redacted(part, secrets) for key, part in value.items()}
    if isinstance(value, list):
        return [_redacted(part, secrets) for part in value]
    return secrets.redact(value) if isinstance(value, str) else value
