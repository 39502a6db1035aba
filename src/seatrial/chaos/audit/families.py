"""The 33 defects by name, and the families the audit tells apart from outside, with severity and advice.

Pure data. A family is told by one signature (`signatures`); what no family names is not tried.
"""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.chaos.audit.model import Family, Severity

DEFECTS: Mapping[int, str] = {
    1: "no timeout",
    2: "connect timeout only",
    3: "per-read timeout, no deadline",
    4: "timeout longer than the caller's",
    5: "no breaker",
    6: "breaker never half-opens",
    7: "breaker closes on time, no trial",
    8: "thundering half-open",
    9: "consecutive-only breaker",
    10: "breaker ignores 5xx",
    11: "breaker counts 4xx",
    12: "breaker ignores slowness",
    13: "shared breaker",
    14: "breaker made per request",
    15: "breaker around an un-awaited call",
    16: "lock held across the call",
    17: "retry storm",
    18: "retry without back-off or jitter",
    19: "non-idempotent request retried",
    20: "retry around an open breaker",
    21: "4xx retried, Retry-After ignored",
    22: "no bulkhead",
    23: "unbounded queue",
    24: "fallback missing, wrong or sticky",
    25: "fallback needs the same dependency",
    26: "stale pooled connections",
    27: "address cached",
    28: "health endpoint lies, or is too deep",
    29: "start needs the dependency",
    30: "leak per failed call",
    31: "truncated body accepted",
    32: "losers of hedge or retry not cancelled",
    33: "no graceful shutdown",
}

UNTRIABLE: Mapping[int, str] = {27: "who calls through a proxy is given its address, which never moves"}
"""Why no audit tries them: it sees by the proxies alone."""

NO_TIMEOUT = Family(
    "no timeout",
    (1, 2),
    "waits for ever for an answer",
    Severity.HIGH,
    "bound every call as a whole, from connecting to the last byte, and shorter than the caller's own caller waits",
    explains=("no working breaker", "too patient", "trials", "breaker ignores slowness", "timeout per read"),
)
TOO_PATIENT = Family(
    "too patient",
    (4,),
    "waits longer for its dependency than its own caller waits for it",
    Severity.MEDIUM,
    "make the timeout shorter than the callers', or end the call when the caller has gone",
    explains=("breaker ignores slowness", "timeout per read"),
)
NO_BREAKER = Family(
    "no working breaker",
    (5, 13, 14, 15),
    "no working breaker: none, one made for every call, one whose calls are awaited outside of it, or one that other "
    "dependencies keep closed",
    Severity.HIGH,
    "put one breaker round the edge, and no other, that outlives its calls, and await the call inside of it",
    explains=("breaker ignores slowness", "trials", "breaker ignores errors", "breaker counts in a row"),
)
STAYS_OPEN = Family(
    "stays open",
    (6,),
    "the breaker never tries again",
    Severity.HIGH,
    "let one trial call through when the breaker has been open for its time",
)
TRIALS = Family(
    "trials",
    (7, 8),
    "more calls than promised when the breaker's time is over: no trial, or many at once",
    Severity.MEDIUM,
    "half-open with one trial call; refuse the others until it has been answered",
)
IGNORES_SLOWNESS = Family(
    "breaker ignores slowness",
    (12,),
    "the breaker ignores answers that come just within the timeout",
    Severity.MEDIUM,
    "count an answer that took most of the timeout as a failure",
)
SHARED = Family(
    "shared breaker",
    (13,),
    "one breaker for several dependencies",
    Severity.HIGH,
    "give each dependency a breaker of its own",
    explains=("no working breaker", "breaker ignores slowness", "breaker ignores errors", "breaker counts in a row"),
    of_caller=True,  # where others' good answers outweigh an edge's failures, they keep its breaker closed
)
LOCK = Family(
    "lock across the call",
    (16,),
    "one call at a time: a lock is held while it waits",
    Severity.MEDIUM,
    "hold no lock across a call; protect only the state, before and after it",
    explains=("no working breaker", "retries around the breaker", "no bulkhead", "endless queue"),
)
FALLBACK = Family(
    "no fallback",
    (24, 25),
    "fails without a dependency that it calls optional: no fallback, or one that needs the same dependency",
    Severity.MEDIUM,
    "answer without what is missing, and say so; let the fallback need nothing that may be out",
)

PER_READ = Family(
    "timeout per read",
    (3,),
    "bounds each read of an answer, but not the whole of it",
    Severity.MEDIUM,
    "give every call a deadline, from connecting to the last byte",
)
STAYS_AWAY = Family(
    "stays away",
    (6, 24),
    "a dependency it can do without is never called again: the breaker stays open, or the fallback sticks",
    Severity.MEDIUM,
    "let one trial call through after a while, and fall back only for the request that failed",
)
CONSECUTIVE = Family(
    "breaker counts in a row",
    (9,),
    "the breaker opens only for failures in a row",
    Severity.MEDIUM,
    "count the share of failures within a window, too",
)
IGNORES_ERRORS = Family(
    "breaker ignores errors",
    (10,),
    "the breaker takes a 5xx for a good answer",
    Severity.MEDIUM,
    "count an answer of 5xx as a failure of the dependency",
    explains=("breaker counts in a row",),
)
COUNTS_REJECTIONS = Family(
    "breaker counts 4xx",
    (11,),
    "the breaker takes a 4xx for a failure of the dependency",
    Severity.MEDIUM,
    "count no 4xx but, if at all, 408 and 429: the request was wrong, not the dependency",
    explains=("stale connections",),
)
STORM = Family(
    "retry storm",
    (17,),
    "retries multiply",
    Severity.HIGH,
    "retry at one layer only, by a budget of some percent of the calls",
    explains=("no back-off", "4xx again", "breaker counts in a row"),
)
NO_BACK_OFF = Family(
    "no back-off",
    (18,),
    "retries at once",
    Severity.LOW,
    "wait before a retry, longer each time, and draw part of the pause by chance",
)
UNSAFE_AGAIN = Family(
    "unsafe retry",
    (19,),
    "sends a request again that is not idempotent",
    Severity.HIGH,
    "retry only what is idempotent, or send the same idempotency key with it",
)
AROUND_BREAKER = Family(
    "retries around the breaker",
    (20,),
    "goes on trying while its breaker is open",
    Severity.MEDIUM,
    "put retries inside of the breaker, or end them when it is open",
    explains=("breaker counts in a row",),
)
REJECTION_AGAIN = Family(
    "4xx again",
    (21,),
    "retries what was refused with a 4xx",
    Severity.LOW,
    "retry no 4xx but 408 and 429, and those when Retry-After says",
)
NO_BULKHEAD = Family(
    "no bulkhead",
    (22,),
    "one pool for the calls to all dependencies: when one is slow, so is what needs another",
    Severity.HIGH,
    "give each dependency places of its own, and refuse at once what finds none",
)
ENDLESS_QUEUE = Family(
    "endless queue",
    (23,),
    "what piles up while a dependency is slow stays when it is fast again",
    Severity.HIGH,
    "bound the queue, refuse what does not fit, and drop what nobody waits for any more",
    explains=("no bulkhead",),
)
HEALTH = Family(
    "health too deep",
    (28,),
    "its health path fails without a dependency it can do without",
    Severity.MEDIUM,
    "let liveness ask nobody, and readiness only what no answer can do without",
)
NOT_READY = Family(
    "ready and not",
    (28,),
    "says that it is ready while all that needs a dependency fails",
    Severity.MEDIUM,
    "let readiness ask for what no answer can do without, and go by what the calls to it come to",
)
PASSED_OFF = Family(
    "fallback passed off",
    (24,),
    "gives its fallback out as the real answer",
    Severity.MEDIUM,
    "say in the answer that it is degraded, and what is missing",
)
NO_GRACE = Family(
    "no grace",
    (33,),
    "breaks off what is under way when it is told to end",
    Severity.HIGH,
    "on TERM take no new requests, answer those that are under way, then end",
)
TRUNCATED = Family(
    "cut short and believed",
    (31,),
    "takes an answer that was cut short for a whole one",
    Severity.HIGH,
    "hold the body against Content-Length and against what it must contain",
)
LEAK = Family(
    "leak",
    (30,),
    "leaves a connection open for each failed call",
    Severity.HIGH,
    "read or close every answer, also of a call that failed, before its connection is forgotten",
)
START_NEEDS = Family(
    "start needs",
    (29,),
    "does not start without its dependency",
    Severity.MEDIUM,
    "start without it, say that you are not ready, and try again until it is there",
)
STALE = Family(
    "stale connections",
    (26,),
    "uses kept connections that the other side has closed",
    Severity.MEDIUM,
    "look whether a kept connection stands before it is used, keep it for less long than the other side does, and "
    "send what is idempotent again on a new one",
)
LOSERS = Family(
    "losers run on",
    (32,),
    "does not cancel the call that lost a race, or that it has given up",
    Severity.MEDIUM,
    "cancel what is still under way for a request when that has been answered",
    explains=("no timeout", "timeout per read"),
)

FAMILIES: tuple[Family, ...] = (
    NO_TIMEOUT,
    TOO_PATIENT,
    NO_BREAKER,
    STAYS_OPEN,
    TRIALS,
    IGNORES_SLOWNESS,
    SHARED,
    LOCK,
    FALLBACK,
    PER_READ,
    STAYS_AWAY,
    CONSECUTIVE,
    IGNORES_ERRORS,
    COUNTS_REJECTIONS,
    STORM,
    NO_BACK_OFF,
    UNSAFE_AGAIN,
    AROUND_BREAKER,
    REJECTION_AGAIN,
    HEALTH,
    NOT_READY,
    PASSED_OFF,
    NO_GRACE,
    TRUNCATED,
    NO_BULKHEAD,
    ENDLESS_QUEUE,
    LEAK,
    START_NEEDS,
    STALE,
    LOSERS,
)
