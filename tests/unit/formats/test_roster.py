"""Lists of people as spreadsheets write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.errors import UsageError
from vidctl.formats.roster import Entry, read_roster


def test_each_column_names_people() -> None:
    for column in ("person", "slug", "email", "Email", " PERSON "):
        assert read_roster(f"{column}\nana\n".encode()) == [Entry(2, "ana")]


def test_a_slug_goes_before_a_person_and_that_before_an_email() -> None:
    raw = b"email,person,slug\na@x.org,Ana,ana\nb@x.org,bob,\nc@x.org,,\n"
    assert [entry.reference for entry in read_roster(raw)] == ["ana", "bob", "c@x.org"]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators(mark: str) -> None:
    raw = f"name{mark}email\r\nAna{mark}a@x.org\r\n"
    assert read_roster(raw.encode()) == [Entry(2, "a@x.org")]


def test_a_byte_order_mark_and_empty_lines_are_skipped() -> None:
    assert read_roster(b"\xef\xbb\xbfemail\r\n\r\na@x.org\r\n,\r\n\r\n"[:-4]) == [
        Entry(3, "a@x.org")
    ]


def test_bad_lines_have_their_number_and_a_reason() -> None:
    raw = b'name,email\nAna,\n"two\nlines",b@x.org\nc,c@x.org,more\nshort\n'
    assert read_roster(raw) == [
        Entry(2, "", "names nobody"),
        Entry(4, "b@x.org"),
        Entry(5, "", "3 cells below 2 columns"),
        Entry(6, "", "names nobody"),
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "has no column person, email or slug"),
        (b"name,address\nx,y\n", "has no column person, email or slug"),
        (b"email\n\xff\xfe\n", "is not UTF-8 text"),
        (b"email\n" + b"x" * 200_000, "field larger than field limit"),
    ],
)
def test_what_is_no_list_of_people_is_told(raw: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_roster(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_a_mistake(raw: bytes) -> None:
    try:
        entries = read_roster(b"email,slug\n" + raw)
    except UsageError:
        return
    assert all(bool(entry.reference) != bool(entry.problem) for entry in entries)
