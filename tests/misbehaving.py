"""Servers on loopback that do, to the byte, what no client wishes; and the certificates some of them show.

A script is given one accepted connection, in a thread of its own, and is done with it when it returns.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import select
import socket
import ssl
import struct
import threading
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Server:
    """Runs a script on every connection, several at a time. Close it, or use it as a context."""

    def __init__(self, script, *, tls=None, receive_bytes=None):
        self._script = script
        self._tls = tls
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        if receive_bytes:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        self.requests = []
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self._tls:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                self._open.add(connection)
            self._script(self, connection)

    def request(self, connection):
        """One request's bytes, kept in `requests`; empty at the end."""
        received = b""
        while not _is_whole(received):
            part = connection.recv(65536)
            if not part:
                return b""
            received += part
        self.requests.append(received)
        return received

    def wait(self):
        """Until the test is over."""
        self.over.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=10)


def _is_whole(received):
    head, end, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end) and len(body) >= int(lengths[0] if lengths else 0)


def says(*pieces, then_waits=False):
    """Reads a request, sends the pieces, and ends or falls silent."""

    def script(server, connection):
        server.request(connection)
        for piece in pieces:
            connection.sendall(piece)
        if then_waits:
            server.wait()

    return script


def keeps_saying(*answers):
    """Answers request after request over one connection, as long as there is an answer left."""

    def script(server, connection):
        for answer in answers:
            if not server.request(connection):
                return
            connection.sendall(answer)
        server.wait()

    return script


def drips(start, piece=b"x", pause_s=0.02):
    """Reads a request, sends a beginning, and then a piece now and then, without an end."""

    def script(server, connection):
        server.request(connection)
        connection.sendall(start)
        while not server.over.wait(pause_s):
            connection.sendall(piece)

    return script


def floods(start, piece):
    """Reads a request, sends a beginning, and then pieces as fast as they are taken."""

    def script(server, connection):
        server.request(connection)
        connection.sendall(start)
        while not server.over.is_set():
            connection.sendall(piece)

    return script


def floods_headers(server, connection):
    server.request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        connection.sendall(f"X-{number}: {'y' * 100}\r\n".encode())


def accepts_and_waits(server, connection):
    server.wait()


def closes_at_once(server, connection):
    server.request(connection)


def resets(server, connection):
    server.request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drips_a_tls_record(server, connection):
    """Begins the record that would carry the server's hello, and never ends it."""
    connection.recv(65536)
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while not server.over.wait(0.02):
        connection.sendall(b"\x02")


def answers_before_the_body(server, connection):
    """Refuses an upload after its head, without reading on and without hanging up."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1000)
    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    server.wait()


def pump(one, other):
    """Carry bytes both ways till one side ends."""
    with contextlib.suppress(OSError):
        while True:
            pending = [side for side in (one, other) if isinstance(side, ssl.SSLSocket) and side.pending()]
            ready = pending or select.select([one, other], [], [], 20.0)[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (other if source is one else one).sendall(data)


def tunnels(server, connection):
    """A proxy that does what CONNECT asks, whatever the host's name: all lives on loopback here."""
    head = server.request(connection)
    port = int(head.split(b" ")[1].rpartition(b":")[2])
    with socket.create_connection(("127.0.0.1", port)) as onward:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        pump(connection, onward)


class Http2:
    """A server of HTTP/2: `respond(h2_connection, stream_id)` says what it likes once a request is whole."""

    def __init__(self, respond):
        self._respond = respond

    def __call__(self, server, connection):
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while data := connection.recv(65536):
            for event in state.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    server.requests.append(dict(event.headers))
                if isinstance(event, h2.events.DataReceived):
                    state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    self._respond(state, event.stream_id)
            connection.sendall(state.data_to_send())


def answers_over_http2(state, stream):
    state.send_headers(stream, [(":status", "200"), ("content-type", "text/plain")])
    state.send_data(stream, b"two", end_stream=True)


class Authority:
    """Issues certificates, and writes them as PEM files into a folder."""

    def __init__(self, folder: Path, name="Sea Trial CA"):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Trials, Inc."),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        self._serials = itertools.count(0xAB01)
        own = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(True, None), issuer=self._name)
        self.ca = self._write(f"{name}.pem", own.public_bytes(serialization.Encoding.PEM))

    def issue(self, name="server", *, hosts=("127.0.0.1", "localhost"), from_day=-1, to_day=1, password=None):
        """The paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key.public_key(), _names(hosts), issuer=self._name, days=(from_day, to_day))
        locked = (
            serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        )
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        return (
            self._write(f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{name}.key", pem),
        )

    def context(self, *, client_ca=None, alpn=(), **wanted):
        """A server's `ssl` context with a certificate of its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(**wanted))
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def _sign(self, subject, key, extension, *, issuer, days=(-1, 1)):
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            issuer, subject, key, next(self._serials), now + days[0] * DAY, now + days[1] * DAY
        )
        return builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())

    def _write(self, name, content):
        path = self._folder / name
        path.write_bytes(content)
        return str(path)


def _names(hosts):
    import ipaddress

    def one(host):
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    return x509.SubjectAlternativeName([one(host) for host in hosts])
