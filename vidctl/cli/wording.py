"""How parameters read in usage lines and help: ``PATH...``, ``[ITEM]...``, ``--limit N``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperOption

_WORDS = {"str": "TEXT", "int": "N", "float": "NUMBER", "path": "FILE"}


class WordedOption(TyperOption):
    """An option whose value is called TEXT, N, FILE or by its choices."""

    def display_type(self, ctx: Any) -> str:
        """Return what stands for the value."""
        shown = super().display_type(ctx).strip("<>")
        if "|" in shown:
            return f"[{shown}]"
        shown = shown.removeprefix("list[").removesuffix("]").partition(" ")[0]
        return _WORDS.get(shown, shown.upper())

    def _get_number_range_help_str(self) -> str | None:
        if self.count or (self.min is None and self.max is None):
            return None
        if self.max is None:
            return f"at least {self.min}"
        return f"{self.min} to {self.max}"


class WordedArgument(TyperArgument):
    """An argument that is called by its name in capitals, in brackets where it may be left out."""

    @property
    def display_name_raw(self) -> str:
        """The name that usage, help and errors show."""
        return self.metavar or self.name.upper()

    def get_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the argument's place in the usage line."""
        name = self.display_name_raw if self.required else f"[{self.display_name_raw}]"
        return [name if self.nargs == 1 else f"{name}..."]

    def display_type_rich(self, ctx: Any) -> str:
        """Return no type: the help says what an argument is."""
        return ""

    def get_help_record(self, ctx: Any) -> tuple[str, str] | None:
        """Return the argument's line of help; the usage line tells whether it is required."""
        record = super().get_help_record(ctx)
        return record and (record[0], record[1].removesuffix("[required]").rstrip())
