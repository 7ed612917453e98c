"""The only writer of stdout: text for people, and JSON, JSON lines or CSV for programs."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vidctl.cli.exits import ExitCode, exit_code
from vidctl.cli.text import escaped, fit, pad, table, visible, width
from vidctl.errors import LimitReached, MissingKey, Temporary, UsageError, VidctlError
from vidctl.keys import redact, redact_shapes
from vidctl.outcome import Outcome

ENVELOPE_VERSION = 1
UNBOUNDED = 1_000_000
# A spreadsheet runs a cell that begins with one of these (or its full-width twin) as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Columns = Sequence[tuple[str, Callable[[dict[str, Any]], str]]]


class Output:
    """Writes one command's result in the format that was asked for."""

    def __init__(
        self,
        *,
        format: str = "text",
        fields: Sequence[str] = (),
        file: Path | None = None,
        is_terminal: bool | None = None,
    ) -> None:
        self.format = format
        self.fields = tuple(fields)
        self.file = file
        terminal = sys.stdout.isatty() if is_terminal is None else is_terminal
        self.is_terminal = terminal and file is None

    @property
    def columns(self) -> int:
        """How wide a line may be: the terminal's width, elsewhere as long as it comes."""
        import shutil

        return shutil.get_terminal_size().columns if self.is_terminal else UNBOUNDED

    def result(
        self,
        command: str,
        outcome: Outcome,
        *,
        text: Callable[[], str] | None = None,
        columns: Columns = (),
    ) -> ExitCode:
        """Write an outcome and return the exit code it deserves.

        A listing gives ``columns``; anything else gives ``text``, called only when it is shown.
        """
        code = code_of(outcome)
        if self.format == "json":
            self.write(envelope(command, outcome, code, self.fields) + "\n")
        elif self.format in ("jsonl", "csv"):
            self.write(self._rows(outcome.data))
        elif self.fields:
            rows = [pick(item, self.fields) for item in items_of(outcome.data)]
            self.write("".join("\t".join(map(plain, row.values())) + "\n" for row in rows))
        elif columns:
            self.write(self._table(items_of(outcome.data), columns))
        elif text is not None:
            shown = text()
            self.write(shown + "\n" if shown else "")
        return code

    def failure(self, command: str, error: VidctlError, code: ExitCode) -> None:
        """Write the envelope of a command that failed as a whole; nothing in other formats."""
        if self.format == "json":
            outcome = Outcome(errors=[error])
            self.write(envelope(command, outcome, code, (), is_whole=True) + "\n")

    def _rows(self, data: Any) -> str:
        items = items_of(data)
        if self.fields:
            items = [pick(item, self.fields) for item in items]
        if self.format == "jsonl":
            return "".join(compact(item) + "\n" for item in items)
        return csv_text(items, self.fields, for_eyes=self.is_terminal)

    def _table(self, items: list[dict[str, Any]], columns: Columns) -> str:
        rows = [[shown(item) for _, shown in columns] for item in items]
        if not self.is_terminal:
            return "".join("\t".join(map(plain, row)) + "\n" for row in rows)
        if not rows:
            return ""
        kept = [n for n in range(len(columns)) if n == 0 or any(row[n] for row in rows)]
        header = [columns[n][0].upper() for n in kept]
        rows = [[row[n] for n in kept] for row in rows]
        return table(header, rows, columns=self.columns) + "\n"

    def rows(
        self,
        command: str,
        records: Iterable[dict[str, Any]],
        *,
        columns: Columns = (),
        is_live: bool = False,
    ) -> ExitCode:
        """Write records as they come, however many: none is held. Ends when nobody reads.

        ``is_live`` shows each at once, and on a terminal in columns of a fixed width.
        """
        if self.format == "json":
            pieces = self._enveloped(command, records)
        elif self.format == "csv":
            pieces = self._csv(records)
        elif self.format == "jsonl" or not (columns or self.fields):
            pieces = (compact(self._picked(record)) + "\n" for record in records)
        else:
            pieces = (self._line(record, columns) + "\n" for record in records)
        self._stream(pieces, is_live=is_live)
        return ExitCode.DONE

    def _picked(self, record: dict[str, Any]) -> dict[str, Any]:
        return pick(record, self.fields) if self.fields else record

    def _line(self, record: dict[str, Any], columns: Columns) -> str:
        if self.fields:
            return "\t".join(map(plain, pick(record, self.fields).values()))
        cells = [plain(shown(record)) for _, shown in columns]
        if not self.is_terminal:
            return "\t".join(cells)
        first, *rest = cells
        share = (self.columns - width(first)) // max(1, len(rest)) - 2
        return "  ".join([first, *(pad(fit(cell, share), share) for cell in rest)]).rstrip()

    def _csv(self, records: Iterable[dict[str, Any]]) -> Iterator[str]:
        names = self.fields
        for number, record in enumerate(records):
            names = names or tuple(record)
            text = csv_text([self._picked(record)], names, for_eyes=self.is_terminal)
            yield text if number == 0 else text.partition("\r\n")[2]

    def _enveloped(self, command: str, records: Iterable[dict[str, Any]]) -> Iterator[str]:
        """Yield the envelope of a listing piece by piece."""
        count = 0
        mark = '"items": []'
        for count, record in enumerate(records, start=1):
            text = compact(self._picked(record))
            if count == 1:
                head = envelope(command, _listing(0), ExitCode.DONE, ()).partition(mark)[0]
                text = f'{head}"items": [{text}'
            yield text if count == 1 else f", {text}"
        whole = envelope(command, _listing(count), ExitCode.DONE, ())
        yield (f"]{whole.partition(mark)[2]}" if count else whole) + "\n"

    def _stream(self, pieces: Iterable[str], *, is_live: bool) -> None:
        pieces = map(redact, pieces)
        if self.file is not None:
            from vidctl.files import atomic_writer

            with atomic_writer(self.file) as handle:
                for piece in pieces:
                    handle.write(piece.encode("utf-8", "backslashreplace"))
            return
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            for piece in pieces:
                sys.stdout.write(piece)
                if is_live:
                    sys.stdout.flush()
            sys.stdout.flush()
        except BrokenPipeError:
            hush()

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether somebody still reads stdout."""
        import select
        import time

        try:
            number = sys.stdout.fileno()
        except (OSError, ValueError):
            number = -1
        if number < 0 or not hasattr(select, "poll"):
            time.sleep(seconds)
            return True
        watch = select.poll()
        watch.register(number, 0)  # errors and hang-ups are told unasked
        return not watch.poll(seconds * 1000)

    def write(self, text: str) -> None:
        """Write to stdout, or to the file of ``-o`` in one step; keys are struck out."""
        text = redact(text)
        if self.file is not None:
            from vidctl.files import atomic_writer

            with atomic_writer(self.file) as handle:
                handle.write(text.encode("utf-8", "backslashreplace"))
            return
        # A stdout that cannot say a character must not end a listing half-way.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            hush()


def _listing(count: int) -> Outcome:
    return Outcome({"items": [], "total": count, "next": None})


def code_of(outcome: Outcome) -> ExitCode:
    """Return the exit code of an outcome.

    A limit, a missing key or a service that does not answer, when they are about no single item,
    ended the whole run early: that says more than that some items failed. So does an error that
    the outcome names as the one that ended it.
    """
    if outcome.halting is not None:
        return exit_code(outcome.halting)
    for error in outcome.errors:
        if not error.item and isinstance(error, (LimitReached, MissingKey, Temporary)):
            return exit_code(error)
    if outcome.errors:
        return ExitCode.PARTIAL
    return ExitCode.FINDINGS if outcome.findings else ExitCode.DONE


def envelope(
    command: str,
    outcome: Outcome,
    code: ExitCode,
    fields: Sequence[str],
    *,
    is_whole: bool = False,
) -> str:
    """Write the versioned JSON envelope, the same keys on success and on failure.

    ``is_whole``: the error is the command's, so its exit code is the command's as well.
    """
    status = {ExitCode.DONE: "ok", ExitCode.PARTIAL: "partial", ExitCode.FINDINGS: "findings"}
    data = outcome.data
    is_partial = bool(outcome.errors) and not is_whole
    if fields and data is not None:
        data = trimmed(data, fields)
    text = json.dumps(
        {
            "version": ENVELOPE_VERSION,
            "command": command,
            "status": status.get(code, "partial" if is_partial else "failed"),
            "exit_code": int(code),
            "data": data,
            "notes": outcome.notes,
            "errors": [
                error_record(error, code if is_whole else exit_code(error))
                for error in outcome.errors
            ],
        },
        ensure_ascii=False,
        indent=2 if sys.stdout.isatty() else None,
        allow_nan=False,
    )
    return escaped(text)


def error_record(error: VidctlError, code: ExitCode) -> dict[str, Any]:
    """Return an error as it appears in the envelope."""
    return {
        "code": error.code,
        "message": redact_shapes(error.message),
        "hint": redact_shapes(error.hint),
        "item": redact_shapes(error.item),
        "exit_code": int(code),
    }


def items_of(data: Any) -> list[dict[str, Any]]:
    """Return the rows of a listing or a search, or the one record that the data is."""
    if isinstance(data, dict):
        for key in ("items", "hits"):
            if isinstance(data.get(key), list):
                return list(data[key])
        return [data]
    return list(data or [])


def trimmed(data: Any, fields: Sequence[str]) -> Any:
    """Return the data with only ``fields`` left in each record."""
    if isinstance(data, dict):
        for key in ("items", "hits"):
            if isinstance(data.get(key), list):
                return {**data, key: [pick(item, fields) for item in data[key]]}
        return pick(data, fields)
    return data


def pick(item: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Return the named fields of a record; dots descend, property names need no prefix.

    Raises UsageError for a name that is neither a field nor a property.
    """
    return {name: _field(item, name) for name in fields}


def _field(item: dict[str, Any], name: str) -> Any:
    value: Any = item
    for part in name.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif value is item and isinstance(item.get("properties"), dict):
            value = item["properties"].get(part)
        elif value is item:
            known = ", ".join(item)
            raise UsageError(f"there is no field {name!r}", hint=f"fields here: {known}")
        else:
            return None
    return value


def plain(value: Any) -> str:
    """Return a value as one cell of a tab-separated line."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return compact(value)
    return visible(str(value))


def compact(value: Any) -> str:
    """Return a value as JSON on one line."""
    return escaped(json.dumps(value, ensure_ascii=False, allow_nan=False))


def csv_text(items: list[dict[str, Any]], fields: Sequence[str], *, for_eyes: bool = False) -> str:
    """Return records as RFC 4180 CSV with a header; text that a spreadsheet would run is quoted.

    Nested values are JSON, absent ones empty. CSV cannot escape a control character, so only
    ``for_eyes``, on a terminal, such characters are written out.
    """
    import csv

    names = list(fields) or list(dict.fromkeys(name for item in items for name in item))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(names)
    for item in items:
        cells = [csv_cell(item.get(name)) for name in names]
        writer.writerow([_seen(cell) for cell in cells] if for_eyes else cells)
    return buffer.getvalue()


def _seen(cell: Any) -> Any:
    return visible(cell, lines=True) if isinstance(cell, str) else cell


def csv_cell(value: Any) -> Any:
    """Return a value as a CSV cell, guarded against formulas."""
    if isinstance(value, (dict, list)):
        value = compact(value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


def hush() -> None:
    """Point stdout at nothing after its reader went away, so that exiting stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
