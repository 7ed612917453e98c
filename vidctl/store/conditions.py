"""Conditions on things as SQL on an alias ``t`` of ``things``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vidctl.model.condition import Condition
from vidctl.model.label import label_hash

AUTHORED = (
    "EXISTS (SELECT 1 FROM connections AS c WHERE c.group_id = t.group_id AND c.to_id = t.id"
    " AND c.type = 'authored' AND c.from_id = {value} AND c.deleted_at IS NULL)"
)
LABELLED = (
    "EXISTS (SELECT 1 FROM thing_knowledge AS j JOIN knowledge AS k ON k.group_id = j.group_id"
    " AND k.id = j.knowledge_id WHERE j.group_id = t.group_id AND j.thing_id = t.id"
    " AND j.role = 'label' AND j.deleted_at IS NULL AND k.content_hash = {value})"
)
LISTED = (
    "EXISTS (SELECT 1 FROM json_each(t.properties, '$.{name}') AS j"
    " WHERE fold(j.value) = fold({value}))"
)
# What holds when the operator is = (or ~), by key; != is its opposite.
HOLDS = {
    "tag": LISTED.replace("{name}", "tags"),
    "category": LISTED.replace("{name}", "categories"),
    "label": LABELLED,
    "status": "t.status = {value}",
    "author": AUTHORED,
    "level": "json_extract(t.properties, '$.level') = {value}",
    "playlistType": "json_extract(t.properties, '$.playlistType') = {value}",
    "language": "fold(json_extract(t.properties, '$.language')) = fold({value})",
    "title": "instr(fold(t.name), fold({value})) > 0",
    "description": "instr(fold(json_extract(t.properties, '$.description')), fold({value})) > 0",
}
# What is compared, by key; nothing compares with what a thing does not have.
MEASURES = {
    "duration": "json_extract(t.properties, '$.duration')",
    "published": "json_extract(t.properties, '$.publishedAt')",
    "added": "t.created_at",
}
STORED: dict[str, Callable[[Any], Any]] = {"label": label_hash}


def conditions_of(conditions: Iterable[Condition]) -> tuple[list[str], dict[str, Any]]:
    """Return SQL for each condition, and the parameters of all."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, condition in enumerate(conditions):
        name = f"where{number}"
        parameters[name] = STORED.get(condition.key, _as_it_is)(condition.value)
        if condition.key in MEASURES:
            parts.append(f"{MEASURES[condition.key]} {condition.operator} :{name}")
        else:
            held = HOLDS[condition.key].replace("{value}", f":{name}")
            parts.append(f"NOT {held}" if condition.operator == "!=" else held)
    return parts, parameters


def _as_it_is(value: Any) -> Any:
    return value
