"""No secret of ours leaves this room, in whatever spelling a server or a proxy echoes it."""

from __future__ import annotations

import base64
import html
import itertools
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder.answers import error_of, is_not_found
from reconciler.coder.connection import Connection
from reconciler.coder.listing import load_organizations
from reconciler.coder.secrets import Mask
from reconciler.coder.wire import load_object
from reconciler.errors import ServerError
from tests.coder.helpers import ID_1, answer
from tests.together import check_all

TOKEN = "aBcDeFgHiJ-0123456789abcdefGHIJkl"
VALUE = "p&ss<w>\"o'rd/=+ with blanks%"
MASK = Mask(TOKEN, [VALUE])

ESCAPES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "Go's JSON": lambda text: text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003E"),
    "JSON, every character": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "JavaScript": lambda text: "".join(f"\\x{ord(character):02X}" for character in text),
    "braces": lambda text: "".join(f"\\u{{{ord(character):x}}}" for character in text),
    "HTML": html.escape,
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "HTML, by number": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML, by hexadecimal number": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "URL": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "URL, every character": lambda text: "".join(f"%{ord(character):02x}" for character in text),
    "shell": lambda text: "".join(f"\\{character}" for character in text),
}


@pytest.mark.parametrize("secret", [TOKEN, VALUE])
@pytest.mark.parametrize("name", ESCAPES)
def test_every_spelling_is_hidden(name: str, secret: str) -> None:
    spelt = ESCAPES[name](secret)
    assert MASK.hide(f"before {spelt} after") == "before [secret] after"


printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=20)


@given(printable, st.sampled_from(sorted(ESCAPES)), st.text(max_size=5), st.text(max_size=5))
def test_any_secret_in_any_spelling_is_hidden(secret: str, name: str, before: str, after: str) -> None:
    spelt = ESCAPES[name](secret)
    assert spelt not in Mask(secret).hide(f"{before}{spelt}{after}").replace("[secret]", "\n")


near_secrets = st.lists(
    st.sampled_from(["key", "KEY", " or", "+or", "\u017f", "\u212a", "%6b", "&#107;", "\\x6b", "e", "y", "."])
)


@given(near_secrets.map("".join), st.sampled_from(["key or key or key", "\u212aey or", "keykey"]))
def test_the_quick_look_overlooks_no_secret(text: str, secret: str) -> None:
    """A text that holds none is told so without the pattern, and only where the pattern says the same."""
    mask = Mask(secret)
    assert mask.hide(text) == mask._anywhere.pattern.sub("[secret]", text)
    long = Mask(secret * 4)
    assert long.is_in_name(text * 4) == bool(long._in_names.pattern.search(text * 4))


@given(st.text(alphabet="\\%&#u0x;", max_size=3_000))
def test_hostile_text_takes_no_time_and_raises_nothing(text: str) -> None:
    MASK.hide(text)


def test_what_is_too_short_for_a_secret_is_left_alone() -> None:
    assert Mask("", ["on", "1", "yes"]).hide("on, 1, yes") == "on, 1, yes"
    assert Mask().hide("anything") == "anything"


def test_words_of_a_value_and_what_basic_encodes_are_secrets_too() -> None:
    basic = base64.b64encode(b"me:hunter2hunter2").decode()
    mask = Mask("", [f"Basic {basic}", "session=abcdefgh1; Path=/"])
    assert mask.hide(f"{basic} hunter2hunter2 abcdefgh1") == "[secret] [secret] [secret]"
    assert Mask("", ["Basic ***"]).hide("Basic ***") == "[secret]"


def test_secrets_are_in_no_repr() -> None:
    connection = Connection(url="https://coder.example.com", token=TOKEN, headers=(("X-Proxy", VALUE),))
    assert TOKEN not in repr(connection)
    assert VALUE not in repr(connection)
    assert repr(MASK) == "Mask()"
    assert "0123456789" not in repr(answer({}, mask=MASK))


@pytest.mark.parametrize("name", ESCAPES)
def test_no_error_shows_one(name: str) -> None:
    """A header value with & < > was echoed as JSON by a proxy, and reached stderr and the journal."""
    statuses = (301, 302, 400, 401, 403, 404, 407, 413, 428, 500, 502)
    cases = itertools.product((TOKEN, VALUE), ("GET", "PUT"), statuses)
    check_all(lambda case: check_no_error_shows(ESCAPES[name], *case), {str(case): case for case in cases})


def check_no_error_shows(spell: Callable[[str], str], secret: str, method: str, status: int) -> None:
    spelt = spell(secret)
    body = {"message": spelt, "detail": spelt, "validations": [{"field": spelt, "detail": spelt}]}
    for content in (body, spelt.encode()):
        refused = answer(
            content,
            status=status,
            method=method,
            content_type=f"text/{spelt}".lower(),
            location=f"https://{spelt.replace('/', '')}.example/{spelt}",
            request_id=spelt,
            mask=MASK,
        )
        error = error_of(refused)
        for text in (error.message, error.hint):
            assert MASK.hide(text) == text
            assert secret.lower() not in text.lower()


def test_a_secret_is_hidden_before_a_text_is_shortened() -> None:
    error = error_of(answer({"message": "x" * 290 + TOKEN}, status=400, mask=MASK))
    assert TOKEN[:6] not in error.message


def test_texts_of_a_success_are_masked_and_a_name_is_refused() -> None:
    """A name that is changed is somebody else's, so one with our token in it is an error."""
    fields = load_object(answer({"version": f"v2 {TOKEN}", "texts": [TOKEN.upper()]}, mask=MASK))
    assert (fields.text("version"), fields.texts("texts")) == ("v2 [secret]", ("[secret]",))
    row = {"id": ID_1, "name": f"team-{TOKEN}"}
    with pytest.raises(ServerError, match=r"answer\[0\]\.name contains the session token") as caught:
        load_organizations(answer([row], mask=MASK))
    assert TOKEN not in caught.value.message


def test_a_name_that_only_resembles_a_short_header_value_stays() -> None:
    row = {"id": ID_1, "name": "prod-eu"}
    (organization,) = load_organizations(answer([row], mask=Mask(TOKEN, ["prod"]))).values()
    assert organization.name == "prod-eu"


def test_a_header_value_that_is_a_word_of_coders_does_not_change_what_an_answer_means() -> None:
    """`CODER_HEADER=X-Env=found` once made every 404 unreadable: its text was masked before it was compared."""
    message = "Resource not found or you do not have access to this resource"
    assert is_not_found(answer({"message": message}, status=404, mask=Mask(TOKEN, ["found"])))
