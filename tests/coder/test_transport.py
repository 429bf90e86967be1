"""The transport over real HTTP: what it sends, sends again and does not; what it counts, keeps and gives up."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import trustme

from reconciler.coder import deadline, retry
from reconciler.coder.answers import error_of
from reconciler.coder.connection import Connection
from reconciler.coder.exchange import MAX_ERROR_BYTES, Request, classify
from reconciler.coder.http import headers_of, wire_factory
from reconciler.coder.proxies import Proxy
from reconciler.coder.retry import NoAnswerKind
from reconciler.coder.transport import Transport
from reconciler.coder.waiting import Waiting, World
from reconciler.errors import ReconcilerError, RetryLaterError, ServerError, UnreachableError
from reconciler.sandbox import Fault, Options, Sandbox
from tests.coder.helpers import StillWorld, canned, connection_to
from tests.patience import PATIENCE_S, wait_until

Opened = Callable[..., tuple[Transport, StillWorld]]
BUILD = Request("GET", "/api/v2/buildinfo")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Options(seed="empty")) as running:
        yield running


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def opened(sandbox: Sandbox, closing: ExitStack) -> Opened:
    """Return what opens a transport to the sandbox, in a world that stands still."""

    def open_one(**settings: Any) -> tuple[Transport, StillWorld]:
        still = StillWorld()
        transport = Transport(connection_to(sandbox, **settings), world=still.world())
        closing.callback(transport.close)
        return transport, still

    return open_one


def budget_of(sandbox: Sandbox) -> str:
    (row,) = sandbox.execute("SELECT id FROM organizations LIMIT 1")
    return f"/api/v2/groups/{row[0]}/ai/budget"


class OneWire(httpx.MockTransport):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_it_says_who_it_is_and_sends_the_headers_it_was_given(sandbox: Sandbox) -> None:
    seen: dict[str, str] = {}
    connection = Connection(url=sandbox.url, token="tok", headers=(("X-Proxy", "hunter2"),))

    def handle(request: httpx.Request) -> httpx.Response:
        seen.update(request.headers)
        return httpx.Response(200, json={}, headers={"Set-Cookie": "coder_session_token=evil"})

    wires: list[OneWire] = []

    def make() -> OneWire:
        wires.append(OneWire(handle))
        return wires[-1]

    transport = Transport(connection, make_wire=make)
    transport.send(BUILD)
    transport.send(Request("PUT", "/api/v2/x", body=b"{}", user_agent="reconciler/9 plan/1"))
    assert seen["coder-session-token"] == "tok"
    assert seen["x-proxy"] == "hunter2"
    assert seen["user-agent"] == "reconciler/9 plan/1"
    assert seen["content-type"] == "application/json"
    assert "cookie" not in seen
    assert "x-coder-bypass-ratelimit" not in seen
    assert len(wires) == 1
    transport.close()
    assert wires[0].is_closed


@pytest.mark.parametrize("kind", ["reset", "lost", "truncate"])
def test_a_read_whose_answer_is_lost_is_sent_again(sandbox: Sandbox, opened: Opened, kind: Any) -> None:
    transport, still = opened()
    sandbox.fault(Fault(kind, path="*/buildinfo", times=2))
    assert transport.send(BUILD).status == 200
    assert (transport.requests, still.slept) == (3, [0.5, 1.0])


@pytest.mark.parametrize("kind", ["reset", "lost", "truncate"])
def test_a_write_whose_answer_is_lost_is_sent_once(sandbox: Sandbox, opened: Opened, kind: Any) -> None:
    transport, still = opened()
    sandbox.fault(Fault(kind, method="PUT"))
    with pytest.raises(UnreachableError, match=r"PUT .*: the answer was lost or cut short\."):
        transport.send(Request("PUT", budget_of(sandbox), body=b'{"spend_limit_micros": 1}'))
    assert (len(sandbox.requests), transport.requests, still.slept) == (1, 1, [])


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_busy_server_is_asked_nine_times(sandbox: Sandbox, opened: Opened, status: int) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", path="*/buildinfo", status=status, times=9))
    assert transport.send(BUILD).status == status
    assert (len(sandbox.requests), still.slept) == (9, [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0])


AWAY = {
    "message": "An internal error occurred. Please try again or contact the system administrator.",
    "detail": "Internal error fetching API key by id. dial tcp 127.0.0.1:5432: connect: connection refused",
}
"""What a real Coder answers to everything while its database is restarted. Seen on 2.36.1."""


def test_a_database_that_is_restarted_is_waited_for(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", path="*/buildinfo", status=500, body=AWAY, times=3))
    assert transport.send(BUILD).status == 200
    assert still.slept == [0.5, 1.0, 2.0]
    sandbox.fault(Fault("status", path="*/buildinfo", status=500, body=AWAY, times=9))
    assert transport.send(BUILD).status == 500
    assert len(still.slept) == 3 + 8
    sandbox.fault(Fault("status", path="*/buildinfo", status=500, body={"message": "x", "detail": "pq: no such row"}))
    assert transport.send(BUILD).status == 500
    assert len(still.slept) == 3 + 8, "what Coder says of one request does not pass by waiting"


def test_what_a_database_that_is_away_turned_away_did_not_happen(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", method="PUT", status=500, body=AWAY))
    with pytest.raises(RetryLaterError, match=r"its database may be away$"):
        transport.send(Request("PUT", budget_of(sandbox), body=b'{"spend_limit_micros": 1}'))
    assert (still.slept, len(sandbox.requests)) == ([], 1)


@pytest.mark.parametrize(
    "detail",
    [
        "pq: the database system is shutting down",
        "begin transaction: pq: terminating connection due to administrator command",
        "driver: bad connection",
        "dial tcp 127.0.0.1:5432: connect: connection refused",
    ],
)
def test_of_a_write_whose_database_went_away_nobody_knows_and_a_read_waits(
    sandbox: Sandbox, opened: Opened, detail: str
) -> None:
    transport, still = opened()
    went_away = {"message": "Internal error fetching the budget.", "detail": detail}
    sandbox.fault(Fault("status", method="PUT", status=500, body=went_away))
    assert transport.send(Request("PUT", budget_of(sandbox), body=b'{"spend_limit_micros": 1}')).status == 500
    assert (still.slept, len(sandbox.requests)) == ([], 1)
    sandbox.fault(Fault("status", path="*/buildinfo", status=500, body=went_away, times=2))
    assert transport.send(BUILD).status == 200
    assert still.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    ("body", "says"),
    [(AWAY, "its database may be away"), ({"message": "x", "detail": "driver: bad connection"}, "database is away")],
)
def test_a_database_that_stays_away_is_said_to_be(
    sandbox: Sandbox, opened: Opened, body: dict[str, str], says: str
) -> None:
    transport, _ = opened(wait_budget_s=1)
    sandbox.fault(Fault("status", path="*/buildinfo", status=500, body=body, times=9))
    with pytest.raises(ServerError, match=rf"{says}; waiting 1 s more would exceed the 1 s"):
        transport.send(BUILD)


def test_a_list_that_comes_too_late_is_asked_for_twice(
    sandbox: Sandbox, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SLOW_S", 0.0)
    transport, still = opened()
    sandbox.fault(Fault("truncate", path="*/buildinfo", times=9))
    with pytest.raises(UnreachableError, match=r"\(2 attempts\)"):
        transport.send(BUILD)
    assert (len(sandbox.requests), still.slept) == (2, [0.5])


def test_a_wait_that_was_told_is_kept(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", path="*/buildinfo", status=429, headers={"Retry-After": "37"}))
    assert transport.send(BUILD).status == 200
    assert still.slept == [37.0]


def test_a_rate_limited_write_is_not_resent_but_given_back_with_the_wait(sandbox: Sandbox, opened: Opened) -> None:
    """Somebody may change the same budget during the wait: who sends it again has to read first."""
    transport, still = opened()
    sandbox.fault(Fault("status", method="PUT", status=429, headers={"Retry-After": "2"}))
    with pytest.raises(RetryLaterError, match=r"limits the rate$") as caught:
        transport.send(Request("PUT", budget_of(sandbox), body=b'{"spend_limit_micros": 1}'))
    assert (caught.value.retry_after_s, still.slept, len(sandbox.requests)) == (2.0, [], 1)


@pytest.mark.parametrize(
    ("waits_s", "moved_s"),
    [
        pytest.param(6, 0, id="the-writes-before-it-take-long"),
        pytest.param(0, 3_600, id="suspended"),
        pytest.param(6, -4, id="the-clock-is-set-back-meanwhile"),
    ],
)
def test_a_write_whose_turn_comes_late_is_given_back(
    sandbox: Sandbox, opened: Opened, waits_s: float, moved_s: float
) -> None:
    """Its caller read before it waited for the writes of others, and somebody may have written meanwhile.

    While a machine is suspended the clock of waits stands still, and only the time of day tells how long that was.
    """
    transport, still = opened(parallelism=1)
    write = Request("PUT", budget_of(sandbox), body=b'{"spend_limit_micros": 1}')
    sandbox.fault(Fault("delay", method="PUT", seconds=PATIENCE_S))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(transport.send, write)
        wait_until(lambda: len(sandbox.requests) == 1)
        second = pool.submit(transport.send, write)
        wait_until(lambda: transport.requests == 2)
        still.sleep(waits_s)
        still.moved_s = moved_s
        sandbox.release()
        assert first.result().status == 200
        with pytest.raises(RetryLaterError, match="the writes before it took too long"):
            second.result()
    assert len(sandbox.requests) == 1
    assert transport.send(write).status == 200


def test_a_pause_counts_as_waiting_and_has_the_same_end(opened: Opened) -> None:
    transport, still = opened(wait_budget_s=10)
    transport.pause(7)
    with pytest.raises(ServerError, match="waiting 4 s more would exceed the 10 s"):
        transport.pause(4)
    assert still.slept == [7]


def test_waits_are_computed_from_the_servers_own_clock(opened: Opened, sandbox: Sandbox) -> None:
    """Our clock is years behind the sandbox's: the wait until the server's instant is 20 s all the same."""
    transport, still = opened()
    now = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
    headers = {"Date": format_datetime(now, usegmt=True), "X-RateLimit-Reset": str(int(now.timestamp()) + 20)}
    make, _ = canned({"/api/v2/buildinfo": [httpx.Response(429, headers=headers), httpx.Response(200)]})
    transport = Transport(Connection(url="http://x", token="tok"), world=still.world(), make_wire=make)
    assert transport.server_ahead_s is None
    assert transport.send(BUILD).status == 200
    assert still.slept == [20.0]
    assert transport.server_ahead_s == now.timestamp() - 1000


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("status", status=502, times=99), r"Coder is not available \(502\); waiting"),
        (Fault("truncate", times=99), "the answer was lost or cut short; waiting"),
        (Fault("lost", times=99), "the answer was lost or cut short; waiting"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_giving_up_says_what_was_wrong(sandbox: Sandbox, opened: Opened, fault: Fault, words: str) -> None:
    """It said "Coder is not available" of all of them."""
    transport, _ = opened(wait_budget_s=1)
    sandbox.fault(fault)
    with pytest.raises(ServerError, match=words):
        transport.send(Request("GET", budget_of(sandbox)))


def test_a_wait_beyond_the_budget_is_given_up(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened(wait_budget_s=30)
    sandbox.fault(Fault("status", path="*/ai/budget", status=429, headers={"Retry-After": "31"}))
    with pytest.raises(ServerError, match="limits the rate; waiting 31 s more would exceed the 30 s"):
        transport.send(Request("GET", budget_of(sandbox)))
    assert still.slept == []


def test_waits_add_up_and_one_that_runs_beside_another_costs_nothing() -> None:
    now = [0.0]
    waiting = Waiting(100, World(clock=lambda: now[0], sleep=lambda seconds: None))
    waiting.wait(60)
    now[0] = 10
    assert waiting.left_s() == 40 + 50
    waiting.wait(60)  # of which 50 run beside the first
    now[0] = 80
    assert waiting.left_s() == 30


def test_a_server_that_says_wait_no_time_for_ever_uses_up_the_budget(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened(wait_budget_s=60)
    sandbox.fault(Fault("status", path="*/buildinfo", status=429, headers={"Retry-After": "0"}, times=50))
    with pytest.raises(ServerError, match="limits the rate"):
        transport.send(BUILD)
    assert 30 < sum(still.slept) <= 60


def test_answers_come_in_the_order_of_the_requests(sandbox: Sandbox, opened: Opened) -> None:
    transport, _ = opened()
    asked = [Request("GET", f"/api/v2/no/such/{number}") for number in range(40)]
    assert transport.send_all(asked, lambda answer: answer.request) == asked
    assert len(sandbox.requests) == transport.requests == 40


def test_a_batch_beyond_the_limit_is_not_begun(sandbox: Sandbox, opened: Opened) -> None:
    transport, _ = opened(max_requests=10)
    transport.send_all([BUILD] * 4, lambda answer: answer)
    with pytest.raises(ReconcilerError, match="may send 10 requests; 4 were sent, and 7 more are needed") as caught:
        transport.send_all([BUILD] * 7, lambda answer: answer)
    assert "--max-requests 11" in caught.value.hint
    transport.send_all([BUILD] * 6, lambda answer: answer)
    with pytest.raises(ReconcilerError, match="may send 10 requests; 10 were sent, and 1 more"):
        transport.send(BUILD)
    assert len(sandbox.requests) == 10


def test_progress_counts_up_to_what_is_planned(sandbox: Sandbox, closing: ExitStack) -> None:
    seen: list[tuple[int, int]] = []
    transport = Transport(connection_to(sandbox), progress=lambda done, planned: seen.append((done, planned)))
    closing.callback(transport.close)
    transport.send(BUILD)
    transport.send_all([BUILD] * 20, lambda answer: answer)
    assert seen == [(1, 1)] + [(done, 21) for done in range(2, 22)]


def test_each_thread_has_a_connection_and_they_are_used_again(sandbox: Sandbox, closing: ExitStack) -> None:
    made: list[httpx.BaseTransport] = []
    connection = replace(connection_to(sandbox), parallelism=4)
    make = wire_factory(connection)

    def count_and_make() -> httpx.BaseTransport:
        made.append(make())
        return made[-1]

    transport = Transport(connection, make_wire=count_and_make)
    closing.callback(transport.close)
    for _ in range(5):
        transport.send_all([BUILD] * 40, lambda answer: answer)
    assert 1 <= len(made) <= 4


def test_redirects_are_not_followed(sandbox: Sandbox, opened: Opened) -> None:
    transport, _ = opened()
    elsewhere = {"Location": f"https://evil.example/{transport.connection.token}"}
    sandbox.fault(Fault("status", path="*/buildinfo", status=302, headers=elsewhere))
    answer = transport.send(BUILD)
    assert answer.status == 302
    assert transport.connection.token not in str(error_of(answer))
    assert len(sandbox.requests) == 1


def test_an_echoed_token_is_taken_out(sandbox: Sandbox, opened: Opened) -> None:
    transport, _ = opened()
    token = transport.connection.token
    sandbox.fault(Fault("status", path="*/buildinfo", status=400, body={"message": f"bad token {token}"}))
    assert "bad token [secret]" in error_of(transport.send(BUILD)).message


def test_no_connection_before_anything_was_answered_is_said_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        still = StillWorld()
        with pytest.raises(UnreachableError, match=rf"^{url}: no connection\.") as caught:
            Transport(Connection(url=url, token="tok"), world=still.world()).send(BUILD)
    assert "CODER_URL" in caught.value.hint
    assert still.slept == []


def test_a_server_that_went_away_is_waited_for_and_a_write_to_it_certainly_did_not_happen(closing: ExitStack) -> None:
    still = StillWorld()
    with Sandbox(Options(seed="empty")) as sandbox:
        transport = Transport(connection_to(sandbox), world=still.world())
        closing.callback(transport.close)
        transport.send(BUILD)
    with pytest.raises(UnreachableError, match=r"no connection \(9 attempts\)"):
        transport.send(BUILD)
    assert len(still.slept) >= 4
    with pytest.raises(RetryLaterError, match=r"no connection$"):
        transport.send(Request("PUT", "/api/v2/x", body=b"{}"))


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "bad")
    error.reason = reason
    return error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "failure", "message"),
    [
        (
            caused(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")),
            NoAnswerKind.HOPELESS,
            "there is no such host",
        ),
        (
            caused(httpx.ConnectError("x"), tls_error("WRONG_VERSION_NUMBER")),
            NoAnswerKind.HOPELESS,
            "http://x: TLS failed: WRONG VERSION NUMBER",
        ),
        (httpx.ConnectTimeout("x"), NoAnswerKind.NOT_SENT, "no connection"),
        (httpx.ConnectError("x"), NoAnswerKind.NOT_SENT, "no connection"),
        (httpx.InvalidURL("x"), NoAnswerKind.HOPELESS, "no connection"),
        (httpx.ReadTimeout("x"), NoAnswerKind.LOST, "no answer in time"),
        (httpx.ReadError("x"), NoAnswerKind.LOST, "the answer was lost"),
        (httpx.RemoteProtocolError("x"), NoAnswerKind.LOST, "the answer was lost"),
        (httpx.DecodingError("x"), NoAnswerKind.LOST, "the answer was lost"),
    ],
)
def test_what_httpx_raises_becomes_one_of_ours(error: Exception, failure: NoAnswerKind, message: str) -> None:
    assert classify(error) is failure
    make, _ = canned({"/api/v2/buildinfo": error})
    with pytest.raises(UnreachableError, match=message) as caught:
        Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_wire=make).send(BUILD)
    assert caught.value.hint


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"],
    ids=["head", "body"],
)
def test_an_answer_that_drips_for_ever_is_cut(monkeypatch: pytest.MonkeyPatch, before: bytes, start: bytes) -> None:
    """On a new connection, and on one that has served a request before."""
    monkeypatch.setattr(deadline, "GRAIN_S", 0.02)
    drips, over = threading.Event(), threading.Event()
    clock = SimpleNamespace(sleep=time.sleep, monotonic=lambda: 2 * PATIENCE_S if drips.is_set() else 0.0)
    monkeypatch.setattr(deadline, "time", clock)  # its time comes when it drips, however busy the machine is

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            if before:
                connection.recv(10_000)
                connection.sendall(before)
            connection.recv(10_000)
            connection.sendall(start)
            for _ in range(int(PATIENCE_S / 0.01)):
                if over.wait(0.01):
                    return
                connection.sendall(b"x")
                drips.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        transport = Transport(Connection(url=url, token="tok"), world=StillWorld().world())
        if before:
            assert transport.send(BUILD).status == 200
        with pytest.raises(UnreachableError, match="lost or cut short"):
            transport.send(Request("PUT", "/api/v2/x", body=b"{}", timeout_s=PATIENCE_S))
        over.set()
        transport.close()


def test_an_answer_that_is_too_long_is_cut_and_not_asked_for_again() -> None:
    make, seen = canned({"/api/v2/buildinfo": httpx.Response(200, content=b"x" * 11)})
    transport = Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_wire=make)
    with pytest.raises(UnreachableError, match="the answer is longer than"):
        transport.send(replace(BUILD, max_bytes=10))
    assert len(seen) == 1


def test_the_rest_of_a_long_error_is_left_unread() -> None:
    body = b'{"message": "' + b"x" * (MAX_ERROR_BYTES + 1_000_000)
    make, _ = canned({"/api/v2/buildinfo": httpx.Response(400, stream=Chunked(body))})
    transport = Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_wire=make)
    assert len(transport.send(BUILD).body) < MAX_ERROR_BYTES + 100_000


class Chunked(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return (self._body[start : start + 50_000] for start in range(0, len(self._body), 50_000))


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,gzip", "identity, gzip", "br", "deflate", "zstd", "x"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_two_encodings_or_one_that_was_not_asked_for_are_refused_unread(encoding: str, method: str) -> None:
    """`gzip, gzip` turned 3.4 kB into 10 GB, and ended in a traceback."""
    read: list[bytes] = []

    class Watched(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            read.append(b"")
            yield gzip.compress(gzip.compress(b"0" * 1_000_000))

    response = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Watched())
    make, seen = canned({"/api/v2/buildinfo": response})
    transport = Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_wire=make)
    with pytest.raises(UnreachableError, match="content encoding that was not asked for"):
        transport.send(Request(method, BUILD.path))
    assert (read, len(seen)) == ([], 1)


def test_a_bomb_in_the_encoding_that_was_asked_for_is_cut() -> None:
    bomb = gzip.compress(b"0" * 200_000_000)
    response = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunked(bomb))
    make, _ = canned({"/api/v2/buildinfo": response})
    transport = Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_wire=make)
    with pytest.raises(UnreachableError, match="longer than 32 MiB"):
        transport.send(BUILD)


def test_gzip_is_asked_for_and_nothing_else() -> None:
    assert headers_of(Connection(url="http://x", token="tok"))["accept-encoding"] == "gzip"


def test_certificates_that_cannot_be_loaded_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(ReconcilerError, match="cannot be loaded") as caught:
        Transport(Connection(url="https://coder.example.com", token="tok"))
    assert "SSL_CERT_FILE" in caught.value.hint


def test_tls_is_verified_and_its_context_shared() -> None:
    make = wire_factory(Connection(url="https://coder.example.com", token="tok"))
    contexts = {id(wire._pool._ssl_context) for wire in (make(), make())}  # type: ignore[attr-defined]
    context = make()._pool._ssl_context  # type: ignore[attr-defined]
    assert len(contexts) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_later_connections_resume_the_first_one_s_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    resumed: list[bool] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(3):
            with server.wrap_socket(listener.accept()[0], server_side=True) as connection:
                resumed.append(bool(connection.session_reused))
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}")
                kept.append(connection.detach())

    kept: list[int] = []
    with socket.create_server(("localhost", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        make = wire_factory(Connection(url=f"https://localhost:{listener.getsockname()[1]}", token="tok"))
        wires = [make() for _ in range(3)]
        for wire in wires:
            request = httpx.Request("GET", f"https://localhost:{listener.getsockname()[1]}/")
            assert wire.handle_request(request).status_code == 200
        thread.join()
        for wire in wires:
            wire.close()
    for descriptor in kept:
        os.close(descriptor)
    assert resumed == [False, True, True]


def test_a_run_in_the_real_world_has_a_clock() -> None:
    world = World()
    assert world.clock() > 0
    assert threading.active_count() >= 1
    assert 0 <= world.random() < 1


def proxied(url: str = "http://coder.example") -> Connection:
    return Connection(
        url=url, token="tok", proxy=Proxy(url="http://me:hunter2@proxy.example:3128", variable="HTTP_PROXY")
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (caused(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")), "cannot be reached: there is no such host"),
        (caused(httpx.ConnectError("x"), ConnectionRefusedError(111, "refused")), "refuses connections"),
        (httpx.ConnectTimeout("x"), "cannot be reached"),
        (httpx.ProxyError("407 Proxy Authentication Required"), "asks for a user name and password (407)"),
        (httpx.ProxyError("503 hunter2"), "answers 503"),
        (httpx.ProxyError("hunter2"), "does not answer like a proxy"),
    ],
)
def test_a_proxy_that_fails_is_named_and_not_coders_url(error: Exception, message: str) -> None:
    make, _ = canned({"/api/v2/buildinfo": error})
    with pytest.raises(UnreachableError) as caught:
        Transport(proxied(), world=StillWorld().world(), make_wire=make).send(BUILD)
    assert f"the proxy http://proxy.example:3128 (HTTP_PROXY) {message}" in caught.value.message
    assert caught.value.hint.startswith("check HTTP_PROXY, or name Coder's host in NO_PROXY")
    assert "CODER_URL" not in caught.value.hint
    assert "hunter2" not in caught.value.message


def test_a_proxy_that_wants_a_password_answers_407_itself_for_http() -> None:
    make, _ = canned({"/api/v2/buildinfo": httpx.Response(407, text="who are you, hunter2?")})
    answer = Transport(proxied(), world=StillWorld().world(), make_wire=make).send(BUILD)
    error = error_of(answer)
    assert "407" in error.message
    assert "HTTP_PROXY" in error.hint


def test_the_proxy_of_the_connection_is_used_and_none_of_the_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    direct = Transport(connection_to(sandbox), world=StillWorld().world())
    assert direct.send(BUILD).status == 200
    direct.close()
    through = Connection(url="http://coder.invalid", token="tok", proxy=Proxy(url=sandbox.url, variable="HTTP_PROXY"))
    transport = Transport(through, world=StillWorld().world())
    assert transport.send(BUILD).status == 200  # the sandbox stands in for the proxy, which gets the whole URL
    transport.close()
