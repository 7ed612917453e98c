"""Keys are struck out of text in every form that programs write them in."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.keys import Secret, redact, redact_shapes, remember_variables
from vidctl.keys.redaction import Redactor

API_KEY = "271828182845904"
SECRET = "Pp_n0t-a/real+s3cret&x="
CLOUDINARY = f"cloudinary://{API_KEY}:{quote(SECRET, safe='')}@demo"


@pytest.fixture
def known() -> Secret:
    return Secret(CLOUDINARY, name="archive", kind="cloudinary")


def cores(value: bytes) -> list[str]:
    """What base64 makes of a value whatever stands before and after it."""
    found = []
    for before in range(3):
        text = base64.b64encode(b"u" * before + value + b":").decode()
        found.append(text[-(-before * 8 // 6) : (before + len(value)) * 8 // 6])
    return found


FORMS = {
    "raw": lambda value: value,
    "percent": lambda value: quote(value, safe=""),
    "percent in small letters": lambda value: re.sub(
        "%..", lambda match: match[0].lower(), quote(value, safe="")
    ),
    "form": quote_plus,
    "json": lambda value: json.dumps({"key": value}),
    "repr": repr,
    "bytes": lambda value: repr(value.encode()),
    "html": html.escape,
    "hex": lambda value: value.encode().hex(),
    "basic": lambda value: base64.b64encode(f"{API_KEY}:{value}".encode()).decode(),
    "basic without padding": lambda value: base64.b64encode(f"me:{value}:x".encode()).decode(),
    "url-safe base64": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_the_secret_is_left(known: Secret, form: str) -> None:
    written = FORMS[form](SECRET)
    told = redact(f"401 for [{written}] at demo")
    assert "<archive key>" in told
    assert told.startswith("401 for [")
    assert told.endswith("] at demo")
    assert SECRET not in told
    assert quote(SECRET, safe="") not in told
    assert all(core not in told for core in cores(SECRET.encode()))


def test_the_whole_key_and_its_parts_go(known: Secret) -> None:
    assert redact(CLOUDINARY) == "<archive key>"
    assert redact(f"api_key={API_KEY}&cloud=demo") == "api_key=<archive key>&cloud=demo"


def test_a_key_that_a_service_cut_off_goes_too(known: Secret) -> None:
    assert redact("provided: Pp_n0t-a***ret.") == "provided: <archive key>"
    assert redact("cut Pp_n0t-a") == "cut <archive key>"
    assert redact("see cloudinary://…") == "see cloudinary://…", "the beginning of the form is none"


def test_short_values_take_no_words_from_a_text() -> None:
    Secret("cloudinary://1:x@demo", name="tiny", kind="cloudinary")
    assert redact("1 x at cloudinary") == "1 x at cloudinary"


def test_two_keys_are_told_apart() -> None:
    Secret("AKIAEXAMPLE0000:zyxwvutsrqponmlkjihg", name="one", kind="s3")
    Secret("sk-abcdefghijklm-nopqrstuvw", name="openai", kind="openai")
    told = redact("zyxwvutsrqponmlkjihg and sk-abcdefghijklm-nopqrstuvw")
    assert told == "<one key> and <openai key>"


def test_text_without_a_key_stays(known: Secret) -> None:
    text = json.dumps({"title": "Kingfisher", "path": "a/b+c=d", "n": 271828})
    assert redact(text) == text


@given(st.text(string.ascii_letters + string.digits + "+/_-=", min_size=12, max_size=60))
def test_any_key_in_any_place(value: str) -> None:
    redactor = Redactor()
    redactor.remember("any", value, (value,))
    noise = random.Random(value).choices(string.ascii_letters, k=7)
    for before in range(4):
        text = base64.b64encode(
            ("".join(noise[:before]) + value + "".join(noise)).encode()
        ).decode()
        told = redactor.redact(text)
        assert all(core not in told for core in cores(value.encode()) if len(core) > 10)
    assert value not in redactor.redact(f"<{value}>{value}")


def test_variables_are_known_before_anybody_asks_for_them() -> None:
    remember_variables(
        {
            "CLOUDINARY_URL": CLOUDINARY,
            "VIDCTL_ARCHIVE_KEY": "AKIAEXAMPLE0000:wJalrXUtnFEMIK7MDENG",
            "AWS_SECRET_ACCESS_KEY": "anothersecretaltogether",
            "VIDCTL_ARCHIVE_KEY_FILE": "/run/secrets/archive",
            "EDITOR": "nano-editor",
        }
    )
    told = redact(f"{SECRET} wJalrXUtnFEMIK7MDENG anothersecretaltogether")
    assert told == ("<CLOUDINARY_URL key> <VIDCTL_ARCHIVE_KEY key> <AWS_SECRET_ACCESS_KEY key>")
    assert redact("/run/secrets/archive nano-editor") == "/run/secrets/archive nano-editor"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at cloudinary://123:s3cret@demo", "at cloudinary://<key>@demo"),
        ("https://me:pass@example.org/x", "https://<key>@example.org/x"),
        ("AKIAIOSFODNN7EXAMPLE is refused", "<key> is refused"),
        ("key sk-proj-0123456789abcdefgh", "key <key>"),
        (
            "has the form cloudinary://KEY:SECRET@CLOUD",
            "has the form cloudinary://KEY:SECRET@CLOUD",
        ),
        ("see https://example.org:8080/a@b", "see https://example.org:8080/a@b"),
        ("disk-usage and task-0123456789abcdefgh", "disk-usage and task-0123456789abcdefgh"),
    ],
)
def test_messages_lose_what_looks_like_a_key(text: str, told: str) -> None:
    assert redact_shapes(text) == told
