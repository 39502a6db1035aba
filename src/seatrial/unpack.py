"""The body of an answer: its content encodings taken off piece by piece, never more than the limit held.

Takes pieces as they come, gives the body and what came on the wire; what cannot be unpacked is an `Unpackable` with
the taxonomy's word. gzip and deflate are zlib's; br and zstd need a package and are named when it is missing. Every
decoder is asked for no more than one byte over the limit, so that a small answer cannot unpack into a large one
unseen. Shared by the httpx door and the load child, so that both find the same. Pure; imports `sample` only.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from seatrial.sample import Cause

MAX_ENCODINGS = 4
"""Of one answer, one over the other."""

_ENCODING_BYTES = 1 << 10
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_ZSTD_WINDOW_LOG = 23  # RFC 9659: what a decoder of this content encoding must take, and need not exceed


class Unpackable(Exception):
    """The body cannot be had: it is not what it says, has no end, or is too large."""

    def __init__(self, cause: Cause, problem: str) -> None:
        super().__init__(problem)
        self.cause = cause


class _Decoder(Protocol):
    """Takes one encoding off."""

    def feed(self, data: bytes, limit: int) -> bytes:
        """What these bytes unpack to; cut short, somewhere beyond `limit`, when it is more."""

    def ended(self) -> bool:
        """Whether the encoded text is complete."""


class Unpacker:
    """All encodings of one answer, the last applied taken off first."""

    def __init__(self, encodings: Sequence[str], limit: int) -> None:
        if len(encodings) > MAX_ENCODINGS:
            raise Unpackable(Cause.PROTOCOL, f"the body is encoded {len(encodings)} times over")
        self._layers = [(name, _decoder(name)) for name in reversed(encodings)]
        self._limit = limit
        self._given = 0
        self._anything = False

    def feed(self, data: bytes) -> bytes:
        """The next piece, unpacked; TOO_LARGE beyond the limit, PROTOCOL when it is not what it says."""
        self._anything = self._anything or bool(data)
        for name, decoder in self._layers:
            try:
                most = self._limit if decoder is self._layers[-1][1] else _while_encoded(self._limit)
                data = decoder.feed(data, most + 1 - self._given)
            except _errors() as error:
                raise Unpackable(Cause.PROTOCOL, f"the body is not {name}: {error}") from None
            if len(data) + self._given > most:
                raise too_large(self._limit)
        self._given += len(data)
        return data

    def end(self) -> None:
        """The last piece was fed: TRUNCATED when an encoding lacks its end. An empty body may claim any encoding."""
        for name, decoder in self._layers:
            if self._anything and not decoder.ended():
                raise Unpackable(Cause.TRUNCATED, f"the {name} body ends too early")


def encodings_of(named: str) -> list[str]:
    """What a Content-Encoding names, in the order applied; `identity` left out."""
    every = (part.strip().lower() for part in named.split(","))
    return [part for part in every if part not in ("", "identity")]


def read_whole(pieces: Iterable[bytes], encodings: Sequence[str], limit: int) -> tuple[bytes, bytes | None]:
    """The decoded body, and the body as it came where that is another."""
    if not encodings:
        return b"".join(_bounded(pieces, limit, limit=limit)), None
    raw: list[bytes] = []
    unpacker = Unpacker(encodings, limit)
    parts = []
    for piece in _bounded(pieces, _while_encoded(limit), limit=limit):
        raw.append(piece)
        parts.append(unpacker.feed(piece))
    unpacker.end()
    return b"".join(parts), b"".join(raw)


def too_large(limit: int) -> Unpackable:
    """The body is larger than is taken."""
    size = f"{limit >> 20} MiB" if limit >= 1 << 20 and not limit % (1 << 20) else f"{limit} bytes"
    return Unpackable(Cause.TOO_LARGE, f"the body is larger than {size} once decoded")


def _while_encoded(limit: int) -> int:
    """How long a body within the limit may be while encoded: what packs badly grows by heads and sums."""
    return 2 * limit + _ENCODING_BYTES


def _bounded(pieces: Iterable[bytes], most: int, *, limit: int) -> Iterator[bytes]:
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > most:
            raise too_large(limit)
        yield piece


class _Zlib:
    """gzip, of one or more members, and deflate, which some servers send without its zlib head."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._fed = False

    def feed(self, data: bytes, limit: int) -> bytes:
        parts: list[bytes] = []
        left = limit
        while data and left > 0:
            part = self._decompress(data, left)
            parts.append(part)
            left -= len(part)
            if not self._inflate.eof:
                break
            data = self._inflate.unused_data
            if not data.startswith(b"\x1f"):
                break
            self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        return b"".join(parts)

    def ended(self) -> bool:
        return self._inflate.eof

    def _decompress(self, data: bytes, limit: int) -> bytes:
        first, self._fed = not self._fed, True
        try:
            return self._inflate.decompress(data, limit)
        except zlib.error:
            if not first or data.startswith(b"\x1f\x8b"):
                raise
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inflate.decompress(data, limit)


class _Gzip(_Zlib):
    """gzip alone: what is not that is an error, not headless deflate."""

    def __init__(self) -> None:
        super().__init__()
        self._fed = True


class _Brotli:
    """br, by the package `brotli`."""

    def __init__(self) -> None:
        self._inflate = _needed("brotli", "br").Decompressor()

    def feed(self, data: bytes, limit: int) -> bytes:
        parts = [self._inflate.process(data, output_buffer_limit=limit)]
        length = len(parts[0])
        while length < limit and not self._inflate.can_accept_more_data():
            parts.append(self._inflate.process(b"", output_buffer_limit=limit - length))
            length += len(parts[-1])
        return b"".join(parts)

    def ended(self) -> bool:
        return bool(self._inflate.is_finished())


class _Zstd:
    """zstd, by Python's own module (3.14) or the package `backports.zstd`."""

    def __init__(self) -> None:
        zstd = _zstd()
        parameter = zstd.DecompressionParameter.window_log_max
        self._inflate = zstd.ZstdDecompressor(options={parameter: _ZSTD_WINDOW_LOG})

    def feed(self, data: bytes, limit: int) -> bytes:
        return b"" if self._inflate.eof else bytes(self._inflate.decompress(data, limit))

    def ended(self) -> bool:
        return bool(self._inflate.eof)


_DECODERS: Mapping[str, Callable[[], _Decoder]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstd,
}


def _decoder(name: str) -> _Decoder:
    if name not in _DECODERS:
        raise Unpackable(Cause.PROTOCOL, f"the body is encoded as '{name}', which is not known here")
    return _DECODERS[name]()


def _needed(package: str, encoding: str) -> Any:
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        problem = f"the body is encoded as '{encoding}', and the package '{package}' is not installed"
        raise Unpackable(Cause.PROTOCOL, problem) from None


def _zstd() -> Any:
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.import_module("compression.zstd")
    return _needed("backports.zstd", "zstd")


def _errors() -> tuple[type[Exception], ...]:
    """What the decoders in use raise; asked only when one has."""
    others = (("brotli", "error"), ("compression.zstd", "ZstdError"), ("backports.zstd", "ZstdError"))
    found = (getattr(sys.modules.get(module), error, None) for module, error in others)
    return (zlib.error, ValueError, EOFError, *(kind for kind in found if kind is not None))
