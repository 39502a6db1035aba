"""Which options there are for `.hurl` files, for whoever offers them to a user. Imports nothing but the language."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Takes(enum.Enum):
    """What follows an option's name."""

    NOTHING = enum.auto()
    ONE = enum.auto()
    MANY = enum.auto()


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option: its name without dashes, what it takes, what it is for."""

    name: str
    takes: Takes
    help: str
    metavar: str = ""


HURL_OPTIONS: tuple[OptionSpec, ...] = (
    OptionSpec("variable", Takes.MANY, "a variable of a .hurl file, typed by its look", "NAME=VALUE"),
    OptionSpec("variables-file", Takes.MANY, "a file of lines NAME=VALUE", "FILE"),
    OptionSpec("secret", Takes.MANY, "a variable that is masked wherever it would be shown", "NAME=VALUE"),
    OptionSpec("location", Takes.NOTHING, "follow redirects"),
    OptionSpec("location-trusted", Takes.NOTHING, "follow redirects and send credentials to every host"),
    OptionSpec("max-redirs", Takes.ONE, "how many redirects are followed, -1 for any number", "NUM"),
    OptionSpec("insecure", Takes.NOTHING, "accept any certificate"),
    OptionSpec("compressed", Takes.NOTHING, "ask for a compressed answer"),
    OptionSpec("retry", Takes.ONE, "how often a failing request is tried again, -1 for any number", "NUM"),
    OptionSpec("retry-interval", Takes.ONE, "the wait before trying again, in ms unless it has a unit", "TIME"),
    OptionSpec("delay", Takes.ONE, "the wait before each request, in ms unless it has a unit", "TIME"),
    OptionSpec("repeat", Takes.ONE, "how often the file is played", "NUM"),
    OptionSpec("user", Takes.ONE, "user and password of every request", "USER:PASSWORD"),
    OptionSpec("user-agent", Takes.ONE, "the User-Agent of every request", "NAME"),
    OptionSpec("header", Takes.MANY, "a header of every request", "HEADER"),
    OptionSpec("cookie", Takes.ONE, "a file of cookies in Netscape's format to begin with", "FILE"),
    OptionSpec("no-cookie-store", Takes.NOTHING, "keep no cookies"),
    OptionSpec("max-time", Takes.ONE, "how long one request may take, in s unless it has a unit", "TIME"),
    OptionSpec("connect-timeout", Takes.ONE, "how long connecting may take, in s unless it has a unit", "TIME"),
    OptionSpec("file-root", Takes.ONE, "the folder of files a .hurl file names", "DIR"),
    OptionSpec("from-entry", Takes.ONE, "the first entry to play, counted from 1", "NUM"),
    OptionSpec("to-entry", Takes.ONE, "the last entry to play", "NUM"),
    OptionSpec("ignore-asserts", Takes.NOTHING, "check nothing of the answers"),
    OptionSpec("no-assert", Takes.NOTHING, "the same, under Hurl 8's name"),
    OptionSpec("continue-on-error", Takes.NOTHING, "go on after a failing request"),
    OptionSpec("path-as-is", Takes.NOTHING, "leave /../ and /./ in URLs as they are"),
    OptionSpec("http1.0", Takes.NOTHING, "HTTP/1.0, which httpx cannot speak"),
    OptionSpec("http1.1", Takes.NOTHING, "HTTP/1.1"),
    OptionSpec("http2", Takes.NOTHING, "HTTP/2"),
)
