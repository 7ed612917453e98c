"""A key in memory tells nothing, whatever is done with it."""

from __future__ import annotations

import copy
import pickle

import pytest

from vidctl.errors import UsageError
from vidctl.keys import Secret
from vidctl.keys.shapes import checked, first_line, looks_secret

VALUE = "sk-not-a-real-key-0123456789"


def test_only_reveal_reveals() -> None:
    secret = Secret(VALUE, name="openai", kind="openai", source="keyring")
    assert secret.reveal() == VALUE
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        repr([secret]),
        str([secret]),
    ):
        assert "sk-" not in shown
        assert "********" in shown


def test_it_is_not_written_into_other_places() -> None:
    secret = Secret(VALUE, name="openai", kind="openai")
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            act(secret)
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        hash(secret)


def test_keys_are_the_same_by_value() -> None:
    one, same = (Secret(VALUE, name=name, kind="openai") for name in ("one", "two"))
    assert one == same
    assert one != Secret(VALUE + "x", name="one", kind="openai")
    assert one != VALUE, "text is no key"


GOOD = {
    "cloudinary": ["cloudinary://123:abc@demo", "cloudinary://1:a%2Fb@my-cloud?secure=true"],
    "s3": ["AKIAIOSFODNN7EXAMPLE:wJalr/XUtn+FEMI", "minio:minio123", "A1B2:secret:token:with/more"],
    "openai": ["sk-abcdefgh", "sk-proj-abc_def"],
}
BAD = {
    "cloudinary": ["123:abc@demo", "cloudinary://123@demo", "cloudinary://123:abc@", "sk-abcdefgh"],
    "s3": ["AKIAIOSFODNN7EXAMPLE", ":secret", "AKIA:", "cloudinary://1:2@demo extra"],
    "openai": [
        "abcdefgh",
        "sk-ab",
        "sk-abc def",
        "sk-ab\x1bcdef",
        "sk-abc\u00e9def",
        "sk-" + "a" * 70_000,
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in GOOD for text in GOOD[kind]])
def test_keys_of_the_right_form_are_taken(kind: str, text: str) -> None:
    assert checked(kind, kind, f"  {text}\n") == text


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in BAD for text in BAD[kind]])
def test_others_are_refused_without_being_quoted(kind: str, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked(kind, "archive", text)
    said = refused.value.message + refused.value.hint + repr(refused.value)
    assert "archive" in said
    assert text.strip() not in said
    assert text[:8] not in said.replace("cloudinary://API_KEY", "")


def test_nothing_is_no_key() -> None:
    with pytest.raises(UsageError, match="no key was given"):
        checked("openai", "openai", " \n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("abc\n", "abc"),
        ("\n abc \nmore\n", "abc"),
        ("abc\r\n", "abc"),
        ("", None),
        ("two words", None),
        ("nul\x00", None),
        ("a" * 70_000, None),
    ],
)
def test_the_first_line_counts(text: str, line: str | None) -> None:
    assert first_line(text) == line


def test_settings_are_told_from_keys() -> None:
    for text in ("cloudinary://1:2@x", "https://u:p@h", "ASIA0123456789ABCDEF", VALUE):
        assert looks_secret(text), text
    for text in ("demo", "https://example.org", "s3.example.org:9000", "eu-west-1", "w_300|c_fill"):
        assert not looks_secret(text), text
