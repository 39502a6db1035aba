"""A server for .hurl files that notes what it got."""

from __future__ import annotations

import json

DOCUMENT = json.dumps(
    {
        "id": 7,
        "name": "ada",
        "half": 1.5,
        "yes": True,
        "none": None,
        "list": [1, 2, 3],
        "empty": [],
        "obj": {"a": 1},
        "uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "date": "2026-01-31T12:00:00Z",
        "future": "2999-01-31",
        "ip": "10.0.0.1",
        "ip6": "::1",
        "big": 123456789012345678901234567890,
        "items": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}],
        "text": "a,b,c",
        "html": "<a&b>",
        "b64": "aGVsbG8=",
        "link": "http://h/p?x=1&y=a%20b",
        "number": "42",
        "quoted": '{"k": [1, 2]}',
    }
).encode()
