"""Parameters that take the obvious values without pydantic.

Typer checks every parameter of every command with a pydantic adapter, absent ones included, which
costs more than half of the start-up. Texts, flags, choices and plain numbers need none of that;
whatever is not obviously right goes to Typer, which also words the errors.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, get_args, get_origin

from typer.core import TyperArgument, TyperOption

from vidctl.cli.wording import WordedArgument, WordedOption

_UNSURE = object()


def obvious(param: Any, value: Any) -> Any:
    """Return the value a parameter gets for obvious input, or a mark that Typer must decide."""
    annotation = param.type_descriptor.annotation
    if value is None:
        return () if param.multiple or param.nargs == -1 else None
    if get_origin(annotation) is list:
        (inner,) = get_args(annotation)
        is_plain = inner is str and isinstance(value, (list, tuple))
        return value if is_plain and all(type(part) is str for part in value) else _UNSURE
    if isinstance(annotation, type):
        if annotation in (str, bool) and type(value) is annotation:
            return value
        if annotation is int:
            return _whole(param, value)
        if issubclass(annotation, Enum):
            return next(
                (member for member in annotation if value in (member, member.value)), _UNSURE
            )
    return _UNSURE


def _whole(param: Any, value: Any) -> Any:
    if type(value) is str and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int:
        return _UNSURE
    low, high = getattr(param, "min", None), getattr(param, "max", None)
    is_inside = (low is None or value >= low) and (high is None or value <= high)
    return value if is_inside else _UNSURE


def _processed(param: Any, ctx: Any, value: Any, check: Callable[[Any, Any], Any]) -> Any:
    found = obvious(param, value)
    if found is _UNSURE or (param.required and param.value_is_missing(found)):
        return check(ctx, value)
    return param.callback(ctx, param, found) if param.callback is not None else found


class QuickOption(WordedOption):
    """An option that is checked only when it must be."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Return the obvious value, or let Typer check it."""
        return _processed(self, ctx, value, super().process_value)


class QuickArgument(WordedArgument):
    """An argument that is checked only when it must be."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Return the obvious value, or let Typer check it."""
        return _processed(self, ctx, value, super().process_value)


_KINDS: dict[type, type] = {TyperOption: QuickOption, TyperArgument: QuickArgument}


def quicken(param: Any) -> None:
    """Turn a parameter that Typer made into its quick form."""
    param.__class__ = _KINDS.get(type(param), type(param))
