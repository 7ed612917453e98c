"""The directory of groups: nested, without cycles, and closed below a root."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stores import World, add_thing

from vidctl.errors import Ambiguous, Conflict, NotFound
from vidctl.ids import new_id
from vidctl.model.group import Group
from vidctl.store.groups import GroupDirectory


@pytest.fixture
def directory(world: World) -> GroupDirectory:
    return world.library.groups()


def add(directory: GroupDirectory, path: str) -> Group:
    """Add a group at a path whose parent exists."""
    parent, _, slug = path.rpartition("/")
    above = directory.resolve(parent).id if parent else None
    made = Group(new_id(), slug, slug, "business", above, path, "active", 5, 6, "d", {"a": 1})
    directory.add(made)
    return made


def test_groups_come_with_their_paths_parents_first(directory: GroupDirectory) -> None:
    add(directory, "acme/courses/2025")
    paths = [group.path for group in directory.all()]
    assert paths == ["acme", "acme/courses", "acme/courses/2025", "rival", "third"]


def test_a_group_is_read_back_as_it_was_written(directory: GroupDirectory) -> None:
    made = add(directory, "acme/new")
    assert directory.resolve("acme/new") == made


def test_a_tree_may_be_deep(directory: GroupDirectory) -> None:
    path = "acme"
    for _ in range(50):
        path += "/x"
        add(directory, path)
    assert directory.resolve(path).path == path
    assert len(directory.subtree(directory.resolve("acme").id)) == 52


def test_what_people_type_finds_the_group(directory: GroupDirectory, world: World) -> None:
    courses = world.groups["acme/courses"].id
    for reference in ("acme/courses", "/acme/courses/", "courses", courses):
        assert directory.resolve(reference).id == courses, reference
    assert directory.fast_resolve("acme") == world.groups["acme"].id
    assert directory.fast_resolve(courses) == courses
    assert directory.fast_resolve("courses") is None, "only the whole tree can tell"


@pytest.mark.parametrize("reference", ["", "/", "nope", "acme/nope", "courses/acme", "%", "ACME"])
def test_what_fits_nothing_is_not_found(directory: GroupDirectory, reference: str) -> None:
    assert directory.fast_resolve(reference) is None
    with pytest.raises(NotFound):
        directory.resolve(reference)


def test_a_slug_in_two_places_is_ambiguous(directory: GroupDirectory) -> None:
    add(directory, "rival/courses")
    with pytest.raises(Ambiguous, match="acme/courses, rival/courses") as caught:
        directory.resolve("courses")
    assert caught.value.hint == "-g acme/courses"
    add(directory, "courses")
    assert directory.resolve("courses").path == "courses", "a whole path is exact"


def test_siblings_have_different_slugs(directory: GroupDirectory) -> None:
    for path in ("acme", "acme/courses"):
        with pytest.raises(Conflict, match="already there"):
            add(directory, path)
    add(directory, "rival/courses")
    with pytest.raises(Conflict, match="already there"):
        directory.save(replace(directory.resolve("acme/courses"), slug="rival", parent_id=None))


def test_a_group_cannot_move_into_itself_or_below(directory: GroupDirectory) -> None:
    add(directory, "acme/courses/2025")
    acme = directory.resolve("acme")
    for into in ("acme", "acme/courses", "acme/courses/2025"):
        with pytest.raises(Conflict, match="into itself or a group below it"):
            directory.save(replace(acme, parent_id=directory.resolve(into).id))
    assert directory.resolve("acme").parent_id is None


def test_a_moved_group_takes_everything_along(directory: GroupDirectory) -> None:
    add(directory, "acme/courses/2025")
    rival = directory.resolve("rival")
    directory.save(replace(directory.resolve("acme/courses"), parent_id=rival.id))
    assert [group.path for group in directory.subtree(rival.id)] == [
        "rival",
        "rival/courses",
        "rival/courses/2025",
    ]


def test_below_a_root_nothing_else_exists(world: World, directory: GroupDirectory) -> None:
    add(directory, "acme/courses/2025")
    inside = world.library.groups(world.groups["acme/courses"].id)
    assert [group.path for group in inside.all()] == ["acme/courses", "acme/courses/2025"]
    assert inside.resolve("2025").path == "acme/courses/2025"
    for outside in ("acme", "rival", world.groups["rival"].id, world.groups["acme"].id):
        with pytest.raises(NotFound):
            inside.resolve(outside)


def test_counts_leave_out_people_and_what_was_put_away(world: World) -> None:
    add_thing(world.acme)
    add_thing(world.acme, type="podcast")
    add_thing(world.acme, type="creator")
    add_thing(world.acme, status="archived")
    world.acme.things.purge(add_thing(world.acme).id)
    add_thing(world.courses)
    acme, courses = world.groups["acme"].id, world.groups["acme/courses"].id
    assert world.library.groups().counts([acme]) == {acme: 2}
    assert world.library.groups().counts([acme, courses]) == {acme: 2, courses: 1}
