"""HAR recordings in, scenarios out: what is kept, what is left out, what becomes a capture."""

from __future__ import annotations

import base64
import json

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.importers import har

A = "https://a.example.com"


def named(values):
    return [{"name": name, "value": value} for name, value in values.items()]


def entry(path="/x", answer=None, *, method="GET", sent=None, headers=None, told=None, status=200, **more):
    """One exchange; `sent` and `answer` are JSON, or texts with their own type."""
    posted, kind, text = {}, "application/json", "" if answer is None else json.dumps(answer)
    if isinstance(answer, tuple):
        kind, text = answer
    if sent is not None:
        mime, body = sent if isinstance(sent, tuple) else ("application/json", json.dumps(sent))
        posted = {"postData": {"mimeType": mime, "text": body}}
    url = A + path if path.startswith("/") else path
    return {
        "request": {"method": method, "url": url, "headers": named(headers or {}), **posted},
        "response": {"status": status, "headers": named(told or {}), "content": {"mimeType": kind, "text": text}},
        **more,
    }


def imported(*entries, **choice):
    text = json.dumps({"log": {"entries": list(entries)}})
    services = choice.pop("services", None)
    return har.convert(text, "x.har", name="visit", choice=har.Choice(**choice), services=services)


def steps(*entries, **choice):
    [(_, content)] = imported(*entries, **choice).documents
    return content["steps"]


def requests(*entries, **choice):
    return [step["request"] for step in steps(*entries, **choice)]


def notes(*entries, **choice):
    return [note.text for note in imported(*entries, **choice).notes]


def test_status_of_the_recording_is_expected_but_a_cached_one_is_not():
    assert [step["expect"] for step in steps(entry(status=201), entry(status=304), entry(status=404))] == [
        {"status": 201},
        {"status": 200},
        {"status": 404},
    ]


@pytest.mark.parametrize(
    "dull",
    [
        entry("/a.png", ("image/png", "")),
        entry("/a.js?v=1", ("text/html", "")),
        entry("/a", ("text/css; charset=utf-8", "")),
        entry("/a", _resourceType="font"),
    ],
)
def test_static_resources_are_left_out_and_counted_unless_asked_for(dull):
    assert len(steps(entry(), dull)) == 1
    assert "left out, images, fonts, styles and scripts (--static keeps them): 1" in notes(entry(), dull)
    assert len(steps(entry(), dull, static=True)) == 2


def test_data_of_a_page_is_kept_whatever_its_name():
    assert len(steps(entry("/report.js", {"a": 1}, _resourceType="fetch"))) == 1


def test_preflights_websockets_and_what_got_no_answer_are_left_out_and_counted():
    dull = [entry(method="OPTIONS"), entry("wss://a/b"), entry(status=0), entry("data:text/plain,x")]
    assert len(steps(entry(), *dull)) == 1
    assert len(notes(entry(), *dull)) == 4


def test_hosts_are_chosen_and_told():
    other = entry("https://b.example.com/y")
    assert "several hosts were asked, choose with --host: a.example.com (1), b.example.com (1)" in notes(
        entry(), other
    )
    assert [request["url"] for request in requests(entry(), other, hosts=frozenset({"b.example.com"}))] == [
        "https://b.example.com/y"
    ]


def test_what_a_browser_adds_is_left_out_with_one_note():
    headers = {":path": "/x", "Host": "a", "User-Agent": "x", "Sec-Fetch-Mode": "cors", "Accept": "*/*", "X-Own": "1"}
    visit = entry(headers=headers)
    assert requests(visit)[0]["headers"] == {"X-Own": "1"}
    assert len(notes(visit)) == 1


def test_origin_is_kept_where_something_is_written():
    headers = {"Origin": A}
    assert [
        request.get("headers") for request in requests(entry(headers=headers), entry(method="POST", headers=headers))
    ] == [
        None,
        {"Origin": A},
    ]


def test_entries_are_played_in_the_order_of_their_start():
    first, second = (
        entry("/1", startedDateTime="2026-01-01T10:00:00Z"),
        entry("/2", startedDateTime="2026-01-01T10:00:01Z"),
    )
    assert [step["name"] for step in steps(second, first)] == ["GET /1", "GET /2"]


def test_token_of_an_answer_is_captured_as_a_secret_and_sent():
    log_in = entry("/login", {"data": {"access_token": "tok-1234567890abcdef"}}, method="POST", sent={"user": "a"})
    look = entry("/me", headers={"Authorization": "Bearer tok-1234567890abcdef"})
    first, second = steps(log_in, look)
    assert first["capture"] == {"access_token": {"jsonpath": "$.data.access_token", "secret": True}}
    assert second["request"]["auth"] == {"bearer": "{{ access_token }}"}
    assert "tok-1234567890abcdef" not in str(first) + str(second)


def test_token_of_nowhere_is_a_secret():
    result = imported(entry(headers={"Authorization": "Bearer tok-1234567890abcdef"}))
    assert result.secrets == ("token",)
    assert "tok-" not in str(result.documents)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (entry("/orders/o-81c2e7/lines"), {"url": A + "/orders/{{ order_id }}/lines"}),
        (entry("/find?ref=o-81c2e7&x=1"), {"url": A + "/find", "params": {"ref": "{{ order_id }}", "x": "1"}}),
        (entry("/x", headers={"X-Order": "o-81c2e7"}), {"url": A + "/x", "headers": {"X-Order": "{{ order_id }}"}}),
        (
            entry("/x", method="POST", sent={"a": [{"o": "o-81c2e7"}]}),
            {"method": "POST", "url": A + "/x", "json": {"a": [{"o": "{{ order_id }}"}]}},
        ),
        (
            entry("/x", method="POST", sent=("application/x-www-form-urlencoded", "o=o-81c2e7")),
            {"method": "POST", "url": A + "/x", "form": {"o": "{{ order_id }}"}},
        ),
        (
            entry("/x", method="POST", sent=("text/plain", "for o-81c2e7, now")),
            {
                "method": "POST",
                "url": A + "/x",
                "headers": {"Content-Type": "text/plain"},
                "text": "for {{ order_id }}, now",
            },
        ),
    ],
)
def test_id_of_an_answer_is_captured_wherever_it_goes(later, expected):
    first, second = steps(entry("/orders", {"id": "o-81c2e7"}, method="POST"), later)
    assert first["capture"] == {"order_id": {"jsonpath": "$.id"}}
    assert second["request"] == expected


def test_short_number_counts_in_a_path_and_under_a_like_name_only():
    first = entry("/users", {"users": [{"id": 7, "age": 12}]})
    later = entry("/users/7?page=7&user_id=7&age=12", method="POST", sent={"user_id": 7, "count": 7, "amount": 12})
    [listed, request] = steps(first, later)
    assert listed["capture"] == {"user_id": {"jsonpath": "$.users[0].id"}}
    assert request["request"]["params"] == {"page": "7", "user_id": "{{ user_id }}", "age": "12"}
    assert request["request"]["json"] == {"user_id": "{{ user_id }}", "count": 7, "amount": 12}


def test_value_the_client_chose_itself_is_no_capture():
    first = entry("/x", {"key": "client-81c2e7"}, method="POST", sent={"key": "client-81c2e7"})
    assert ["capture" in step for step in steps(first, entry("/x/client-81c2e7"))] == [False, False]


@pytest.mark.parametrize(
    "value",
    [
        "APPROVED",
        "EUR",
        "2026-01-31",
        "2026-01-31T10:00:00Z",
        "a few words and a 1",
        "10:15:00",
        "199.99",
        True,
        3.25,
    ],
)
def test_common_values_are_no_captures(value):
    first, later = entry("/x", {"state": value}), entry("/y", method="POST", sent={"state": value})
    assert "capture" not in steps(first, later)[0]


def test_first_answer_that_held_a_value_is_its_origin():
    answers = [entry("/a", {"id": "o-81c2e7"}), entry("/b", {"id": "o-81c2e7"}), entry("/x/o-81c2e7")]
    assert ["capture" in step for step in steps(*answers)] == [True, False, False]


def test_longer_value_is_put_in_before_a_shorter_one_within_it():
    first = entry("/x", {"short": "abc123", "long": "abc123-def456"})
    later = entry("/y", method="POST", sent=("text/plain", "abc123-def456 abc123"))
    assert steps(first, later)[1]["request"]["text"] == "{{ long }} {{ short }}"


def test_header_cookie_and_location_of_an_answer_are_captured():
    told = {"X-Ticket": "t-12345678", "Set-Cookie": "XSRF=x-87654321; Path=/", "Location": "/orders/o-5511"}
    first = entry("/orders", method="POST", told=told, status=201)
    later = entry("/orders/o-5511", headers={"X-Ticket": "t-12345678", "X-XSRF": "x-87654321"})
    made, got = steps(first, later)
    assert made["capture"] == {
        "x_ticket": {"header": "X-Ticket"},
        "xsrf": {"cookie": "XSRF"},
        "order_id": {"header": "Location", "filters": [{"regex": "([^/?#]+)/?(?:[?#].*)?$"}]},
    }
    assert got["request"]["url"] == A + "/orders/{{ order_id }}"


@pytest.mark.parametrize(
    ("page", "pattern"),
    [
        ('<input type="hidden" name="_csrf" value="c-12345678">', r'name=\W?_csrf\W?[^>]*\svalue="([^"]*)'),
        ("<input value='c-12345678' type='hidden' name='_csrf'/>", r"value='([^']*)[^>]*\sname=\W?_csrf\W?"),
        ('<meta name="_csrf" content="c-12345678">', r'name=\W?_csrf\W?[^>]*\scontent="([^"]*)'),
    ],
)
def test_hidden_field_of_a_page_is_captured_by_a_pattern_that_finds_it(page, pattern):
    import re

    first = entry("/form", ("text/html", f"<p>{page}</p>"))
    later = entry("/form", method="POST", sent=("application/x-www-form-urlencoded", "_csrf=c-12345678"))
    assert steps(first, later)[0]["capture"] == {"csrf": {"regex": pattern}}
    assert re.search(pattern, page)[1] == "c-12345678"


def test_whole_address_of_an_answer_is_taken_whole():
    first = entry("/x", {"next": "/x?page=2&cursor=81c2e7", "receipt": A + "/r/81c2e7-0001"})
    _, local, whole = requests(first, entry("/x?page=2&cursor=81c2e7"), entry("/r/81c2e7-0001"))
    assert local["url"] == A + "/{{ next[1:] | raw }}"
    assert whole["url"] == "{{ receipt | raw }}"


def test_cookies_that_answers_set_are_left_to_the_jar_and_others_are_sent_and_told():
    first = entry(told={"Set-Cookie": "sid=abc; HttpOnly"}, headers={"Cookie": "theme=dark; _ga=GA1"})
    later = entry("/y", headers={"Cookie": "theme=dark; sid=abc; auth_token=hush-hush"})
    assert [request.get("cookies") for request in requests(first, later)] == [
        {"theme": "dark"},
        {"theme": "dark", "auth_token": "{{ secrets.auth_token }}"},
    ]
    assert "the cookie `theme` was set before the recording; it is sent as it was" in notes(first, later)


def test_password_of_a_form_is_a_secret():
    visit = entry(method="POST", sent=("application/x-www-form-urlencoded", "user=ada&password=hush-hush"))
    assert requests(visit)[0]["form"] == {"user": "ada", "password": "{{ secrets.password }}"}


def test_parts_of_an_upload_are_kept_and_its_file_is_told():
    visit = entry(method="POST")
    params = [{"name": "f", "fileName": "a.png", "contentType": "image/png"}, {"name": "n", "value": "1"}]
    visit["request"]["postData"] = {"mimeType": "multipart/form-data; boundary=x", "params": params}
    result = imported(visit)
    assert result.documents[0][1]["steps"][0]["request"]["multipart"] == {
        "f": {"file": "a.png", "type": "image/png"},
        "n": "1",
    }
    assert result.files == ("a.png",)


def test_answer_in_base64_is_read():
    first = entry("/x", ("application/json", base64.b64encode(b'{"id": "o-81c2e7"}').decode()))
    first["response"]["content"]["encoding"] = "base64"
    assert "capture" in steps(first, entry("/x/o-81c2e7"))[0]


def test_service_takes_the_place_of_its_address():
    assert requests(entry("/v1/x"), services={"api": A + "/v1"})[0]["url"] == "service://api/x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"log":\n  {"entries": [}', "x.har:2:16: not JSON"),
        ("{}", "no HAR recording: `log.entries` is no list"),
        ('{"log": {"entries": []}}', "no request of this recording is left"),
    ],
)
def test_what_is_no_recording_is_told(text, problem):
    with pytest.raises(DocumentError, match=problem):
        har.convert(text, "x.har", name="x")


def test_large_recording_is_read_in_seconds_and_bounded():
    body = {"items": [{"id": f"item-{number:06d}", "text": "x" * 500} for number in range(2000)]}
    visits = [entry(f"/p/{number}", body if number % 100 == 0 else {"n": number}) for number in range(2100)]
    visits.append(entry("/i/item-001999"))
    result = imported(*visits)
    assert result.converted["requests"] == har.MAX_STEPS
    assert "left out, requests beyond the first 2000: 101" in [note.text for note in result.notes]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-01-01T10:00:00.5Z", "2026-01-01T11:00:00.4+00:30"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.001Z"),
        ("2026-01-01T12:00:00+05:00", "2026-01-01T11:00:00Z"),
        ("2026-01-01T10:00:00", "2026-01-01T10:00:00.0000019Z"),
    ],
)
def test_order_is_that_of_the_instants_however_they_are_written(first, second):
    found = requests(entry("/2", startedDateTime=second), entry("/1", startedDateTime=first))
    assert [one["url"] for one in found] == [f"{A}/1", f"{A}/2"]


def test_requests_of_one_instant_stay_as_they_were_recorded():
    same = [entry(f"/{name}", startedDateTime=f"2026-01-01T1{hour}:00:00+0{hour}:00") for name, hour in ("b1", "a0")]
    assert [one["url"] for one in requests(*same)] == [f"{A}/b", f"{A}/a"]


@pytest.mark.parametrize("odd", ["yesterday", None, 5])
def test_order_is_that_of_the_recording_where_a_time_is_none(odd):
    found = requests(entry("/2", startedDateTime="2026-01-02T00:00:00Z"), entry("/1", startedDateTime=odd))
    assert [one["url"] for one in found] == [f"{A}/2", f"{A}/1"]


def test_request_with_a_method_no_step_can_have_is_left_out_and_told():
    assert [one["url"] for one in requests(entry("/s", method="M-SEARCH"), entry("/x"))] == [f"{A}/x"]
    assert "left out, requests with the method `M-SEARCH`: 1" in notes(entry("/s", method="M-SEARCH"), entry("/x"))


def coded(content, name, mime="application/json"):
    made = entry(method="POST", sent=(mime, base64.b64encode(content).decode()))
    made["request"]["postData"][name] = "base64"
    return made


@pytest.mark.parametrize("name", ["encoding", "_encoding"])
def test_posted_base64_is_decoded(name):
    assert requests(coded('{"a": "é"}'.encode(), name))[0]["json"] == {"a": "é"}


@pytest.mark.parametrize("name", ["encoding", "_encoding"])
def test_posted_bytes_are_a_file_to_put_beside(name):
    made = coded(b"\xff\x00", name, "image/png")
    [found] = requests(made)
    assert (found["file"], found["headers"]) == ("request-body-1.bin", {"Content-Type": "image/png"})
    assert imported(made).files == ("request-body-1.bin",)
    assert [note for note in notes(made) if "write them into `request-body-1.bin`" in note]


def test_two_posted_bodies_of_bytes_are_two_files():
    made = (coded(b"\xff", "encoding"), coded(b"\xfe", "encoding"))
    assert [one["file"] for one in requests(*made)] == ["request-body-1.bin", "request-body-2.bin"]


def test_posted_base64_that_is_none_is_told():
    made = entry(method="POST", sent=("text/plain", "a"))
    made["request"]["postData"]["encoding"] = "base64"
    assert "body" not in str(requests(made))
    assert [note for note in notes(made) if "said to be base64" in note]


@pytest.mark.parametrize("text", ["", "the beginn"])
def test_what_a_recording_says_of_a_body_it_left_out_or_cut_is_told(text):
    made = entry(method="POST")
    made["request"]["postData"] = {"mimeType": "text/plain", "params": [], "text": text, "comment": "9000 bytes"}
    assert [note for note in notes(made) if "the recording says of the body: `9000 bytes`" in note]
