"""Reading a form with a file in it, block by block (RFC 7578)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

BLOCK = 1 << 16


class Cut(Exception):
    """The connection ended before the request did."""


class Form:
    """A multipart form that is read block by block (RFC 7578)."""

    def __init__(self, stream: Any, length: int, boundary: bytes) -> None:
        self.stream, self.left = stream, length
        self.delimiter = b"\r\n--" + boundary
        self.held = b"\r\n"

    def read(self, sink: Any) -> tuple[dict[str, str], str]:
        """Return the fields and the name of the file, whose bytes go to ``sink``."""
        fields: dict[str, str] = {}
        name = ""
        self._until(self.delimiter, lambda block: None)
        while self._take(2) == b"\r\n":
            head = bytearray()
            self._until(b"\r\n\r\n", head.extend)
            text = head.decode("utf-8", "replace")
            field = re.search(r'\bname="([^"]*)"', text)
            file = re.search(r'\bfilename="([^"]*)"', text)
            if file is not None:
                name = file[1]
                self._until(self.delimiter, sink.write)
            elif field is not None:
                value = bytearray()
                self._until(self.delimiter, value.extend)
                fields[field[1]] = value.decode()
        while self.left:
            self._fill()
        return fields, name

    def _until(self, mark: bytes, give: Callable[[bytes], object]) -> None:
        while True:
            at = self.held.find(mark)
            if at >= 0:
                give(self.held[:at])
                self.held = self.held[at + len(mark) :]
                return
            keep = len(mark) - 1
            if len(self.held) > keep:
                give(self.held[:-keep])
                self.held = self.held[-keep:]
            self._fill()

    def _take(self, count: int) -> bytes:
        while len(self.held) < count:
            self._fill()
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def _fill(self) -> None:
        block = self.stream.read(min(BLOCK, self.left))
        if not block:
            raise Cut
        self.left -= len(block)
        self.held += block
