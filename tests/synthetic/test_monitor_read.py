"""Monitors and channels are read with their defaults, and every mistake is told with its place."""

import pytest

from seatrial.errors import DocumentError
from seatrial.synthetic.model import ChannelKind, Confirm, DownRule, Severity
from seatrial.synthetic.read import read_synthetic

CHANNEL = """\
channel: ops-webhook
kind: webhook
url: https://hooks.example/ops
secret: {env: OPS_WEBHOOK_SECRET}
"""
MONITOR = """\
monitor: payments
version: 1
scenarios: [pay with a card]
every: 30s
realm: prod
confirm: {retries: 2, after: 500ms}
deadline: 10s
alerts:
  down: {after: 5, severity: ticket}
  routes: {ticket: [ops-webhook]}
"""
SCENARIOS = ("pay with a card", "freeze a card")


@pytest.fixture
def read(tmp_path):
    def read(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return read_synthetic(tmp_path, scenarios=SCENARIOS)

    return read


def test_a_whole_monitor_is_read(read):
    (monitor,), channels = read(a=MONITOR, ops=CHANNEL)
    assert (monitor.name, monitor.scenarios, monitor.realm) == ("payments", ("pay with a card",), "prod")
    assert (monitor.every_s, monitor.deadline_s) == (30.0, 10.0)
    assert (monitor.confirm, monitor.down) == (Confirm(2, 0.5), DownRule(5, Severity.TICKET))
    assert monitor.routes == {Severity.TICKET: ("ops-webhook",)}
    channel = channels["ops-webhook"]
    assert (channel.kind, channel.url, channel.url_env) == (ChannelKind.WEBHOOK, "https://hooks.example/ops", None)
    assert channel.secret_env == "OPS_WEBHOOK_SECRET"


def test_a_short_monitor_has_the_defaults(read):
    (monitor,), channels = read(a="monitor: payments\nscenarios: [pay with a card]\nevery: 10s\n")
    assert (monitor.realm, monitor.deadline_s, monitor.routes, channels) == (None, 10.0, {}, {})
    assert (monitor.confirm, monitor.down) == (Confirm(1, 2.0), DownRule(3, Severity.PAGE))


def test_a_channels_address_may_stand_in_the_environment(read):
    _, channels = read(ops="channel: ops\nkind: webhook\nurl: {env: OPS_URL}\n")
    assert (channels["ops"].url, channels["ops"].url_env, channels["ops"].secret_env) == (None, "OPS_URL", None)


def test_a_folder_that_is_not_there_holds_no_monitors(tmp_path):
    assert read_synthetic(tmp_path / "none", scenarios=()) == ((), {})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("every: 30s", 'cron: "*/5 * * * *"', "a.yaml:4:1: 'cron' is not there yet; write `every: 5m`"),
        ("realm: prod", "locations: {quorum: majority}", "a.yaml:5:1: 'locations' is not there yet"),
        ("realm: prod", "maintenance: []", "a.yaml:5:1: 'maintenance' is not there yet"),
        ("realm: prod", "heartbeat: https://x.example", "a.yaml:5:1: 'heartbeat' is not there yet"),
        ("alerts:", "alerts:\n  budget: standard", "a.yaml:9:3: 'alerts.budget' is not there yet"),
        ("alerts:", "alerts:\n  cert_days_left: {lt: 14}", "a.yaml:9:3: 'alerts.cert_days_left' is not there yet"),
        ("every:", "evry:", "a.yaml:4:1: unknown key 'evry'; did you mean 'every'?"),
        ("every: 30s", "every: 30", "a.yaml:4:8: '30' is not a duration"),
        ("every: 30s", "every: 500ms", "a.yaml:4:8: more often than once a second"),
        ("deadline: 10s", "deadline: 31s", "a.yaml:7:11: a deadline of 31 s does not fit into every 30 s"),
        ("deadline: 10s", "deadline: 0s", "a.yaml:7:11: a deadline of 0 ms does not fit"),
        ("[pay with a card]", "[pay wit a card]", "a.yaml:3:13: no scenario 'pay wit a card'; did you mean 'pay"),
        ("[pay with a card]", "[]", "a.yaml:3:12: "),
        ("[pay with a card]", "[freeze a card, freeze a card]", "a.yaml:3:28: 'freeze a card' stands here twice"),
        ("[ops-webhook]", "[ops-webhok]", "a.yaml:10:21: no channel 'ops-webhok'; did you mean 'ops-webhook'?"),
        ("{ticket: [", "{page: [", "a.yaml:10:11: no route for 'ticket', the severity of `down`; add"),
        ("severity: ticket", "severity: pager", "a.yaml:9:30: 'pager': input should be 'page' or 'ticket'"),
        ("after: 5", "after: 0", "a.yaml:9:17: 0: "),
        ("monitor: payments", "montor: payments", "a.yaml:1:1: unknown kind of document 'montor'; did you mean"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(read, old, new, told):
    assert old in MONITOR
    with pytest.raises(DocumentError) as caught:
        read(a=MONITOR.replace(old, new), ops=CHANNEL)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("https://hooks.example/ops", "hooks.example/ops", "ops.yaml:3:6: "),
        ("kind: webhook", "kind: pigeon", "ops.yaml:2:7: 'pigeon'"),
        ("{env: OPS_WEBHOOK_SECRET}", "s3cret", "ops.yaml:4:9: "),
    ],
)
def test_a_channels_mistake_is_told_with_its_place(read, old, new, told):
    with pytest.raises(DocumentError) as caught:
        read(ops=CHANNEL.replace(old, new))
    assert told in str(caught.value)


def test_two_monitors_of_one_name_are_refused(read):
    with pytest.raises(
        DocumentError, match=r"b\.yaml:1:10: a second monitor 'payments'; the first is at .*a\.yaml:1:10"
    ):
        read(a=MONITOR, b=MONITOR, ops=CHANNEL)
