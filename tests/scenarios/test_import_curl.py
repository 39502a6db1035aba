"""curl lines in, steps out; what each option means, and what is told."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.importers import curl
from seatrial.scenarios.importers.curl_words import commands


def imported(text, **options):
    return curl.convert(text, "x.sh", **options)


def steps(text, **options):
    [(_, content)] = imported(text, **options).documents
    return content["steps"]


def request(text, **options):
    [step] = steps(text, **options)
    return step["request"]


def notes(text):
    return [f"{note.where}: {note.text}" for note in imported(text).notes]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        (r"a\ b 'c'\''d' \"", ["a b", "c'd", '"']),
        ("a \\\n  b \\\r\n c", ["a", "b", "c"]),
        (r"$'x\n\'y\' \u00e9 \xc3\xa9 \101'", ["x\n'y' é é A"]),
        (r'"a\"b \$c \n"', [r'a"b $c \n']),
        ("a''b ''", ["ab", ""]),
        ("a > out.txt 2>&1 b", ["a", "b"]),
        ("a#b # c", ["a#b"]),
        ('x"$A-${B_2:-z}"', ["x$A-$B_2"]),
    ],
)
def test_words_are_split_as_a_shell_splits_them(text, words):
    [command] = commands(text, "x")
    assert [word.text for word in command.words] == words


def test_commands_end_at_lines_and_operators():
    found = commands("a 1; b 2 && c 3 | d\n# note\ne", "x")
    assert [[word.text for word in command.words] for command in found] == [
        ["a", "1"],
        ["b", "2"],
        ["c", "3"],
        ["d"],
        ["e"],
    ]


def test_open_quote_is_an_error_with_its_place():
    with pytest.raises(DocumentError, match=r"x.sh:2:6: a quote is left open"):
        imported("curl http://a\ncurl 'http://b")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("curl a.example.com/x", {"url": "http://a.example.com/x"}),
        ("curl --url http://a/x?b=1\\&c=%20", {"url": "http://a/x", "params": {"b": "1", "c": " "}}),
        ("curl 'http://a/x?b&c'", {"url": "http://a/x?b&c"}),
        ("curl http://a -XPUT", {"method": "PUT", "url": "http://a"}),
        ("curl http://a --request=DELETE", {"method": "DELETE", "url": "http://a"}),
        ("curl -sSI http://a", {"method": "HEAD", "url": "http://a"}),
        ("curl http://a -d x=1 -d y=2", {"method": "POST", "url": "http://a", "form": {"x": "1", "y": "2"}}),
        ("curl http://a -d x=1 -d x=2", {"method": "POST", "url": "http://a", "form": {"x": ["1", "2"]}}),
        ("curl http://a -L", {"url": "http://a", "follow": True}),
        (
            "curl http://a --location-trusted --max-redirs 4",
            {"url": "http://a", "follow": {"max": 4, "trusted": "all"}},
        ),
        (
            "curl http://a -k --http2 -x http://p:1",
            {"url": "http://a", "tls": {"verify": False}, "proxy": "http://p:1", "http_version": 2},
        ),
        ("curl http://a --connect-timeout 2", {"url": "http://a", "timeout": {"connect": "2s"}}),
        (
            "curl http://a --cert c.pem:pw12 --key k.pem",
            {
                "url": "http://a",
                "tls": {"cert": "c.pem", "key": "k.pem", "password": "{{ secrets.certificate_password }}"},
            },
        ),
        (
            "curl http://a -u ada:secret1",
            {"url": "http://a", "auth": {"basic": {"user": "ada", "password": "{{ secrets.password }}"}}},
        ),
        (
            "curl http://a -H 'Authorization: Basic YWRhOnMxMjM='",
            {"url": "http://a", "auth": {"basic": {"user": "ada", "password": "{{ secrets.password }}"}}},
        ),
        (
            "curl http://a -H 'X-Api-Key: 12345678'",
            {"url": "http://a", "headers": {"X-Api-Key": "{{ secrets.x_api_key }}"}},
        ),
        ("curl http://a -H 'Accept:' -H 'X-Empty;'", {"url": "http://a", "headers": {"Accept": None, "X-Empty": ""}}),
        (
            "curl http://a --aws-sigv4 aws:amz:eu-west-1:es -u AK:SK",
            {
                "url": "http://a",
                "auth": {
                    "aws_sigv4": {
                        "access_key": "AK",
                        "secret_key": "{{ secrets.secret_key }}",
                        "region": "eu-west-1",
                        "service": "es",
                    }
                },
            },
        ),
    ],
)
def test_options_are_understood(line, wanted):
    assert request(line) == wanted


def test_type_of_a_multipart_body_is_left_to_what_writes_its_boundary():
    assert "headers" not in request("curl http://a -F a=1 -H 'Content-Type: multipart/form-data'")


def test_max_time_is_the_steps_timeout():
    assert steps("curl http://a -m 1.5")[0]["timeout"] == "1.5s"


def test_writing_methods_mutate_and_reading_ones_do_not():
    assert [step.get("mutates") for step in steps("curl http://a -d x=1; curl -G http://a -d x=1")] == [True, None]


def test_same_secret_has_one_name_and_its_value_is_nowhere():
    text = "curl http://a -u ada:hush-hush\ncurl http://b -u ada:hush-hush\ncurl http://c -u bob:other-one"
    result = imported(text)
    assert result.secrets == ("password", "password_2")
    assert "hush-hush" not in str(result.documents)


def test_shell_variables_become_variables_or_secrets_by_their_names():
    result = imported('curl "http://a/$ID/x" -H "Authorization: Bearer $API_TOKEN"')
    assert result.variables == ("id",)
    assert result.secrets == ("api_token",)
    assert result.documents[0][1]["steps"][0]["request"]["url"] == "http://a/{{ id }}/x"


def test_braces_of_a_body_mean_themselves():
    assert request("curl http://a --data-raw '{\"a\": \"{{x}} {% y\"}' -H 'Content-Type: application/json'")[
        "json"
    ] == {"a": "{{ '{{' }}x}} {{ '{%' }} y"}


def test_what_has_no_counterpart_is_told():
    assert notes("curl http://a --retry 3 --resolve a:80:1.2.3.4 --frobnicate | jq .\nls") == [
        "x.sh:1: --retry `3` has no counterpart here",
        "x.sh:1: --resolve `a:80:1.2.3.4` has no counterpart here",
        "x.sh:1: --frobnicate has no counterpart here",
        "x.sh:1: `jq .` is not curl",
        "x.sh:2: `ls` is not curl",
    ]


def test_options_that_change_nothing_are_not_told():
    assert notes("curl -sSfv -o /dev/null -w '%{http_code}' --compressed -i http://a -c jar") == []


def test_left_out_body_of_a_failed_step_is_told():
    [note] = notes("curl -sS 'http://a' -X PUT   # and a body of 9000 characters")
    assert "leaves its body out" in note


def test_next_makes_another_step():
    assert [step["name"] for step in steps("curl http://a/x -d a=1 --next http://a/y")] == ["POST /x", "GET /y"]


def test_service_takes_the_place_of_its_address():
    services = {"cards": "https://a.example.com/v1", "all": "https://a.example.com"}
    text = "curl https://a.example.com/v1/x; curl https://a.example.com/v10; curl https://a.example.computer/"
    assert [step["request"]["url"] for step in steps(text, services=services)] == [
        "service://cards/x",
        "service://all/v10",
        "https://a.example.computer/",
    ]


def test_files_are_named_by_a_relative_path():
    result = imported("curl http://a -F 'f=@/home/ada/f.png' -F g=@../g.txt -F 'h=@sub/h.txt;type=text/x'")
    assert result.files == ("f.png", "g.txt", "sub/h.txt")


def test_text_without_curl_is_an_error_that_says_so():
    with pytest.raises(DocumentError, match=r"x.sh:1:1: no curl line here; begin each line with `curl`"):
        imported("wget http://a")


def test_value_that_is_missing_is_an_error_with_its_line():
    with pytest.raises(DocumentError, match=r"x.sh:2:1: '-H' is given no value"):
        imported("curl http://a\ncurl http://b -H")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("-d @a -d @b", "the data of the file `b`; only `a` is sent"),
        ("-d @a --data-urlencode n@b", "the data of the file `b`; only `a` is sent"),
        ("-L --max-redirs 0", "--max-redirs 0: curl would fail at a redirect; here it is not followed"),
        ("-L --max-redirs -1", "--max-redirs -1: 100 redirects are followed at most"),
        ("-L --max-redirs many", "--max-redirs `many`"),
        ("-H @more.txt", "the headers of the file `more.txt`"),
        ("-x ''", "an empty --proxy: a proxy that the environment names is used here, unless NO_PROXY is set"),
        ("--tlsv1.2", "--tlsv1.2 has no counterpart here"),
        ("-4", "--ipv4 has no counterpart here"),
        ("--max-filesize 10", "--max-filesize `10` has no counterpart here"),
        ("--max-time soon", "--max-time `soon`"),
        ("-H 'Cookie: a=b; a=c'", "the cookie `a` is given several times; the last one is sent"),
    ],
)
def test_option_that_is_not_followed_as_it_is_said_is_told(options, told):
    assert [note for note in notes(f"curl http://a {options}") if told in note]


def test_first_of_several_files_of_data_is_sent():
    assert request("curl http://a -d @a -d @b")["file"] == "a"


def test_no_redirect_is_followed_where_curl_would_fail_at_one():
    assert "follow" not in request("curl http://a -L --max-redirs 0")


def test_file_of_headers_is_no_header():
    assert "headers" not in request("curl http://a -H @more.txt")


@pytest.mark.parametrize(("said", "kept"), [("1.23456", "1235ms"), (".5", "500ms"), ("2", "2s"), ("1.5", "1.5s")])
def test_times_are_kept_to_the_millisecond(said, kept):
    assert request(f"curl http://a --connect-timeout {said}")["timeout"] == {"connect": kept}
    assert steps(f"curl http://a --max-time {said}")[0]["timeout"] == kept
