"""Every way to say who sends a request, by its standard."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse

import pytest

from seatrial.exchange import Request
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.moves import Claim, Send, Settle
from seatrial.scenarios.once import Onces
from seatrial.scenarios.sending.aws import Signer, sign


def authorization(request):
    """The header's value."""
    return dict(request.headers).get("Authorization")


@pytest.mark.parametrize(
    ("key", "url", "header"),
    [
        ("{name: X-Key, value: '{{ k }}'}", "http://api.test/?a=1", "s e"),
        ("{name: key, value: '{{ k }}', in: query}", "http://api.test/?a=1&key=s%20e", None),
    ],
)
def test_an_api_key_travels_where_it_is_told_to(journey, run, key, url, header):
    scenario = journey(f"- {{request: {{url: '/?a=1', auth: {{api_key: {key}}}}}, expect: {{status: 200}}}}")
    [sent] = run(scenario, variables={"k": "s e"}).requests
    assert (sent.url, dict(sent.headers).get("X-Key")) == (url, header)


# The vectors AWS publishes with its description of the algorithm ("get-vanilla" and its relatives).
SIGNER = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
AT = 1440938160.0  # 2015-08-30T12:36:00Z


@pytest.mark.parametrize(
    ("method", "path", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("GET", "/?Param1=value2&Param1=value1", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"),
    ],
)
def test_aws_signatures_are_those_of_the_published_vectors(method, path, signature):
    headers = dict(sign(Request(method, f"http://example.amazonaws.com{path}"), SIGNER, at=AT))
    assert headers["X-Amz-Date"] == "20150830T123600Z"
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://Api.Test:80", "api.test"),
        ("https://api.test:80", "api.test:80"),
        ("http://u:p@[::80]", "[::80]"),
        ("http://api.test:99999", "api.test:99999"),
    ],
)
def test_aws_signs_the_host_as_it_is_sent_and_leaves_bad_ports_to_the_door(address, host):
    asked = [Request("GET", f"{address}/"), Request("GET", "http://x.test/", (("Host", host),))]
    one, other = (sign(request, SIGNER, at=AT) for request in asked)
    assert one == other


def test_aws_signs_token_and_content_of_the_rendered_request(journey, run):
    auth = "{access_key: AK, secret_key: '{{ s }}', region: eu-west-1, service: s3, session_token: tok}"
    scenario = journey(f"- {{request: {{method: PUT, url: /a, text: hi, auth: {{aws_sigv4: {auth}}}}}}}")
    [sent] = run(scenario, variables={"s": "SK"}).requests
    headers = dict(sent.headers)
    assert headers["X-Amz-Content-Sha256"] == hashlib.sha256(b"hi").hexdigest()
    assert "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token" in authorization(
        sent
    )


DIGEST = "- {request: {url: /d, auth: {digest: {user: Mufasa, password: Circle of Life}}}, expect: {status: 200}}"
CHALLENGE = 'Digest realm="r", qop="auth", algorithm=SHA-256, nonce="n0nce", opaque="o"'


def test_a_digest_challenge_is_answered_with_a_second_request(journey, run, canned):
    played = run(journey(DIGEST), canned.ok(401, headers=(("WWW-Authenticate", CHALLENGE),)), canned.ok(), once=True)
    first, second = played.requests
    assert authorization(first) is None
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', authorization(second)))

    def sha(text):
        return hashlib.sha256(text.encode()).hexdigest()

    proof = ":".join(("n0nce", given["nc"], given["cnonce"], "auth", sha("GET:/d")))
    assert given["response"] == sha(f"{sha('Mufasa:r:Circle of Life')}:{proof}")
    assert played.result.passed


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="r"',
        "Digest nonsense",
        'Digest algorithm=none, nonce="n"',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r", nonce="n", qop="auth-conf"',
        'Digest realm="r", nonce="n", algorithm=SHA-1024',
        "Digest ,",
        "Digest",
    ],
)
def test_a_challenge_that_cannot_be_answered_stays_a_401(journey, run, canned, challenge):
    played = run(journey(DIGEST), canned.ok(401, headers=(("WWW-Authenticate", challenge),)))
    assert len(played.requests) == 1
    assert played.told[0].status == 401


OAUTH = """
    - request:
        url: /a
        auth:
          oauth2:
            token_url: service://cards/token
            client_id: me
            client_secret: "s:1"
            scope: a b
            params: {audience: x}
      expect: {status: 200}
"""


def test_client_credentials_fetch_a_token_and_send_it(journey, run, canned):
    played = run(journey(OAUTH), canned.ok(200, {"access_token": "t0ken", "expires_in": 60}), canned.ok())
    token, asked = played.requests
    assert (token.method, token.url) == ("POST", "http://cards.test:81/v1/token")
    assert urllib.parse.parse_qs(token.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "audience": ["x"],
    }
    assert authorization(token) == f"Basic {base64.b64encode(b'me:s%3A1').decode()}"  # RFC 6749, 2.3.1
    ids = {"traceparent", "X-Request-Id"}
    assert ids <= {name for name, _ in token.headers}
    assert authorization(asked) == "Bearer t0ken"
    assert [move.hop for move in played.moves if isinstance(move, Send)] == [-1, 0]


def test_a_token_is_fetched_once_for_a_run_and_masked(journey, run, canned):
    onces = Onces()
    run(journey(OAUTH), canned.ok(200, {"access_token": "t0ken"}), canned.ok(), onces=onces)
    second = run(journey(OAUTH), canned.ok(), onces=onces)
    assert [authorization(sent) for sent in second.requests] == ["Bearer t0ken"]
    assert second.context.secrets.redact("t0ken") == "***(token)"


def test_an_expired_token_is_fetched_anew(journey, run, canned):
    onces = Onces()
    run(journey(OAUTH), canned.ok(200, {"access_token": "old", "expires_in": 1}), canned.ok(), onces=onces)
    second = run(journey(OAUTH), canned.ok(200, {"access_token": "new1"}), canned.ok(), onces=onces)
    assert authorization(second.requests[-1]) == "Bearer new1"


def test_a_refused_token_fails_the_step_and_leaves_the_next_to_try(journey, run, canned):
    played = run(journey(OAUTH), canned.ok(400, {"error": "invalid_client"}))
    assert played.summaries == ["no token from http://cards.test:81/v1/token: status 400, invalid_client"]
    claim, settle = (move for move in played.moves if isinstance(move, (Claim, Settle)))
    assert (settle.key, settle.outputs) == (claim.key, None)


def test_every_token_of_the_answer_is_masked(journey, run, canned):
    tokens = {"access_token": "acc-1234", "refresh_token": "ref-1234", "id_token": "idt-1234"}
    secrets = run(journey(OAUTH), canned.ok(200, tokens), canned.ok()).context.secrets
    assert secrets.redact("acc-1234 ref-1234 idt-1234") == "***(token) ***(refresh_token) ***(id_token)"


def test_other_params_are_another_token(journey, run, canned):
    onces, token = Onces(), canned.ok(200, {"access_token": "t0ken"})
    run(journey(OAUTH), token, canned.ok(), onces=onces)
    other = run(journey(OAUTH.replace("audience", "resource")), token, canned.ok(), onces=onces)
    assert len(other.requests) == 2


def test_a_token_server_that_is_down_breaks_the_step_and_is_tried_again(journey, run, canned):
    step = OAUTH.rstrip() + "\n      retry: {max: 2, interval: 0s, on: [broken]}\n"
    played = run(journey(step), canned.broken(Cause.REFUSED), canned.ok(200, {"access_token": "t0ken"}), canned.ok())
    assert [(told.cause, told.outcome) for told in played.told] == [
        (Cause.REFUSED, Outcome.BROKEN),
        (None, Outcome.OK),
    ]


def test_a_refused_token_is_a_status_and_not_a_template(journey, run, canned):
    [told] = run(journey(OAUTH), canned.ok(401, {})).told
    assert (told.cause, told.outcome) == (Cause.STATUS, Outcome.UNEXPECTED)


def test_the_token_comes_out_of_the_steps_own_time(journey, run, canned):
    step = OAUTH.rstrip() + "\n      timeout: 2s\n"
    played = run(journey(step), canned.ok(200, {"access_token": "t0ken"}, latency_s=1.5), canned.ok(latency_s=0.25))
    assert [sent.timeout_s for sent in played.requests] == [2.0, 0.5]
    assert played.told[0].latency_s == 1.75


def test_a_step_that_says_what_authorizes_it_gets_no_token(journey, run, canned):
    step = OAUTH.replace("url: /a", "url: /a\n        headers: {Authorization: Mine}")
    asked = run(journey(step), canned.ok(200, {"access_token": "t0ken"}), canned.ok()).requests[-1]
    assert [value for name, value in asked.headers if name == "Authorization"] == ["Mine"]


def test_a_digest_is_answered_behind_a_redirect_too_for_its_own_address(journey, run, canned):
    challenge = canned.ok(401, headers=(("WWW-Authenticate", CHALLENGE),))
    step = DIGEST.replace("url: /d", "url: /d, follow: true")
    played = run(
        journey(step), challenge, canned.ok(302, headers=(("Location", "/e"),)), challenge, canned.ok(), once=True
    )
    assert [sent.url[-2:] for sent in played.requests] == ["/d", "/d", "/e", "/e"]
    assert [authorization(sent) is not None for sent in played.requests] == [False, True, False, True]
    assert 'uri="/e"' in authorization(played.requests[-1])


def test_aws_signs_anew_what_a_redirect_leads_to(journey, run, canned):
    auth = "{access_key: AK, secret_key: SK, region: eu-west-1, service: x}"
    step = f"- request: {{url: /a, follow: true, auth: {{aws_sigv4: {auth}}}}}"
    first, second = run(journey(step), canned.ok(302, headers=(("Location", "/b"),)), canned.ok()).requests
    assert authorization(first) != authorization(second)
    assert [name for name, _ in second.headers].count("X-Amz-Date") == 1


def test_two_ways_at_once_are_refused_by_name(journey):
    from seatrial.errors import DocumentError

    with pytest.raises(DocumentError, match="one way to authenticate is needed"):
        journey("- request: {url: /, auth: {bearer: a, digest: {user: a, password: b}}}")


def test_what_is_sent_to_authorize_us_is_masked_wherever_else_it_shows(journey, run):
    steps = (
        "- request: {url: /, headers: {Authorization: Bearer tok-12345}}\n"
        "- request: {url: /, auth: {basic: {user: ada, password: pass-12345}}}\n"
        "- request: {url: /, headers: {Authorization: Basic ???}}"
    )
    secrets = run(journey(steps)).context.secrets
    assert secrets.redact("tok-12345 pass-12345 ada") == "***(token) ***(password) ada"
