"""From an environment to a connection, and that its secrets stay secret."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder.connection import Connection, connection_from, login_directory, normalise_url, parse_headers
from reconciler.errors import ReconcilerError

LOGIN = {"/home/ana/.config/coderv2/url": "https://coder.example.com\n", "/home/ana/.config/coderv2/session": "tok-2\n"}


def read(files: dict[str, str], path: PurePath) -> str | None:
    return files.get(str(path))


def connect(environment: dict[str, str], files: dict[str, str] | None = None) -> Connection:
    return connection_from({"HOME": "/home/ana"} | environment, lambda path: read(files or {}, path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://coder.example.com", "https://coder.example.com"),
        ("coder.example.com", "https://coder.example.com"),
        ("  https://Coder.Example.com/  ", "https://coder.example.com"),
        ("https://coder.example.com/api/v2/", "https://coder.example.com"),
        ("https://example.com/coder/", "https://example.com/coder"),
        ("coder.example.com:8443", "https://coder.example.com:8443"),
        ("localhost:3000", "http://localhost:3000"),
        ("localhost", "http://localhost"),
        ("localhost.evil.example", "https://localhost.evil.example"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_urls_are_normalised(text: str, expected: str) -> None:
    assert expected == normalise_url(text)
    assert expected == normalise_url(expected)


@pytest.mark.parametrize(
    "text",
    ["", "https://", "ftp://coder.example.com", "https://ana:secret@coder.example.com", "ana@coder.example.com",
     "https://coder.example.com?x=1", "https://coder.example.com#x", "https://coder.example.com:99999",
     "https://coder.example.com:port", "https://[::1", "https://co der.example.com", "https://coder.example.com\\@evil",
     "https://coder\x00.example.com", "https://coder.example.com:0", "https://a..b"],
)  # fmt: skip
def test_what_is_no_url_of_a_deployment_is_refused(text: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        normalise_url(text)
    assert caught.value.hint
    assert "secret" not in caught.value.message


@given(st.text())
def test_no_text_makes_the_normaliser_fail_otherwise(text: str) -> None:
    try:
        url = normalise_url(text)
    except ReconcilerError:
        return
    assert url == normalise_url(url)


def test_the_environment_is_enough() -> None:
    connection = connect({"CODER_URL": "coder.example.com", "CODER_SESSION_TOKEN": " tok-1 ", "CODER_HEADER": "X-A=1"})
    assert (
        connection.url, connection.token, connection.headers,
    ) == ("https://coder.example.com", "tok-1", (("X-A", "1"),))  # fmt: skip


def test_the_coder_cli_login_is_enough() -> None:
    connection = connect({}, LOGIN)
    assert (connection.url, connection.token) == ("https://coder.example.com", "tok-2")


def test_the_cli_token_goes_only_to_its_own_url() -> None:
    assert connect({"CODER_URL": "coder.example.com/"}, LOGIN).token == "tok-2"
    with pytest.raises(ReconcilerError, match=r"not to https://other\.example\.com"):
        connect({"CODER_URL": "other.example.com"}, LOGIN)


def test_a_session_without_a_url_goes_nowhere() -> None:
    with pytest.raises(ReconcilerError, match="its token is not sent there"):
        connect({"CODER_URL": "coder.example.com"}, {"/home/ana/.config/coderv2/session": "tok"})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "There is no Coder URL."),
        ({"CODER_SESSION_TOKEN": "tok"}, "There is no Coder URL."),
        ({"CODER_URL": "coder.example.com"}, "There is no session token for https://coder.example.com."),
        ({"CODER_URL": "coder.example.com", "CODER_SESSION_TOKEN": "to\nk"}, "The session token contains spaces or"),
        ({"CODER_URL": "coder.example.com", "CODER_SESSION_TOKEN": "tök"}, "The session token contains spaces or"),
    ],
)
def test_what_is_missing_is_said_with_a_hint(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        connect(environment)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"CODER_CONFIG_DIR": "/etc/c"}, "linux", "/etc/c"),
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "linux", "/x/coderv2"),
        ({"HOME": "/h"}, "linux", "/h/.config/coderv2"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Application Support/coderv2"),
    ],
)
def test_where_the_coder_cli_keeps_its_login(environment: dict[str, str], platform: str, expected: str) -> None:
    assert PurePath(expected) == login_directory(environment, platform)


def test_headers_are_a_csv_list() -> None:
    assert parse_headers('X-A=1,"X-B=a,b=c"') == (("X-A", "1"), ("X-B", "a,b=c"))
    assert parse_headers("") == ()


@pytest.mark.parametrize(
    "text", ["novalue", "=x", "X A=1", "X-A=a\nb", "X-A=ü", "Coder-Session-Token=x", "host=evil", "X-A=1,,"]
)
def test_a_wrong_header_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        parse_headers(text.replace("1", "hunter2"))
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_that_docker_keeps_are_no_part_of_url_and_token(quote: str) -> None:
    environment = {
        "CODER_URL": f"{quote}https://coder.example.com{quote}",
        "CODER_SESSION_TOKEN": f" {quote}tok{quote} ",
    }
    connection = connection_from(environment, lambda path: None)
    assert (connection.url, connection.token) == ("https://coder.example.com", "tok")


@pytest.mark.parametrize("token", ["'tok", "'", "\"tok'"])
def test_a_quote_alone_is_left_as_it_is(token: str) -> None:
    environment = {"CODER_URL": "https://coder.example.com", "CODER_SESSION_TOKEN": token}
    assert connection_from(environment, lambda path: None).token == token
