"""Options that several commands share, said once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

# What a command gets for a set of shared options: calling it reads what was given.
Given = Callable[[], dict[str, Any]]


def takes(**readers: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that are the parameters of other functions.

    Each reader's keyword-only parameters become options. The command gets the reader under the
    given name, bound to what was typed and not yet called: what it raises belongs inside the
    command's ``call``.
    """
    parts = {name: inspect.signature(reader, eval_str=True) for name, reader in readers.items()}

    def wrap(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        own = [part for name, part in signature.parameters.items() if name not in readers]
        shared = [part for each in parts.values() for part in each.parameters.values()]

        @functools.wraps(function)
        def command(*args: Any, **values: Any) -> None:
            for name, reader in readers.items():
                options = {option: values.pop(option) for option in parts[name].parameters}
                values[name] = functools.partial(reader, **options)
            function(*args, **values)

        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in own + shared]
        )
        return command

    return wrap
