"""From an environment to a server, and what is said when there is none, or another: one sentence and what to do."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from reconciler.cli.server import Waits
from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import AT, COMPANY, NOW, RAISE_PLATFORM, Ran, Shell

BUILD = "/api/v2/buildinfo"
TOKEN = "SecretToken00-SecretSecretSecretSecret"


@pytest.fixture(autouse=True)
def _policy(shell: Shell) -> None:
    shell.policy(RAISE_PLATFORM)


def assert_says(ran: Ran, *texts: str) -> None:
    """A connection error is exit 1, nothing on stdout, a sentence and a hint on stderr, and no secret anywhere."""
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Error: ")
    assert len(ran.err.splitlines()) == 2, ran.err
    for text in texts:
        assert text in ran.err
    assert TOKEN not in ran.err


def test_no_url(shell: Shell) -> None:
    assert_says(shell.run("plan"), "There is no Coder URL.", "set CODER_URL")


def test_no_token(shell: Shell) -> None:
    ran = shell.set(CODER_URL="https://coder.example").run("plan")
    assert_says(ran, "There is no session token for https://coder.example.", "set CODER_SESSION_TOKEN")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://coder.example", "has scheme ftp"),
        ("https://user:pass@coder.example", "must not have a user name"),
        ("https://", "is not a URL"),
        ("https://coder.example:port", "is not a URL"),
        ("https://coder.example/?a=b", "must not have a query"),
        ("https://cod er.example", "is not a URL"),
    ],
)
def test_a_url_that_is_none(shell: Shell, url: str, says: str) -> None:
    assert_says(shell.set(CODER_URL=url, CODER_SESSION_TOKEN=TOKEN).run("plan"), says)


@pytest.mark.parametrize("token", ["two words", "caf\xe9", "line\nbreak"])
def test_a_token_that_is_none(shell: Shell, token: str) -> None:
    assert_says(shell.set(CODER_URL="https://coder.example", CODER_SESSION_TOKEN=token).run("plan"), "session token")


def test_no_such_host(shell: Shell) -> None:
    ran = shell.set(CODER_URL="http://coder.invalid", CODER_SESSION_TOKEN=TOKEN).run("plan")
    assert_says(ran, "there is no such host", "check CODER_URL")


def test_nobody_listens(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    ran = shell.set(CODER_URL=f"http://127.0.0.1:{port}", CODER_SESSION_TOKEN=TOKEN).run("plan")
    assert_says(ran, "no connection", "check CODER_URL")


def test_a_token_that_the_server_does_not_know(shell: Shell, company: Sandbox) -> None:
    shell.set(CODER_URL=company.url, CODER_SESSION_TOKEN=TOKEN)
    assert_says(shell.run("plan"), "GET /api/v2/users/me: 401", "give a valid token in CODER_SESSION_TOKEN")


@pytest.mark.parametrize("lacks", ["aibridge", "template_rbac"])
def test_no_licence(shell: Shell, lacks: str) -> None:
    with Sandbox(Options(now=NOW, unlicensed=(lacks,))) as sandbox:
        assert_says(shell.connect(sandbox).run("plan"), "has no licence for", "Premium licence")


@pytest.mark.parametrize("body", ["<!doctype html><title>Sign in</title>", "", "{", "null"])
def test_a_server_that_is_not_coder(shell: Shell, body: str) -> None:
    with Sandbox(COMPANY) as sandbox:
        for kind in ("text/html", "application/json"):
            fault = Fault("raw", path="*", status=200, body=body, headers={"content-type": kind}, times=100)
            sandbox.fault(fault)
            ran = shell.connect(sandbox).run("plan")
            assert (ran.code, ran.out) == (1, "")
            assert "does not answer like Coder" in ran.err or f"GET {BUILD}" in ran.err
            assert "Traceback" not in ran.err


def test_json_of_something_else(shell: Shell) -> None:
    with Sandbox(COMPANY) as sandbox:
        sandbox.fault(Fault("status", path=BUILD, status=200, body={"status": "UP"}, times=9))
        assert_says(shell.connect(sandbox).run("plan"), "but is not Coder", "check CODER_URL")


def test_a_redirect_is_not_followed(shell: Shell) -> None:
    with Sandbox(COMPANY) as elsewhere, Sandbox(COMPANY) as sandbox:
        headers = {"location": f"{elsewhere.url}/login"}
        sandbox.fault(Fault("status", path="*", status=307, body={}, headers=headers, times=100))
        ran = shell.connect(sandbox).run("plan")
        assert elsewhere.requests == ()
        assert_says(ran, "redirects to " + elsewhere.url, "redirects are not followed", "set CODER_URL")


def test_a_workspace_proxy(shell: Shell) -> None:
    with Sandbox(COMPANY) as sandbox:
        build = {"version": "v2.37.1", "external_url": "https://proxy.example", "workspace_proxy": True,
                 "dashboard_url": "https://coder.example"}  # fmt: skip
        sandbox.fault(Fault("status", path=BUILD, status=200, body=build, times=9))
        assert_says(
            shell.connect(sandbox).run("plan"), "is a workspace proxy", "set CODER_URL to https://coder.example"
        )


def test_a_server_from_before_overrides(shell: Shell) -> None:
    shell.policy(RAISE_PLATFORM + "user_overrides:\n  - {user: bob, group: platform, limit: $5}\n")
    with Sandbox(Options(now=NOW, coder_version="2.34")) as sandbox:
        ran = shell.connect(sandbox).run("plan")
    assert ran.code == 1
    assert "! user/bob  this Coder has no user overrides" in ran.out
    assert "upgrade Coder to 2.36 or later, or remove the entry" in ran.out
    assert "~ group/acme/platform" in ran.out, "the rest of the plan goes on"


def test_the_coder_clis_login(shell: Shell, company: Sandbox) -> None:
    folder = shell.folder / "login"
    folder.mkdir()
    (folder / "url").write_text(company.url + "\n")
    (folder / "session").write_text(company.tokens["user-admin"] + "\n")
    assert shell.set(CODER_CONFIG_DIR=str(folder)).run("plan", *AT).code == 0
    other = shell.set(CODER_URL="https://coder.example").run("plan")
    assert_says(other, "logged in, but not to https://coder.example; its token is not sent there")


def test_the_coder_clis_login_at_home(shell: Shell, company: Sandbox) -> None:
    folder = shell.folder / ".config" / "coderv2"
    folder.mkdir(parents=True)
    (folder / "url").write_text(company.url)
    (folder / "session").write_text(company.tokens["user-admin"])
    shell.monkeypatch.setattr("sys.platform", "linux")
    assert shell.set(HOME=str(shell.folder)).run("plan", *AT).code == 0


def test_a_login_that_cannot_be_read(shell: Shell) -> None:
    folder = shell.folder / "login"
    (folder / "url").mkdir(parents=True)
    assert_says_once = shell.set(CODER_CONFIG_DIR=str(folder)).run("plan")
    assert (assert_says_once.code, assert_says_once.out) == (1, "")
    assert f"{folder / 'url'} cannot be read: Is a directory" in assert_says_once.err
    (folder / "url").rmdir()
    (folder / "url").write_bytes(b"\xff\xfe")
    assert "it is not UTF-8" in shell.run("plan").err


def test_extra_headers_are_sent(shell: Shell, company: Sandbox) -> None:
    shell.connect(company).set(CODER_HEADER="X-Access=letmein,X-Team=budget")
    assert shell.run("plan", *AT).code == 0
    assert_says(shell.set(CODER_HEADER="nonsense letmein").run("plan"), "Entry 1 of CODER_HEADER is not a header")


@contextmanager
def tls_in_front_of(sandbox: Sandbox, authority: trustme.CA) -> Iterator[int]:
    """Speak TLS with a certificate of an authority of our own, and pass the bytes on; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    port = int(sandbox.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        listening.settimeout(0.1)
        stopped = threading.Event()
        accepting = threading.Thread(target=_accept, args=(listening, context, port, stopped))
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stopped.set()
            accepting.join()


def _accept(listening: socket.socket, context: ssl.SSLContext, port: int, stopped: threading.Event) -> None:
    relays: list[threading.Thread] = []
    while not stopped.is_set():
        try:
            plain, _ = listening.accept()
        except TimeoutError:
            continue
        relays.append(threading.Thread(target=_relay, args=(plain, context, port)))
        relays[-1].start()
    for relay in relays:
        relay.join()


def _relay(plain: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One request at a time on a connection: what comes is passed on, then the answer, until either side closes."""
    with plain, socket.create_connection(("127.0.0.1", port)) as server:
        try:
            plain.settimeout(20)
            with context.wrap_socket(plain, server_side=True) as client:
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                server.shutdown(socket.SHUT_RDWR)
                back.join()
        except OSError:  # the client does not trust us, which is the point
            return


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
    except OSError:
        return


def test_tls_is_verified_and_a_private_authority_can_be_named(shell: Shell, company: Sandbox) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(shell.folder / "authority.pem")
    with tls_in_front_of(company, authority) as port:
        shell.connect(company).set(CODER_URL=f"https://localhost:{port}")
        untrusted = shell.run("plan", *AT)
        assert_says(untrusted, "TLS failed: ", "set SSL_CERT_FILE")
        shell.set(SSL_CERT_FILE=str(shell.folder / "authority.pem"))
        trusted = shell.process("plan", *AT)
        assert (trusted.code, trusted.err) == (0, "")
        assert f"at https://localhost:{port}, as ci-budgets" in trusted.out
        shell.set(SSL_CERT_FILE=str(shell.folder / "nowhere.pem"))
        assert_says(shell.run("plan"), "The trusted certificates cannot be loaded", "check SSL_CERT_FILE")


def test_https_where_only_http_is_spoken(shell: Shell, company: Sandbox) -> None:
    shell.connect(company).set(CODER_URL=company.url.replace("http:", "https:"))
    assert_says(shell.run("plan"), "TLS failed: ", "then write http:// in CODER_URL")


def test_a_long_wait_is_told_and_has_an_end(shell: Shell) -> None:
    slept: list[float] = []
    wait = Waits(slept.append)
    for seconds in (4.0, 37.0, 36.0, 60.0):  # the third is over before the second
        wait(seconds)
    assert slept == [4, 37, 36, 60]
    assert shell.capsys.readouterr().err.splitlines() == [
        f"Waiting {seconds} s for Coder (a rate limit or a restart)." for seconds in (37, 60)
    ]
    with Sandbox(COMPANY) as sandbox:
        sandbox.fault(Fault("status", path=BUILD, status=429, headers={"Retry-After": "400"}, times=2))
        for options in ([], ["--max-wait", "399"]):
            ran = shell.connect(sandbox).run("plan", *options, *AT)
            assert_says(ran, "waiting 400 s more would exceed the", "pass a longer `--max-wait`")
        assert [request.path for request in sandbox.requests].count(BUILD) == 2
