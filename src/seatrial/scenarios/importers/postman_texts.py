"""Postman's `{{variables}}`: what each becomes in a template of ours, and where its value comes from.

Room scenarios, importers. A variable whose name or type says that it is a secret is `secrets.NAME`, and its value
goes nowhere. A name that a script sets is a variable of the play, whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from seatrial.scenarios.importers.foreign import Part
from seatrial.scenarios.importers.imported import Tally, quoted
from seatrial.scenarios.importers.marks import MARK, Marks
from seatrial.scenarios.importers.naming import looks_secret, sounds_secret

_USE = re.compile(r"\{\{([^{}]{1,200})\}\}")
_MAX_EXPANSIONS = 5
_SETS = re.compile(r"\b(?:set|setEnvironmentVariable|setGlobalVariable)\s*\(\s*(['\"`])([^'\"`]{1,200})\1")
_PEOPLE = "['Ada', 'Alan', 'Edsger', 'Grace', 'Katherine']"
_FAMILIES = "['Dijkstra', 'Hopper', 'Johnson', 'Lovelace', 'Turing']"
_PLACES = "['Bergen', 'Genoa', 'Lisbon', 'Porto', 'Rotterdam']"
DYNAMIC = {
    "guid": "uuid()",
    "randomUUID": "uuid()",
    "timestamp": "timestamp()",
    "isoTimestamp": "now()",
    "randomInt": "random_int(0, 1000)",
    "randomAlphaNumeric": "random_string(1)",
    "randomBoolean": "random_choice([true, false])",
    "randomPassword": "random_string(15)",
    "randomFirstName": f"random_choice({_PEOPLE})",
    "randomLastName": f"random_choice({_FAMILIES})",
    "randomFullName": f"random_choice({_PEOPLE}) ~ ' ' ~ random_choice({_FAMILIES})",
    "randomUserName": "'user_' ~ random_string(8)",
    "randomEmail": "random_string(10) ~ '@example.com'",
    "randomExampleEmail": "random_string(10) ~ '@example.com'",
    "randomCity": f"random_choice({_PLACES})",
    "randomWord": "random_string(6)",
    "randomLoremWord": "random_string(6)",
    "randomPrice": "random_int(0, 100000) / 100",
    "randomPhoneNumber": "'555-' ~ random_int(100, 999) ~ '-' ~ random_int(1000, 9999)",
    "randomCurrencyCode": "random_choice(['CHF', 'EUR', 'GBP', 'JPY', 'USD'])",
    "randomCountryCode": "random_choice(['DE', 'IT', 'NL', 'NO', 'PT'])",
    "randomDatePast": "today(-30)",
    "randomDateRecent": "today(-1)",
    "randomDateFuture": "today(30)",
    "randomIP": "'192.0.2.' ~ random_int(1, 254)",
}
"""Postman's dynamic variables, without their `$`."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the collection or an environment gives."""

    value: str
    secret: bool


@dataclass
class Texts:
    """The variables of one import, and the texts they stand in. `used` and `set_by_scripts` are those of the scenario
    that is being made, `known` is whatever any of them used."""

    tally: Tally
    marks: Marks
    given: dict[str, Given]
    set_by_scripts: frozenset[str] = frozenset()
    used: dict[str, None] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def begin(self, set_by_scripts: frozenset[str]) -> None:
        """A new scenario, whose scripts set these variables."""
        self.used.clear()
        self.set_by_scripts = set_by_scripts

    def marked(self, text: str) -> str:
        """The text with a mark for each variable."""
        return _USE.sub(lambda found: self.marks.mark(self.expression(found[1].strip())), text)

    def expression(self, name: str) -> str:
        """What stands for a variable in a template."""
        if name.startswith("$"):
            return self._dynamic(name.removeprefix("$"))
        self.known.add(name)
        given = self.given.get(name)
        if given and self._is_secret(given) and name not in self.set_by_scripts:
            return self.tally.secret(name, given.value)
        self.used[name] = None
        return self.tally.names.of(name)

    def expanded(self, text: str) -> str:
        """The text with the variables put in whose values are known and no secrets."""
        for _ in range(_MAX_EXPANSIONS):
            text = _USE.sub(lambda found: self._plain(found[1].strip()) or found[0], text)[:4096]
        return text

    def variables(self) -> dict[str, str]:
        """The `vars` of what was used, each after those it needs itself. What nothing sets is told."""
        made: dict[str, str] = {}
        done: set[str] = set()
        while left := [name for name in self.used if name not in done]:
            for name in left:
                self._define(name, made, done)
        return made

    def _define(self, name: str, made: dict[str, str], done: set[str]) -> None:
        done.add(name)
        given, ours = self.given.get(name), self.tally.names.of(name)
        if given is None:
            if name not in self.set_by_scripts:
                self.tally.unset(ours)
            return
        if self._is_secret(given):
            made[ours] = self.marks.text(self.marks.mark(self.tally.secret(name, given.value)))
            return
        text = self.marked(given.value)
        for inner in [found.strip() for found in _USE.findall(given.value)]:
            if inner not in done and not inner.startswith("$"):
                self._define(inner, made, done)
        made[ours] = self.marks.text(text)

    def _plain(self, name: str) -> str:
        given = self.given.get(name)
        return given.value if given and not given.secret and name not in self.set_by_scripts else ""

    def _dynamic(self, name: str) -> str:
        if name not in DYNAMIC:
            self.tally.note("", f"{quoted('{{$' + name + '}}')} has no counterpart; a random text stands for it")
        return DYNAMIC.get(name, "random_string(8)")

    def _is_secret(self, given: Given) -> bool:
        return given.secret and bool(given.value) and not _USE.search(given.value)


def read_values(listed: Part, tally: Tally) -> dict[str, Given]:
    """The variables of a collection or an environment; disabled ones are noted."""
    found = {}
    for variable in listed.items():
        name = variable["key"].text() or variable["id"].text()
        if variable["enabled"].value is False or variable["disabled"].value is True:
            tally.note(variable.at, f"the variable {quoted(name)} is disabled")
        elif name:
            value = variable["value"].text()
            secret = variable["type"].text() == "secret" or sounds_secret(name) or looks_secret(value)
            found[name] = Given(value, secret)
    return found


def set_in(scripts: Iterable[str]) -> frozenset[str]:
    """The names of variables that any of the scripts sets."""
    return frozenset(found[1] for script in scripts for found in _SETS.findall(script))


def untyped(text: str) -> Iterator[tuple[int, int, bool]]:
    """Every mark of a JSON text, as (start, end, whether it stands inside a text)."""
    inside, at = False, 0
    for found in MARK.finditer(text):
        for sign in re.findall(r'\\.|"', text[at : found.start()], re.DOTALL):
            inside = inside is not (sign == '"')
        at = found.end()
        yield found.start(), found.end(), inside
