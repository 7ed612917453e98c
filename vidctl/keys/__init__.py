"""Keys of services: where they come from, how they are kept, and how they stay out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidctl.keys.redaction import redact, redact_shapes, remember_variables

if TYPE_CHECKING:
    from vidctl.keys.resolve import Keys
    from vidctl.keys.secret import Secret

__all__ = ["Keys", "Secret", "redact", "redact_shapes", "remember_variables"]


def __getattr__(name: str) -> Any:
    """Import what finds keys when it is used: every command redacts, few need a key."""
    if name == "Keys":
        from vidctl.keys.resolve import Keys

        return Keys
    if name == "Secret":
        from vidctl.keys.secret import Secret

        return Secret
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
