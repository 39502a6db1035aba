"""`seatrial check` of .hurl files: with a workspace and without, with Hurl's own options."""

from __future__ import annotations

import pytest

OK = "- {name: look, request: {url: /ok}, expect: {status: 200}}"


def test_options_of_hurl_play_a_hurl_file_without_a_workspace(tmp_path, service, check, monkeypatch, workspace):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "realms.yaml").unlink()
    monkeypatch.chdir(elsewhere)
    (elsewhere / "j.hurl").write_text(
        "GET http://127.0.0.1:{{port}}/echo\nX-Word: {{word}}\nHTTP 200\n[Asserts]\n"
        'jsonpath "$.headers.X-Word" == "s3cret-word"\njsonpath "$.headers.X-All" == "1"\n'
        "GET http://127.0.0.1:{{port}}/status/500\nHTTP 200\n"
    )
    port = f"port={service.server_port}"
    ended = check("j.hurl", "--variable", port, "--secret", "word=s3cret-word", "--header", "X-All: 1", "-vv")
    assert (ended.code, service.asked["/echo"]) == (1, 1)
    assert "s3cret-word" not in ended.out + ended.err
    assert (
        check(
            "j.hurl", "--variable", port, "--secret", "word=s3cret-word", "--to-entry", "1", "--header", "X-All: 1"
        ).code
        == 0
    )
    assert check("j.hurl", "--variable", port, "--ignore-asserts", "--secret", "word=s3cret-word").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--http1.0",), "HTTP/1.0 cannot be sent over httpx"),
        (("--secret", "a=b"), "--secret a: shorter than 4 characters"),
        (("--from-entry", "9"), "there is no entry 9"),
        (("--retry", "x"), "--retry"),
    ],
)
def test_an_option_of_hurl_that_cannot_be_is_a_usage_error(workspace, check, words, said):
    (workspace.path / "j.hurl").write_text("GET http://127.0.0.1:1/\n")
    ended = check("j.hurl", *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_hurl_file_writes_only_where_the_named_realm_lets_it(workspace, service, check):
    (workspace.path / "j.hurl").write_text(f"POST http://127.0.0.1:{service.server_port}/ok\nHTTP 200\n")
    assert check("j.hurl").code == 0
    text = (workspace.path / "realms.yaml").read_text()
    (workspace.path / "realms.yaml").write_text(text.replace("mutations: true", "mutations: false"))
    refused = check("j.hurl", "--realm", "test")
    assert refused.code == 4
    assert "does not allow mutations" in refused.err
    assert service.asked["/ok"] == 1


def test_in_a_realm_a_hurl_file_knows_its_variables_and_the_addresses_of_its_services(workspace, check):
    (workspace.path / "j.hurl").write_text(
        'GET {{api}}/echo\nX-Currency: {{currency}}\nHTTP 200\n[Asserts]\njsonpath "$.headers.X-Currency" == "EUR"\n'
    )
    assert check("j.hurl", "--realm", "test").code == 0
    assert check("j.hurl", "--realm", "test", "--dry").code == 0
    assert check("j.hurl").code == 1  # in no realm nothing says what they are


def test_a_folder_of_hurl_files_alone_needs_no_workspace(tmp_path, service, check, workspace, monkeypatch):
    (tmp_path / "realms.yaml").unlink()
    (tmp_path / "d" / "deep").mkdir(parents=True)
    (tmp_path / "d" / "deep" / "j.hurl").write_text(f"GET http://127.0.0.1:{service.server_port}/ok\nHTTP 200\n")
    assert check("d").code == 0
    workspace.journey("one", OK, folder="d")
    ended = check("d")
    assert ended.code == 2
    assert "no realms.yaml" in ended.err


def test_a_folder_of_hurl_files_in_a_workspace_is_played_in_its_realm(workspace, check):
    (workspace.path / "d").mkdir()
    (workspace.path / "d" / "j.hurl").write_text("GET {{api}}/ok\nHTTP 200\n")
    assert check("d").code == 0


@pytest.mark.parametrize("words", [("--location",), ("--variable", "a=1"), ("--header", "X: y", "--dry")])
def test_an_option_of_hurl_without_a_hurl_file_is_a_usage_error(workspace, check, service, words):
    workspace.journey("one", OK)
    ended = check(*words)
    assert ended.code == 2
    assert f"{words[0]} is for .hurl files, and none is played" in ended.err
    (workspace.path / "scenarios" / "j.hurl").write_text("GET {{api}}/ok\nHTTP 200\n")
    assert check(*words).code == 0


def test_hurl_files_of_one_name_in_two_folders_are_two_journeys(workspace, check):
    for folder, path in (("users", "ok"), ("orders", "status/500")):
        (workspace.path / "scenarios" / folder).mkdir(parents=True)
        (workspace.path / "scenarios" / folder / "get.hurl").write_text(f"GET {{{{api}}}}/{path}\nHTTP 200\n")
    ended = check("--markdown", "out.md")
    assert ended.out.splitlines()[-1].startswith("2 journeys: 1 passed, 1 failed")
    table = workspace.file("out.md")
    assert "get (scenarios/users/get.hurl) | 1 | 0" in table.replace("\\", "")
    assert "get (scenarios/orders/get.hurl) | 0 | 1" in table.replace("\\", "")


def test_what_var_says_is_known_to_the_options_of_a_hurl_file(workspace, check):
    (workspace.path / "j.hurl").write_text("GET {{api}}/{{word}}\n[Options]\nmax-time: {{t}}\nHTTP 200\n")
    words = ("j.hurl", "--realm", "test", "--var", "word=ok")
    assert check(*words).code == 3
    assert check(*words, "--var", "t=3000").code == 0
    assert check(*words, "--var", "t=3000", "--variable", "t=x").code == 0  # it wins over every other of its name
