"""Lists of people as CSV: a header with a column ``person``, ``email`` or ``slug``."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from vidctl.errors import UsageError

# The first of these that a line fills says who is meant.
COLUMNS = ("slug", "person", "email")
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list: its number in the file, and who is meant; ``problem`` says what is bad."""

    line: int
    reference: str
    problem: str = ""


def read_roster(raw: bytes) -> list[Entry]:
    """Read a list of people; commas, semicolons and tabs separate, empty lines are skipped.

    Raises UsageError for a file that is no UTF-8 text or has no such column.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("the list of people is not UTF-8 text") from None
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        places = [header.index(name) for name in COLUMNS if name in header]
        if not places:
            raise UsageError(
                "the list of people has no column person, email or slug",
                hint="its first line names the columns",
            )
        return [_entry(rows.line_num, row, len(header), places) for row in rows if any(row)]
    except csv.Error as error:
        raise UsageError(f"line {rows.line_num} of the list of people: {error}") from None


def _entry(line: int, row: list[str], width: int, places: list[int]) -> Entry:
    if len(row) > width:
        return Entry(line, "", f"{len(row)} cells below {width} columns")
    cells = [row[place].strip() for place in places if place < len(row)]
    found = next((cell for cell in cells if cell), "")
    return Entry(line, found, "" if found else "names nobody")
