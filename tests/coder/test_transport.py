"""The transport over real HTTP: what it sends, sends again and does not; what it counts, keeps and gives up."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.coder import deadline
from reconciler.coder import transport as transport_module
from reconciler.coder.connection import Connection
from reconciler.coder.http import client_factory
from reconciler.coder.retry import Failure
from reconciler.coder.transport import Request, Transport, World, classify
from reconciler.errors import ReconcilerError, RejectedError, ServerError, UnreachableError
from reconciler.sandbox import Fault, Options, Sandbox
from tests.coder.helpers import StillWorld, canned, connection_to

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


def test_it_says_who_it_is_and_sends_the_headers_it_was_given(sandbox: Sandbox) -> None:
    seen: dict[str, str] = {}
    connection = Connection(url=sandbox.url, token="tok", headers=(("X-Proxy", "hunter2"),))

    def handle(request: httpx.Request) -> httpx.Response:
        seen.update(request.headers)
        return httpx.Response(200, json={}, headers={"Set-Cookie": "coder_session_token=evil"})

    make = client_factory(connection)
    clients: list[httpx.Client] = []

    def client() -> httpx.Client:
        clients.append(make())
        clients[-1]._transport = httpx.MockTransport(handle)  # the set-up of the product, without its network
        clients[-1]._mounts = {}
        return clients[-1]

    transport = Transport(connection, make_client=client)
    transport.send(BUILD)
    transport.send(Request("PUT", "/api/v2/x", body=b"{}", user_agent="reconciler/9 plan/1"))
    assert seen["coder-session-token"] == "tok"
    assert seen["x-proxy"] == "hunter2"
    assert seen["user-agent"] == "reconciler/9 plan/1"
    assert seen["content-type"] == "application/json"
    assert "cookie" not in seen
    assert "x-coder-bypass-ratelimit" not in seen
    assert len(clients) == 1
    transport.close()
    assert clients[0].is_closed


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
def test_a_busy_server_is_asked_five_times(sandbox: Sandbox, opened: Opened, status: int) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", path="*/buildinfo", status=status, times=9))
    assert transport.send(BUILD).status == status
    assert (len(sandbox.requests), still.slept) == (5, [0.5, 1.0, 2.0, 4.0])


def test_a_wait_that_was_told_is_kept(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", path="*/buildinfo", status=429, headers={"Retry-After": "37"}))
    assert transport.send(BUILD).status == 200
    assert still.slept == [37.0]


def test_a_rate_limited_write_did_not_happen_and_is_sent_again(sandbox: Sandbox, opened: Opened) -> None:
    transport, still = opened()
    sandbox.fault(Fault("status", method="PUT", status=429, headers={"Retry-After": "2"}))
    assert transport.send(Request("PUT", budget_of(sandbox), body=b'{"spend_limit_micros": 1}')).status == 200
    assert still.slept == [2.0]


@pytest.mark.parametrize(("method", "kind"), [("GET", ServerError), ("PUT", RejectedError)])
def test_a_wait_beyond_the_budget_is_given_up(
    sandbox: Sandbox, opened: Opened, method: str, kind: type[ServerError]
) -> None:
    transport, still = opened(wait_budget_s=30)
    sandbox.fault(Fault("status", path="*/ai/budget", status=429, headers={"Retry-After": "31"}))
    with pytest.raises(kind, match="limits the rate; waiting 31 s more would exceed the 30 s") as caught:
        transport.send(Request(method, budget_of(sandbox), body=b"{}" if method == "PUT" else None))
    assert type(caught.value) is kind
    assert still.slept == []


def test_waits_add_up_and_one_that_runs_beside_another_costs_nothing(sandbox: Sandbox) -> None:
    waiting = transport_module._Waiting(budget_s=100)
    waiting.begin(0, 60)
    assert waiting.left_s(now_s=10) == 40 + 50
    waiting.begin(10, 60)  # of which 50 run beside the first
    assert waiting.used_s == 70
    assert waiting.left_s(now_s=80) == 30


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
    with pytest.raises(ReconcilerError, match="4 requests were sent and 7 more are needed; 10 are allowed") as caught:
        transport.send_all([BUILD] * 7, lambda answer: answer)
    assert "--max-requests 11" in caught.value.hint
    transport.send_all([BUILD] * 6, lambda answer: answer)
    assert len(sandbox.requests) == 10


def test_progress_counts_up_to_what_is_planned(sandbox: Sandbox, closing: ExitStack) -> None:
    seen: list[tuple[int, int]] = []
    transport = Transport(connection_to(sandbox), progress=lambda done, planned: seen.append((done, planned)))
    closing.callback(transport.close)
    transport.send(BUILD)
    transport.send_all([BUILD] * 20, lambda answer: answer)
    assert seen == [(1, 1)] + [(done, 21) for done in range(2, 22)]


def test_each_thread_has_a_connection_and_they_are_used_again(sandbox: Sandbox, closing: ExitStack) -> None:
    made: list[httpx.Client] = []
    connection = replace(connection_to(sandbox), parallelism=4)
    make = client_factory(connection)

    def count_and_make() -> httpx.Client:
        made.append(make())
        return made[-1]

    transport = Transport(connection, make_client=count_and_make)
    closing.callback(transport.close)
    for _ in range(5):
        transport.send_all([BUILD] * 40, lambda answer: answer)
    assert 1 <= len(made) <= 4


def test_redirects_are_not_followed(sandbox: Sandbox, opened: Opened) -> None:
    transport, _ = opened()
    elsewhere = {"Location": f"https://evil.example/{transport.connection.token}"}
    sandbox.fault(Fault("status", path="*/buildinfo", status=302, headers=elsewhere))
    answer = transport.send(BUILD)
    assert (answer.status, answer.location) == (302, "https://evil.example/[secret]")
    assert len(sandbox.requests) == 1


def test_an_echoed_token_is_taken_out(sandbox: Sandbox, opened: Opened) -> None:
    transport, _ = opened()
    token = transport.connection.token
    sandbox.fault(Fault("status", path="*/buildinfo", status=400, body={"message": f"bad token {token}"}))
    assert b"bad token [secret]" in transport.send(BUILD).body


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
    with pytest.raises(RejectedError, match=r"no connection \(5 attempts\)"):
        transport.send(Request("PUT", "/api/v2/x", body=b"{}"))
    assert len(still.slept) >= 4


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
        (caused(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")), Failure.HOPELESS, "there is no such host"),
        (
            caused(httpx.ConnectError("x"), tls_error("WRONG_VERSION_NUMBER")),
            Failure.HOPELESS,
            "http://x: TLS failed: WRONG VERSION NUMBER",
        ),
        (httpx.ConnectTimeout("x"), Failure.NOT_SENT, "no connection"),
        (httpx.ConnectError("x"), Failure.NOT_SENT, "no connection"),
        (httpx.InvalidURL("x"), Failure.HOPELESS, "no connection"),
        (httpx.ProxyError("407"), Failure.HOPELESS, "no connection"),
        (httpx.ReadTimeout("x"), Failure.LOST, "no answer in time"),
        (httpx.ReadError("x"), Failure.LOST, "the answer was lost"),
        (httpx.RemoteProtocolError("x"), Failure.LOST, "the answer was lost"),
        (httpx.DecodingError("x"), Failure.LOST, "the answer was lost"),
    ],
)
def test_what_httpx_raises_becomes_one_of_ours(error: Exception, failure: Failure, message: str) -> None:
    assert classify(error) is failure
    make, _ = canned({"/api/v2/buildinfo": error})
    with pytest.raises(UnreachableError, match=message) as caught:
        Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_client=make).send(BUILD)
    assert caught.value.hint


def test_an_answer_that_drips_for_ever_is_cut() -> None:
    still = StillWorld()

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                still.now_s += 7
                yield b"x"

    make, _ = canned({"/api/v2/buildinfo": httpx.Response(200, stream=Dripping())})
    connection = Connection(url="http://x", token="tok", wait_budget_s=0)
    with pytest.raises(ServerError, match="is not available"):
        Transport(connection, world=still.world(), make_client=make).send(BUILD)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
def test_a_head_that_drips_for_ever_is_cut(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    """On a new connection, and on one that has served a request before."""
    monkeypatch.setattr(deadline, "GRAIN_S", 0.02)
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            if before:
                connection.recv(10_000)
                connection.sendall(before)
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not over.wait(0.01):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        transport = Transport(Connection(url=url, token="tok"), world=StillWorld().world())
        if before:
            assert transport.send(BUILD).status == 200
        with pytest.raises(UnreachableError, match="lost or cut short"):
            transport.send(Request("PUT", "/api/v2/x", body=b"{}", timeout_s=0.1))
        over.set()
        transport.close()


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MAX_BODY_BYTES", 10)
    make, seen = canned({"/api/v2/buildinfo": httpx.Response(200, content=b"x" * 11)})
    with pytest.raises(UnreachableError, match="cut short"):
        Transport(Connection(url="http://x", token="tok"), world=StillWorld().world(), make_client=make).send(BUILD)
    assert len(seen) == 5


def test_certificates_that_cannot_be_loaded_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(ReconcilerError, match="cannot be loaded") as caught:
        Transport(Connection(url="https://coder.example.com", token="tok"))
    assert "SSL_CERT_FILE" in caught.value.hint


def test_tls_is_verified_and_its_context_shared() -> None:
    make = client_factory(Connection(url="https://coder.example.com", token="tok"))
    contexts = {id(client._transport._pool._ssl_context) for client in (make(), make())}  # type: ignore[attr-defined]
    context = make()._transport._pool._ssl_context  # type: ignore[attr-defined]
    assert len(contexts) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_run_in_the_real_world_has_a_clock() -> None:
    world = World()
    assert world.clock() > 0
    assert threading.active_count() >= 1
    assert 0 <= world.random() < 1


@pytest.mark.parametrize("proxy", ["socks5://me:hunter2@p.example:1080", "foo://hunter2", "http://hunter2:port"])
def test_a_proxy_that_cannot_be_used_is_one_sentence(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    transport = Transport(connection_to(sandbox), world=StillWorld().world())
    for send in (lambda: transport.send(BUILD), lambda: transport.send_all([BUILD, BUILD], lambda answer: answer)):
        with pytest.raises(ReconcilerError, match="a proxy that cannot be used") as caught:
            send()
        assert "ALL_PROXY" in caught.value.hint
        assert "hunter2" not in caught.value.message + caught.value.hint
    assert sandbox.requests == ()
