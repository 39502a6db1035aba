"""Two shops to hold against each other, and what `seatrial diff` says of them."""

from __future__ import annotations

import json

LOOK = "- {name: look, request: {url: /card}, expect: {status: 200}}"


def fields(ended):
    """What is no noise, as `path kind`."""
    told = json.loads(ended.out)["fields"]
    return sorted(f"{one['path']} {one['kind']}" for one in told if one["standing"] == "difference")


def card(**more):
    return {"id": 7, "state": "ACTIVE", "tags": ["a", "b"], "items": [{"n": 1}, {"n": 2}], **more}


HAR = {
    "log": {
        "version": "1.2",
        "entries": [
            {
                "startedDateTime": f"2024-01-01T00:00:0{number}Z",
                "request": {
                    "method": method,
                    "url": f"https://shop.example.com{path}",
                    "headers": [{"name": "Authorization", "value": "Bearer captured-token-1"}],
                    "postData": {"mimeType": "application/json", "text": "{}"} if method == "POST" else None,
                },
                "response": {"status": 200, "content": {"mimeType": "application/json"}},
            }
            for number, (method, path) in enumerate([("GET", "/card/1?x=1"), ("GET", "/card/2"), ("POST", "/buy")])
        ],
    }
}
