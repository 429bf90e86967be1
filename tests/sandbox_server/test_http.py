"""The wire itself: several requests on a connection, chunks, broken requests, paths outside the API."""

from __future__ import annotations

import gc
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from reconciler.sandbox import Options, Sandbox
from tests.patience import HELD_S, PATIENCE_S, wait_until
from tests.sandbox_server.callers import Start, World, new_client

HEAD = b"GET /api/v2/buildinfo HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n"


def exchange(world: World, data: bytes) -> bytes:
    """Send bytes and read until the server closes."""
    parts = urlsplit(world.sandbox.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connection:
        connection.sendall(data)
        return read_to_the_end(connection)


def read_to_the_end(connection: socket.socket) -> bytes:
    """Read what the server still sends."""
    received = bytearray()  # a bytes object would be copied for each piece of 8 MB
    while piece := connection.recv(65536):
        received += piece
    return bytes(received)


def test_pipelined_requests_are_answered_in_their_order(start: Start) -> None:
    world = start(latency_s=0.02)
    other = b"GET /api/v2/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    received = exchange(world, HEAD + b"\r\n" + other + HEAD + LAST + b"\r\n")
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_a_body_may_come_in_chunks_after_a_question(world: World) -> None:
    token = world.sandbox.tokens["owner"].encode()
    head = b"PUT /api/v2/groups/%s/ai/budget HTTP/1.1\r\nHost: x\r\nCoder-Session-Token: %s\r\n"
    head %= (world.group("acme/eng").encode(), token)
    head += LAST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b'5\r\n{"spe\r\n15\r\nnd_limit_micros": 42}\r\n0\r\n\r\n'
    received = exchange(world, head + chunks)
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b'"spend_limit_micros":42' in received


@pytest.mark.parametrize("request_", [HEAD + LAST + b"\r\n", b"GET /healthz HTTP/1.0\r\n\r\n"])
def test_the_connection_closes_when_the_client_asks(world: World, request_: bytes) -> None:
    assert exchange(world, request_).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_is_no_http_is_a_bad_request(world: World, nonsense: bytes) -> None:
    assert exchange(world, nonsense).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_an_upgrade_is_not_offered(world: World) -> None:
    asked = HEAD + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert exchange(world, asked).startswith(b"HTTP/1.1 200 OK\r\n")


def test_it_stops_at_once_and_quietly_whatever_is_under_way(capfd: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack, Sandbox(Options(seed="empty", latency_s=HELD_S)) as sandbox:
        parts = urlsplit(sandbox.url)
        whole = HEAD + b"\r\n"
        for data in (b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\nhalf", whole, whole + HEAD, whole + whole):
            connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S))
            connection.sendall(data)
        wait_until(lambda: len(sandbox.requests) == 3)
    assert capfd.readouterr().err == ""


def test_no_connection_stays_open_that_is_accepted_while_it_stops() -> None:
    for _ in range(30):
        with ExitStack() as stack, Sandbox(Options(seed="empty")) as sandbox:
            parts = urlsplit(sandbox.url)
            for _ in range(3):
                stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S))
    gc.collect()  # what is open still warns, and warnings are errors


def test_a_request_that_does_not_come_whole_is_none(world: World) -> None:
    parts = urlsplit(world.sandbox.url)
    for path in (b"/api/v2/experiments", b"/_sandbox/faults"):
        with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connection:
            connection.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf" % path)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
    assert world.sandbox.requests == ()


def test_an_answer_of_two_writes_does_not_wait_for_an_acknowledgement(world: World) -> None:
    """Each would wait 40 ms; a connection without Nagle's algorithm does not."""
    world.get("/buildinfo")
    (connection,) = world.sandbox._server.server_state.connections
    assert connection.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_head_and_body_arrive_together(world: World) -> None:
    parts = urlsplit(world.sandbox.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connection:
        connection.sendall(HEAD + b"\r\n")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body)["version"]


def test_a_long_answer_leaves_in_pieces_and_says_what_was_true_when_it_was_asked_for(start: Start) -> None:
    world = start(seed=LARGE)
    ((organization,),) = world.sandbox.execute("SELECT id FROM organizations")
    path = f"/organizations/{organization}/groups"
    before = world.get(path).content
    parts = urlsplit(world.sandbox.url)
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE_S)) as reader:
        reader.connect()
        reader.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        reader.request("GET", f"/api/v2{path}", headers={"Coder-Session-Token": world.sandbox.tokens["owner"]})
        answer = reader.getresponse()
        assert answer.getheader("Transfer-Encoding") == "chunked"
        assert world.sandbox.requests[-1].status == 200
        world.sandbox.execute("UPDATE users SET username = username || '-new', name = 'New'")
        world.sandbox.execute("UPDATE groups SET name = name || '-new' WHERE id <> organization_id")
        assert world.get("/buildinfo").status_code == 200
        writers = [one.transport for one in world.sandbox._server.server_state.connections]
        assert any(writer.get_write_buffer_size() for writer in writers), "nothing of it is left to be made"
        assert answer.read() == before
    assert world.get(path).content.count(b'-new","') == before.count(b'"username":') + 199  # all groups but Everyone


LARGE, LONG = "10000-users,200-groups", "2000-users,20-groups"
"""Seeds whose groups are a list of 8 MB, which no connection takes at once, and of 1.6 MB."""


@pytest.fixture(scope="module")
def large() -> Iterator[World]:
    """A large company that nobody changes."""
    with Sandbox(Options(seed=LARGE)) as sandbox, new_client(sandbox.url) as client:
        yield World(sandbox, client)


def long_request(world: World, *, version: bytes = b"1.1") -> bytes:
    token = world.sandbox.tokens["owner"].encode()
    return b"GET /api/v2/groups HTTP/%s\r\nHost: x\r\nCoder-Session-Token: %s\r\n\r\n" % (version, token)


def test_a_client_of_http_1_0_knows_no_chunks(start: Start) -> None:
    world = start(seed=LONG)
    head, _, body = exchange(world, long_request(world, version=b"1.0")).partition(b"\r\n\r\n")
    assert body == world.get("/groups").content
    assert b"\r\ncontent-length: %d\r\n" % len(body) in head
    assert b"transfer-encoding" not in head


@contextmanager
def slow_reader(world: World, data: bytes) -> Iterator[socket.socket]:
    """Send bytes over a connection that takes little of the answer before it is read."""
    parts = urlsplit(world.sandbox.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE_S)
        connection.connect((parts.hostname, parts.port))
        connection.sendall(data)
        yield connection


@pytest.mark.parametrize("is_followed", [False, True])
def test_who_asks_nothing_more_still_gets_a_long_answer(large: World, is_followed: bool) -> None:
    length = len(large.get("/groups").content)
    with slow_reader(large, long_request(large) + (HEAD + b"\r\n" if is_followed else b"")) as connection:
        received = connection.recv(1)
        connection.shutdown(socket.SHUT_WR)
        received += read_to_the_end(connection)
    whole, end, after = received.partition(b"]\n\r\n0\r\n\r\n")
    assert end
    assert len(whole) > length
    assert not after or is_followed  # on a busy machine the next request is there before the end of them


@pytest.mark.parametrize("is_followed", [False, True])
def test_a_client_that_leaves_within_a_long_answer_is_not_written_to(
    large: World, capfd: pytest.CaptureFixture[str], is_followed: bool
) -> None:
    with slow_reader(large, long_request(large) + (HEAD + b"\r\n" if is_followed else b"")) as connection:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: not large.sandbox._server.server_state.tasks)
    assert capfd.readouterr().err == ""


def test_a_client_that_left_at_once_has_no_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.get_remote_addr", lambda _: None)
    with new_client(world.sandbox.url) as client:
        assert client.get("/healthz").text == "OK"


def test_what_has_no_body_does_not_wait_for_one(world: World) -> None:
    parts = urlsplit(world.sandbox.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).endswith(b"\r\n\r\n")
        connection.sendall(
            b"POST /api/v2/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_coded_slash_is_part_of_a_name(world: World) -> None:
    assert world.get("/users/bob%2Froles").json()["message"].startswith("Resource not found")


def test_every_answer_of_the_server_tells_its_version(world: World) -> None:
    for path in ("/api/v2/buildinfo", "/api/v2/nothing", "/anything", "/healthz"):
        assert world.client.get(path).headers["X-Coder-Build-Version"] == "v2.37.1+sandbox"


def test_outside_the_api_there_is_a_dashboard_for_every_path(world: World) -> None:
    page = world.client.get("/deployment/users")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert world.client.get("/healthz").text == "OK"
    assert world.client.get("/api/v1/users").json() == {"message": "Route not found."}


def test_other_methods_of_a_route_are_not_allowed(world: World) -> None:
    response = world.call("POST", f"/groups/{world.group('acme/eng')}/ai/budget")
    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, GET, PUT")
    assert world.client.head("/api/v2/buildinfo").status_code == 405


def test_a_trailing_slash_and_percent_signs_change_nothing(world: World) -> None:
    assert world.get("/users/").status_code == 200
    assert world.get("/users/b%6Fb").json()["username"] == "bob"


@pytest.mark.parametrize(
    "carry",
    [
        lambda token: {"headers": {"Authorization": f"Bearer {token}"}},
        lambda token: {"headers": {"Cookie": f"a=b; coder_session_token={token}"}},
        lambda token: {"params": {"coder_session_token": token}},
        lambda token: {"params": {"access_token": token}},
    ],
)
def test_a_token_is_found_wherever_coder_looks(world: World, carry: object) -> None:
    more = carry(world.sandbox.tokens["member"])  # type: ignore[operator]
    assert world.get("/users/me", role="nobody", **more).json()["username"] == "mia"


@pytest.mark.parametrize("token", ["", "x", "owner00000-wrong", "owner00000", "nobody0000-SandboxTokenNotASecret"])
def test_other_tokens_are_signed_out(world: World, token: str) -> None:
    response = world.get("/users/me", role="nobody", headers={"Coder-Session-Token": token, "Cookie": "a=b"})
    assert response.status_code == 401
    assert response.json()["message"].startswith("You are signed out or your session has expired.")


def test_suspended_people_are_refused_and_dormant_ones_wake_up(world: World) -> None:
    key = world.call("POST", "/users/grace/keys").json()["key"]
    assert world.get("/users/grace").json()["status"] == "dormant"
    assert world.get("/users/me", role=key).json()["status"] == "active"
    world.put("/users/grace/status/suspend", None)
    assert "not active" in world.get("/users/me", role=key).json()["message"]


def test_a_sandbox_at_the_port_of_another_is_asked_by_a_connection_of_its_own() -> None:
    """By chance a sandbox got the port of one that was gone; the tests' client still had a connection to that."""
    with new_client() as client:
        with Sandbox(Options()) as sandbox:
            port = urlsplit(sandbox.url).port
            assert client.get(f"{sandbox.url}/healthz").text == "OK"
        with Sandbox(Options(port=port or 0)) as sandbox:
            assert client.get(f"{sandbox.url}/healthz").text == "OK"
