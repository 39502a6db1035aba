"""What an editor shows: completion, help and marks, asked of the YAML language server that editors use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.schema import combined_schema

pytestmark = pytest.mark.needs_node

PATIENCE_S = 60.0
STEP = "scenario: x\nservice: shop\nsteps:\n  - name: look\n    "


class Editor:
    """A client of the language server over its stdin and stdout; `folder` holds schema and documents."""

    def __init__(self, server: str, folder: Path) -> None:
        self._folder = folder
        self._marks: dict[str, list[tuple[int, str]]] = {}
        self._asked = 0
        schema = folder / "seatrial.schema.json"
        schema.write_text(json.dumps(combined_schema()))
        self._settings = {
            "yaml": {"schemas": {schema.as_uri(): "*.yaml"}, "schemaStore": {"enable": False}, "validate": True}
        }
        self._process = subprocess.Popen([server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ask("initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": {}})
        self._send({"method": "initialized", "params": {}})
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": self._settings}})

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def completions(self, name: str, text: str) -> list[str]:
        """What is proposed at the end of the text."""
        uri = self._open(name, text)
        self.marks_of(uri)  # once it has these it has the schema
        lines = text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        found = self._ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return [item["label"] for item in found["items"]]

    def help_at(self, name: str, text: str, *, line: int, character: int) -> str:
        """What is shown where the pointer is."""
        uri = self._open(name, text)
        self.marks_of(uri)
        position = {"line": line, "character": character}
        found = self._ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
        return str(found["contents"]["value"])

    def marks(self, name: str, text: str) -> list[tuple[int, str]]:
        """Line and sentence of everything that is marked."""
        return self.marks_of(self._open(name, text))

    def marks_of(self, uri: str) -> list[tuple[int, str]]:
        end = time.monotonic() + PATIENCE_S
        while uri not in self._marks and time.monotonic() < end:
            self._follow(self._receive())
        return self._marks[uri]

    def _open(self, name: str, text: str) -> str:
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return uri

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" not in message and message.get("id") == self._asked:
                return message["result"]
            self._follow(message)

    def _follow(self, message: dict[str, Any]) -> None:
        """Keep what it marks, and answer what it asks."""
        params = message.get("params") or {}
        if message.get("method") == "textDocument/publishDiagnostics":
            told = [(item["range"]["start"]["line"], item["message"]) for item in params["diagnostics"]]
            self._marks[params["uri"]] = told
        elif "method" in message and "id" in message:
            asked = params.get("items", []) if message["method"] == "workspace/configuration" else []
            self._send(
                {"id": message["id"], "result": [self._settings.get(item.get("section"), {}) for item in asked]}
            )

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self._process.stdout.read(length))


@pytest.fixture(scope="module")
def editor(yaml_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    opened = Editor(yaml_server, tmp_path_factory.mktemp("editor"))
    yield opened
    opened.close()


def test_a_step_is_completed(editor: Editor) -> None:
    proposed = editor.completions("step.yaml", STEP)
    assert {"request", "expect", "capture", "retry", "when", "use", "for_each", "timeout"} <= set(proposed)
    assert "name" not in proposed


def test_a_request_a_check_and_a_realm_are_completed(editor: Editor) -> None:
    request = editor.completions("request.yaml", f"{STEP}request:\n      url: /\n      ")
    assert {"method", "json", "auth", "headers", "follow"} <= set(request)
    check = editor.completions("check.yaml", f"{STEP}expect:\n      checks:\n        - jsonpath: $.a\n          ")
    assert {"eq", "gte", "matches", "not", "severity", "filters"} <= set(check)
    assert editor.completions("kind.yaml", "realms:\n  a:\n    runtime:\n      kind: ") == [
        "external",
        "process",
        "docker",
    ]


def test_an_empty_file_is_offered_every_kind_and_a_begun_one_its_own_keys(editor: Editor) -> None:
    kinds = {
        "scenario",
        "flow",
        "profile",
        "experiment",
        "gameday",
        "service",
        "gate",
        "monitor",
        "channel",
        "realms",
    }
    assert set(editor.completions("empty.yaml", "")) == kinds
    begun = editor.completions("begun.yaml", "service: cards\n")
    assert "objectives" in begun
    assert "experiment" not in begun


def test_a_wrong_key_is_marked_at_its_place(editor: Editor) -> None:
    text = f"{STEP}request: {{url: /}}\n    exspect: {{status: 200}}\n"
    assert editor.marks("key.yaml", text) == [(5, "Property exspect is not allowed.")]


def test_a_wrong_predicate_and_a_duration_without_unit_are_marked(editor: Editor) -> None:
    text = (
        f"{STEP}request: {{url: /}}\n    timeout: 5\n    expect:\n      checks: [{{header: a, equals: 3, eq: 3}}]\n"
    )
    marked = editor.marks("values.yaml", text)
    assert (5, 'Incorrect type. Expected "string".') in marked
    assert (7, "Property equals is not allowed.") in marked


def test_a_key_is_explained_under_the_pointer(editor: Editor) -> None:
    text = f"{STEP}request: {{url: /}}\n    mutates: true\n"
    assert "refused in a realm that does not allow mutations" in editor.help_at(
        "help.yaml", text, line=5, character=6
    )


def test_the_line_of_the_docs_names_the_schema(editor: Editor, root: Path) -> None:
    [line] = re.findall(r"^# yaml-language-server: .*$", (root / "docs/EDITORS.md").read_text(), flags=re.MULTILINE)
    line = line.replace("../.seatrial/schema/", "")  # where the test keeps it
    assert editor.marks("line.yml", f"{line}\nscenario: x\nsteps: 3\n") == [(2, 'Incorrect type. Expected "array".')]
    assert editor.marks("none.yml", "scenario: x\nsteps: 3\n") == []


@pytest.mark.parametrize("name", ["scenarios/pay_with_a_card.yaml", "realms.yaml", "slo/cards.yaml", "slo/gate.yaml"])
def test_nothing_is_marked_in_our_own_documents(editor: Editor, root: Path, name: str) -> None:
    assert editor.marks(f"own/{name}", (root / name).read_text()) == []
