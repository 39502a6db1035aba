"""The path of a URL without its `.` and `..`, as every client sends it. Pure; shared by the httpx door and the load
child, because httpx loses the slash at the end of `/a/..`."""

from __future__ import annotations


def resolved(path: str) -> str:
    """The path without dot segments (RFC 3986, 5.2.4); `..` leads no higher than the root."""
    if "/." not in path:
        return path
    parts: list[str] = []
    *segments, last = path.split("/")
    for segment in (*segments, last):
        if segment == ".." and len(parts) > 1:
            parts.pop()
        elif segment not in (".", ".."):
            parts.append(segment)
    return "/".join((*parts, "")) if last in (".", "..") else "/".join(parts)
