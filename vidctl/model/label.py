"""Labels: words that people put on items by hand."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """A label as it was first spelled, and how many items carry it."""

    text: str
    items: int


def label_key(text: str) -> str:
    """Return what is the same for two spellings of one label: case and space do not count.

    Source: Unicode Standard section 3.13, toNFKC_Casefold, without its removal of ignorable
    characters.
    """
    folded = unicodedata.normalize("NFKC", text)
    for _ in range(2):  # folding can bring forth what composes anew
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return " ".join(folded.split())


def label_hash(text: str) -> str:
    """Return the SHA-256 of a label's key, by which a group finds it."""
    return hashlib.sha256(label_key(text).encode()).hexdigest()
