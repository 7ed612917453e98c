"""What keys look like: told from other text, taken apart, and checked before they are kept."""

from __future__ import annotations

import re

from vidctl.errors import UsageError

FORMS = {
    "cloudinary": "cloudinary://API_KEY:API_SECRET@CLOUD_NAME",
    "s3": "ACCESS_KEY_ID:SECRET_ACCESS_KEY, and :SESSION_TOKEN where there is one",
    "openai": "sk-…",
}
# kind -> the variables that the service's own tools read, in the order of the key's parts; those
# after the first two need not be set.
CONVENTIONAL = {
    "cloudinary": ("CLOUDINARY_URL",),
    "openai": ("OPENAI_API_KEY",),
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
}
LONGEST = 65_536

_SHAPES = {
    "cloudinary": re.compile(r"cloudinary://([^\s:@/]+):([^\s@/]+)@[0-9A-Za-z_-]+([/?]\S*)?"),
    "s3": re.compile(r"([^\s:]{3,128}):([^\s:]{3,})(?::(\S+))?"),
    "openai": re.compile(r"(sk-\S{5,})"),
}
_PRINTABLE = re.compile(r"[!-~]+")
# Things that are keys whatever setting or message they stand in.
_LOOKS = (
    # The form of a key, which hints show, is none.
    r"(?<=://)(?!(?:API_)?KEY:)[^\s:@/'\"]+:[^\s@/'\"]+(?=@)",
    r"(?<![0-9A-Za-z])(?:AKIA|ASIA)[0-9A-Z]{12,}(?::[^\s'\"]+)?",
    r"(?<![0-9A-Za-z_-])sk-[0-9A-Za-z_-]{16,}",
)
LOOKS = re.compile("|".join(_LOOKS))


def looks_secret(text: str) -> bool:
    """Tell whether a text holds something of the form of a key."""
    return LOOKS.search(text) is not None


def parts(kind: str, value: str) -> tuple[str, ...]:
    """Return the pieces of a key that services are sent apart from each other.

    A key of an unknown kind is taken apart by the first form that fits.
    """
    if kind not in _SHAPES:
        return next(filter(None, (parts(known, value) for known in _SHAPES)), ())
    match = _SHAPES[kind].fullmatch(value)
    if match is None:
        return ()
    if kind == "cloudinary":
        from urllib.parse import unquote

        return (unquote(match[1]), unquote(match[2]))
    return tuple(piece for piece in match.groups() if piece)


def checked(kind: str, name: str, text: str) -> str:
    """Return a key as it is kept, without the space around it.

    Raises UsageError, whose message has nothing of the text, for what cannot be a key.
    """
    value = text.strip()
    if not value:
        raise UsageError("no key was given", hint=f"vidctl keys set {name} < FILE")
    is_one_word = len(value) <= LONGEST and _PRINTABLE.fullmatch(value) is not None
    if not is_one_word or _SHAPES[kind].fullmatch(value) is None:
        hint = f"a key of {name} has the form {FORMS[kind]}"
        raise UsageError(f"what was given is not a key of {name}", hint=hint)
    return value


def first_line(text: str) -> str | None:
    """Return the key that a file or a command gives: its first line; None for what is no key."""
    line = text.strip().partition("\n")[0].strip()
    return line if _PRINTABLE.fullmatch(line) and len(line) <= LONGEST else None
