"""Entries of .hurl files as steps: names, connections, limits, and what is known before the play."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError, UsageError
from seatrial.exchange import Broken, HttpVersion
from seatrial.sample import Cause
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.model import every_step
from seatrial.scenarios.sending.request import AwsAuth, BasicAuth, DigestAuth


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a text as a file; options by their fields."""
    monkeypatch.chdir(tmp_path)

    def read_(text, **options):
        path = tmp_path / "journey.hurl"
        path.write_text(text)
        return read_hurl(path, HurlOptions(**options))

    return read_


@pytest.fixture
def step(read):
    """The only step of a request with these options."""

    def step_(options, url="http://h.test/", **given):
        section = f"[Options]\n{options}\n" if options else ""
        [only] = read(f"GET {url}\n{section}", **given).steps
        return only

    return step_


def test_scenario_is_called_as_its_file_and_keeps_its_lines(read):
    scenario = read("GET http://h.test/a\n# end\n")
    assert (scenario.name, scenario.lenient, scenario.cookies) == ("journey", True, True)
    assert scenario.sources[scenario.file] == ("GET http://h.test/a", "# end")


@pytest.mark.parametrize(
    ("url", "name", "service", "route"),
    [
        ("http://h.test:81/a/b?x=1#f", "GET /a/b", "h.test:81", "/a/b"),
        ("https://h.test", "GET /", "h.test", "/"),
        ("http://h.test/a/{{id}}/b{{id}}", "GET /a/*/*", "h.test", "/a/*/*"),
        ("{{host}}/a/{{id}}", "GET /a/*", "known.test", "/a/*"),
        ("{{nowhere}}/a/{{id}}", "GET /a/*", "external", "/a/*"),
        ("http://{{nowhere}}/a", "GET /a", "external", "/a"),
        ("{{nowhere}}", "GET /", "external", "/"),
        ("http://h{{id}}.test:8{{id}}/{{id}}", "GET /*", "h5.test:85", "/*"),
    ],
)
def test_step_is_named_by_method_and_route_whatever_the_values(read, url, name, service, route):
    [step] = read(f"GET {url}\n", variables={"host": "http://known.test", "id": 5}).steps
    assert (step.name, step.service, step.route) == (name, service, route)


def test_secure_addresses_speak_http_2_where_they_can_as_curl_does(step):
    assert step("").request.connection.http_version is HttpVersion.V1_1
    assert step("", url="https://h.test/").request.connection.http_version is HttpVersion.V2
    assert step("http1.1: true", url="https://h.test/").request.connection.http_version is HttpVersion.V1_1
    assert step("http2: true").request.connection.http_version is HttpVersion.V2
    assert step("http2: false", url="https://h.test/").request.connection.http_version is HttpVersion.V1_1


def test_limits_are_hurls_unless_told_otherwise(step):
    assert step("").timeout_s == 300.0
    told = step("max-time: 2s\nconnect-timeout: 300\ndelay: 10ms\nretry: 2\nretry-interval: 20")
    assert (told.timeout_s, told.request.connection.connect_timeout_s, told.course.delay_s) == (2.0, 0.3, 0.01)
    assert (told.retry.attempts, told.retry.interval_s) == (3, 0.02)
    assert step("retry: 0").retry is None


def test_option_of_an_entry_wins_over_the_command_line(step):
    told = step("location: false\nretry: 1\ninsecure: false", location=True, retry=7, insecure=True)
    assert (told.request.follow, told.retry.attempts, told.request.tls) == (None, 2, None)
    trusted = step("location-trusted: true\nmax-redirs: 3").request.follow
    assert (trusted.limit, trusted.trusted) == (3, None)
    assert step("", location=True).request.follow.trusted == frozenset()


def test_user_authenticates_as_it_is_said(step):
    def auth(options, **given):
        return step(options, url="https://s3.eu-west-1.amazonaws.com/", **given).request.auth

    assert isinstance(auth("user: a:b:c"), BasicAuth)
    assert auth("user: a:b:c").password.render({}) == "b:c"
    assert isinstance(auth("user: a:b\ndigest: true"), DigestAuth)
    aws = auth("user: a:b\naws-sigv4: aws:amz")
    assert isinstance(aws, AwsAuth)
    assert [part.render({}) for part in (aws.access_key, aws.secret_key, aws.region, aws.service)] == [
        *("a", "b"),
        *("eu-west-1", "s3"),
    ]
    assert auth("user: a:b\naws-sigv4: aws:amz:r:s").region.render({}) == "r"


def test_certificates_are_files_and_a_password_follows_a_colon(step, tmp_path):
    for name in ("ca.pem", "a:b.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    tls = step(
        f"cacert: {tmp_path}/ca.pem\ncert: a\\:b.pem:s:3\nkey: key.pem\npinnedpubkey: sha256//YQ=="
    ).request.tls
    located = [one.locate({}).name for one in (tls.ca, tls.certificate, tls.key)]
    assert located == ["ca.pem", "a:b.pem", "key.pem"]
    assert (tls.password.render({}), tls.pin.render({}), tls.verify) == ("s:3", "sha256//YQ==", True)
    assert step("cert: key.pem").request.tls.password is None
    assert not step("insecure: true").request.tls.verify


def test_proxy_without_a_scheme_is_an_http_proxy(step):
    assert step("proxy: p.test:81").request.proxy.render({}) == "http://p.test:81"
    assert step("proxy: http://p.test").request.proxy.render({}) == "http://p.test"


def test_what_is_known_before_the_play_may_fill_an_option_or_a_name(step, read):
    told = step("variable: n=3\nretry: {{n}}\nlocation: {{yes}}", variables={"yes": True})
    assert (told.retry.attempts, told.request.follow is not None) == (4, True)
    [only] = read("GET http://h.test/\n{{name}}-id: 1\n", variables={"name": "x"}).steps
    assert only.request.headers[0][0] == "x-id"


def test_what_a_capture_may_change_is_not_known(read):
    text = "GET http://h.test/\nHTTP 200\n[Captures]\nn: status\nGET http://h.test/\n[Options]\nretry: {{n}}\n"
    with pytest.raises(DocumentError, match="the value of 'retry' must be known before the play, and 'n' is not"):
        read(text, variables={"n": 3})


def test_variable_of_a_skipped_entry_is_defined_all_the_same(read, run, canned):
    text = "GET http://h.test/1\n[Options]\nskip: true\nvariable: a=5\nGET http://h.test/{{a}}\nGET http://h.test/{{a}}\n"
    played = run(read(text), canned.ok())
    assert [one.url for one in played.requests] == ["http://h.test/5", "http://h.test/5"]


def test_step_names_the_variables_it_uses(read):
    text = "GET http://h.test/{{a}}\nX: {{newUuid}} {{b}}\nHTTP 200\n"
    text += '[Asserts]\nbody == "{{c}}"\njsonpath "$.{{d}}" exists\n'
    [only] = read(text).steps
    assert only.uses == {"a", "b", "c", "d"}


def test_entries_are_chosen_by_number_from_one(read):
    text = "GET http://h.test/1\nGET http://h.test/2\nGET http://h.test/3\n"
    assert [one.route for one in read(text, from_entry=2, to_entry=3).steps] == ["/2", "/3"]
    assert [one.number for one in read(text, from_entry=2).steps] == [1, 2]
    with pytest.raises(UsageError, match="--to-entry: there is no entry 4; the file has 3"):
        read(text, to_entry=4)
    with pytest.raises(UsageError, match="--from-entry: 3 comes after --to-entry 2"):
        read(text, from_entry=3, to_entry=2)


def test_repeat_makes_rows_and_its_bounds_are_told(read):
    assert [row.number for row in read("GET http://h.test/\n", repeat=2).rows] == [1, 2]
    with pytest.raises(UsageError, match="--repeat: 0 is not between 1 and 1000"):
        read("GET http://h.test/\n", repeat=0)


def test_step_writes_where_its_method_does(read):
    methods = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
    scenario = read("".join(f"{method} http://h.test/\n" for method in methods))
    assert [one.method for one in every_step(scenario) if one.mutates] == ["POST", "PUT", "PATCH", "DELETE"]


def test_variable_of_a_name_that_templates_know_is_a_variable(read, run, canned):
    text = "GET http://h.test/{{vars}}/{{now}}/{{uuid}}/{{secrets}}\n"
    played = run(read(text, variables={"vars": 1, "now": 2, "uuid": "x", "secrets": 4}), canned.ok())
    assert played.requests[0].url == "http://h.test/1/2/x/4"


def test_function_of_our_templates_is_no_variable(read, run):
    played = run(read("GET http://h.test/{{today}}\n"))
    assert played.summaries == ["'today' is not defined"]


def test_functions_of_hurl_are_made_anew_each_time(read, run):
    played = run(read("GET http://h.test/{{newUuid}}/{{newUuid}}/{{newDate}}\n"))
    *_, first, second, date = played.requests[0].url.split("/")
    assert first != second
    assert date == "2023-11-14T22:13:20.000000Z"


def test_broken_exchange_is_retried_and_fails(read, run, canned):
    scenario = read("GET http://h.test/\n[Options]\nretry: 1\nretry-interval: 5ms\n")
    played = run(scenario, canned.broken(Cause.REFUSED))
    assert (len(played.requests), played.waits) == (2, [0.005])
    assert isinstance(played.told[-1].answer, Broken)
    assert not played.result.passed


def test_negated_check_holds_of_nothing_but_not_of_what_fits_no_filter(read, run, canned):
    text = (
        "GET http://h.test/\nHTTP *\n[Asserts]\n"
        'header "X-None" not contains "a"\n'
        'header "X-None" split "," not contains "a"\n'
        'jsonpath "$.a" count not == 3\n'
        'jsonpath "$.a" regex /(x)/ not exists\n'
    )
    played = run(read(text), canned.ok(200, {"a": "b"}))
    assert [one.where.line for told in played.told for one in told.failures] == [5, 6]


def test_path_that_finds_one_value_gives_it_alone_and_repeated_headers_are_a_list(read, run, canned):
    text = (
        "GET http://h.test/\nHTTP *\n[Captures]\n"
        'one: jsonpath "$.a[?@.n > 1].n"\nmany: jsonpath "$.a[*].n"\nlist: jsonpath "$.l"\n'
        'x: header "x"\ny: header "y"\n'
        "GET http://h.test/{{one}}/{{x}}\n"
    )
    answer = canned.ok(200, {"a": [{"n": 1}, {"n": 2}], "l": [5]}, headers=(("X", "1"), ("Y", "2"), ("y", "3")))
    played = run(read(text), answer)
    assert played.requests[1].url == "http://h.test/2/1"
    assert played.result.passed


def test_file_root_is_where_the_files_of_bodies_are(read, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.bin").write_bytes(b"x")
    [only] = read("POST http://h.test/\nfile,a.bin;\n", file_root=tmp_path / "data").steps
    assert only.request.body.content.read({}) == b"x"
    with pytest.raises(DocumentError, match=r"'\.\./journey.hurl' is outside"):
        read("POST http://h.test/\nfile,../journey.hurl;\n", file_root=tmp_path / "data")
