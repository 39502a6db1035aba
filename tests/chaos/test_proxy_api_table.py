"""The golden table of the API, `proxy_api_table.txt`: each row is asked of ours on both loops and of the original."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("proxy_api_table.txt")
GIVEN_PROXY = '{"name":"p","listen":"127.0.0.1:0","upstream":"127.0.0.1:9"}'
GIVEN_TOXIC = '{"type":"latency","name":"t","attributes":{"latency":5,"jitter":3}}'
GIVEN = {
    "given p": [("/proxies", GIVEN_PROXY)],
    "given p with t": [("/proxies", GIVEN_PROXY), ("/proxies/p/toxics", GIVEN_TOXIC)],
}
_REQUEST = re.compile(
    r"> (?P<method>[A-Z]+) (?P<path>\S+)(?: \[(?P<header>[A-Z][A-Za-z-]+: [^\]]*)\])?(?: (?P<body>.*))?"
)
_BAD_BODY = re.compile(r'("error":"bad request body: )(?!EOF")(?:[^"\\]|\\.)*"')


@dataclass
class Asked:
    """One request of a row and its answers: the original's, and ours where that is another."""

    text: str
    original: str = ""
    ours: str = ""

    def wanted(self, *, of_original: bool) -> str:
        return self.original if of_original or not self.ours else self.ours


@dataclass
class Row:
    """A block of the table."""

    given: str
    reason: str
    asked: list[Asked]


def read_table():
    """The rows of each section."""
    sections, rows = {}, []
    for block in TABLE.read_text(encoding="utf-8").split("\n\n"):
        lines = block.strip("\n").split("\n")
        if lines[0].startswith("# "):
            rows = sections.setdefault(lines[0].removeprefix("# "), [])
        elif sections:
            rows.append(read_row(lines))
    return sections


def read_row(lines):
    row = Row("", "", [])
    for line in lines:
        if line.startswith("> "):
            row.asked.append(Asked(line))
        elif line.startswith("< "):
            row.asked[-1].original = line[2:]
        elif line.startswith("! "):
            row.asked[-1].ours = line[2:]
        elif line.startswith("ours: "):
            row.reason = line
        else:
            assert line in GIVEN, line
            row.given = line
    return row


SECTIONS = read_table()


def ask(server, line, free):
    """The answer to a request of the table, written as the table writes answers."""
    found = _REQUEST.fullmatch(line)
    assert found is not None, line
    name, _, value = (found["header"] or "").partition(": ")
    body = None if found["body"] is None else found["body"].replace("FREE", str(free)).encode()
    connection = http.client.HTTPConnection(server.api.removeprefix("http://"), timeout=20)
    try:
        connection.request(found["method"], found["path"], body=body, headers={name: value} if name else {})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    kind = (answer.getheader("content-type") or "-").replace(" ", "")
    return f"{answer.status} {kind} {shown(text, free)}".rstrip()


def shown(text, free):
    """A body with ports and versions replaced by their words, without what the original leaks of itself."""
    text = text.replace(f":{free}", ":FREE").replace('"Logger":{},', "").replace("\n", "\\n")
    text = re.sub(r'"version": "[^"]+"', '"version": "VERSION"', text)
    return re.sub(r":(\d{4,5})\b", lambda port: ":PORT" if int(port[1]) < 65_536 else port[0], text)


def same(wanted, found):
    """Claims that two answers are the same: bodies as JSON where they are, whatever the words for what is no JSON."""
    if '"bad request body: ..."' in wanted:
        found = _BAD_BODY.sub(r'\1..."', found)
    return parts(wanted) == parts(found)


def parts(answer):
    status, kind, body = [*answer.split(" ", 2), ""][:3]
    ends = body.endswith("\\n")
    try:
        return status, kind, ends, json.loads(body.removesuffix("\\n"))
    except ValueError:
        return status, kind, ends, body


def differences(server, row, *, of_original, free):
    """What a server answers otherwise than a row says."""
    for path, body in GIVEN.get(row.given, []):
        assert server.http.post(path, content=body.encode()).is_success
    for asked in row.asked:
        found, wanted = ask(server, asked.text, free), asked.wanted(of_original=of_original)
        if not same(wanted, found):
            yield f"{row.given}\n{asked.text}\nwanted {wanted}\nfound  {found}\n"
    server.delete_all()


@pytest.mark.parametrize("section", SECTIONS)
def test_api_answers_as_the_table_says(toxiproxy_server, request, free_port, section):
    wrong = []
    for row in SECTIONS[section]:
        wrong += differences(toxiproxy_server, row, of_original="original" in request.node.name, free=free_port)
    assert not wrong, "\n".join(wrong)


def test_table_gives_a_reason_wherever_ours_differs():
    for rows in SECTIONS.values():
        for row in rows:
            assert bool(row.reason) == any(asked.ours for asked in row.asked), row
            assert all(asked.original for asked in row.asked), row


def test_table_asks_every_route_of_toxiproxy():
    lines = [asked.text for rows in SECTIONS.values() for row in rows for asked in row.asked]
    asked = {" ".join(line.split(" ")[1:3]) for line in lines}
    routes = ["GET /version", "GET /proxies", "POST /proxies", "POST /populate", "POST /reset"]
    routes += [f"{method} /proxies/p" for method in ("GET", "POST", "PATCH", "DELETE")]
    routes += [f"{method} /proxies/p/toxics" for method in ("GET", "POST")]
    routes += [f"{method} /proxies/p/toxics/t" for method in ("GET", "POST", "PATCH", "DELETE")]
    assert set(routes) <= asked
