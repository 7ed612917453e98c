"""Porter's stemmer, the one that the full-text index uses, so that both agree on what matches.

M. F. Porter, "An algorithm for suffix stripping", Program 14 (3), 1980.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Words as the index sees them; combining marks belong to their letter.
WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")

_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize",
    "logi": "log", "bli": "ble", "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous",
    "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al", "iveness": "ive",
    "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble",
}  # fmt: skip
_STEP_3 = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
_STEP_4 = dict.fromkeys(
    [
        *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou"),
        *("ism", "ate", "iti", "ous", "ive", "ize"),
    ],
    "",
)
# What must stand before "ion" stays.
_STEP_4 |= {"sion": "s", "tion": "t"}
_LONGEST = 7


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Fold case and accents, then reduce an English word to its stem; other words stay whole."""
    folded = fold(word)
    if not (2 < len(folded) < 64 and folded.isascii() and folded.isalpha()):
        return folded
    return _porter(folded)


def fold(text: str) -> str:
    """Return text in lower case without accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))


def _porter(word: str) -> str:
    word = _past(_plural(word))
    if word.endswith("y") and _has_vowel(word[:-1]):
        word = word[:-1] + "i"
    word = _replaced(word, _STEP_2, 0)
    word = _replaced(word, _STEP_3, 0)
    word = _replaced(word, _STEP_4, 1)
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _ends_short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    suffix = next((one for one in ("ing", "ed") if word.endswith(one)), None)
    if suffix is None or not _has_vowel(word.removesuffix(suffix)):
        return word
    root = word.removesuffix(suffix)
    if root.endswith(("at", "bl", "iz")):
        return root + "e"
    if len(root) > 1 and root[-1] == root[-2] and _shape(root)[-1] == "c":
        return root if root[-1] in "lsz" else root[:-1]
    return root + "e" if _measure(root) == 1 and _ends_short(root) else root


def _replaced(word: str, endings: dict[str, str], above: int) -> str:
    for length in range(min(_LONGEST, len(word) - 1), 1, -1):
        replacement = endings.get(word[-length:])
        if replacement is not None:
            root = word[:-length]
            kept = replacement if len(replacement) == 1 else ""
            return root + replacement if _measure(root + kept) > above else word
    return word


@lru_cache(maxsize=1 << 12)
def _shape(root: str) -> str:
    """Write a root as vowels and consonants; y is a vowel after a consonant."""
    shape = ""
    for char in root:
        is_vowel = char in "aeiou" or (char == "y" and shape.endswith("c"))
        shape += "v" if is_vowel else "c"
    return shape


def _measure(root: str) -> int:
    return _shape(root).count("vc")


def _has_vowel(root: str) -> bool:
    return "v" in _shape(root)


def _ends_short(root: str) -> bool:
    return _shape(root).endswith("cvc") and root[-1] not in "wxy"
