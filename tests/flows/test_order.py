"""The order of a playlist under many hands: it is always what a plain list would be."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vidctl.config import Config
from vidctl.errors import NotFound
from vidctl.library.core import Library
from vidctl.model.connection import Connection
from vidctl.model.place import Place
from vidctl.store.spacing import between

HANDLES = 3
ITEMS = 9


def opened(folder: Path) -> Library:
    return Library.open(Config(flags={"db": str(folder / "library.db"), "group": "acme"}))


def stocked(folder: Path, count: int) -> tuple[str, list[str]]:
    """Make a library with a playlist and items; none of them is in it."""
    Library.create(folder / "library.db", group="acme")
    library = opened(folder)
    with library.store.transaction():
        playlist = library.playlists.add("List").data["id"]
        items = [library.videos.add(f"V{n}", {}).data["id"] for n in range(count)]
    library.close()
    return playlist, items


class Orders(RuleBasedStateMachine):
    """Several handles on one file take turns; after each turn all of them see the same order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="order-"))
        self.playlist, self.items = stocked(self.folder, ITEMS)
        self.handles = [opened(self.folder) for _ in range(HANDLES)]
        self.model: list[str] = []
        self.away: set[str] = set()

    def teardown(self) -> None:
        for handle in self.handles:
            handle.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def fill(self) -> None:
        self.model = self.items[:5]
        self.handles[0].store.sequences.insert(self.playlist, self.model)

    def links(self, handle: int = 0) -> list[Connection]:
        return list(self.handles[handle].store.sequences.links(self.playlist))

    def index_of(self, place: Place, without: str = "") -> int:
        """Return where a place is in the model, the moving item left out."""
        rest = [item for item in self.model if item != without]
        if place.before is not None:
            return rest.index(place.before)
        if place.after is not None:
            return rest.index(place.after) + 1
        shown = [item for item in rest if item not in self.away]
        if place.at is None or place.at > len(shown):
            return len(rest)
        return rest.index(shown[place.at - 1])

    def place(self, kind: str, number: int, without: str = "") -> Place:
        """Draw a place that there is."""
        anchors = [item for item in self.model if item != without]
        if kind == "at":
            return Place(at=number + 1)
        if kind == "end" or not anchors:
            return Place()
        return Place(**{kind: anchors[number % len(anchors)]})

    kinds = st.sampled_from(("at", "before", "after", "end"))
    handle_numbers = st.integers(0, HANDLES - 1)
    numbers = st.integers(0, ITEMS)

    @rule(handle=handle_numbers, kind=kinds, number=numbers, picks=st.sets(numbers, min_size=1))
    def insert(self, handle: int, kind: str, number: int, picks: set[int]) -> None:
        chosen = [self.items[n] for n in picks if n < ITEMS]
        place = self.place(kind, number)
        at = self.index_of(place)
        new = [item for item in chosen if item not in self.model]
        done = self.handles[handle].store.sequences.insert(self.playlist, chosen, place)
        assert done == new
        self.model[at:at] = new

    @rule(handle=handle_numbers, kind=kinds, number=numbers, pick=numbers)
    def move(self, handle: int, kind: str, number: int, pick: int) -> None:
        if not self.model:
            return
        item = self.model[pick % len(self.model)]
        place = self.place(kind, number, without=item)
        at = self.index_of(place, without=item)
        before = self.model.copy()
        had_room = self.has_room(item, at)
        connection = self.handles[handle].database.database.connection
        written = connection.total_changes
        moved = self.handles[handle].store.sequences.move(self.playlist, item, place)
        written = connection.total_changes - written
        self.model.remove(item)
        self.model.insert(at, item)
        assert moved == (self.model != before)
        if had_room:
            assert written == moved, "a move writes one row"

    def has_room(self, item: str, at: int) -> bool:
        rest = [link.position for link in self.links() if link.to_id != item]
        low = rest[at - 1] if at else None
        high = rest[at] if at < len(rest) else None
        return between(low, high, 1) is not None

    @rule(handle=handle_numbers, pick=numbers)
    def remove(self, handle: int, pick: int) -> None:
        item = self.items[pick % ITEMS]
        done = self.handles[handle].store.sequences.remove(self.playlist, item)
        assert done == (item in self.model)
        if done:
            self.model.remove(item)

    @rule(handle=handle_numbers, seed=st.randoms(use_true_random=False))
    def arrange(self, handle: int, seed: Any) -> None:
        wanted = self.model.copy()
        seed.shuffle(wanted)
        done = self.handles[handle].store.sequences.arrange(self.playlist, wanted)
        assert done == (wanted != self.model)
        self.model = wanted

    @rule(handle=handle_numbers, pick=numbers)
    def archive_or_restore(self, handle: int, pick: int) -> None:
        item = self.items[pick % ITEMS]
        videos = self.handles[handle].videos
        if item in self.away:
            videos.restore([item])
            self.away.remove(item)
        else:
            videos.archive([item])
            self.away.add(item)

    @rule(pick=numbers, other=numbers)
    def tie(self, pick: int, other: int) -> None:
        """Two machines may have given the same position to neighbours: then the id decides."""
        links = self.links()
        if len(links) < 2:
            return
        number = pick % (len(links) - 1)
        one, two = links[number], links[number + 1]
        if one.id < two.id:
            self.handles[0].database.database.execute(
                "UPDATE connections SET position = ? WHERE id = ?", (one.position, two.id)
            )

    @invariant()
    def all_handles_see_the_same_order(self) -> None:
        shown = [item for item in self.model if item not in self.away]
        for number, handle in enumerate(self.handles):
            assert [link.to_id for link in self.links(number)] == self.model
            page = handle.store.sequences.page(self.playlist, limit=100)
            assert [placed.thing.id for placed in page.items] == shown
            assert [placed.ordinal for placed in page.items] == [*range(1, len(shown) + 1)]
            assert page.total == len(shown)

    @invariant()
    def positions_can_be_ordered(self) -> None:
        keys = [(link.position, link.id) for link in self.links()]
        assert all(one < two for one, two in itertools.pairwise(keys))


Orders.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestOrders = Orders.TestCase


# --- at the same time ---------------------------------------------------------------------------

WORKERS, OPERATIONS = 4, 30


def act(library: Library, playlist: str, items: list[str], rng: random.Random) -> None:
    """Do something to the order; what another hand has made impossible is refused."""
    item, other = rng.sample(items, 2)
    how = rng.random()
    playlists = library.playlists
    try:
        if how < 0.1:
            playlists.remove_items(playlist, [item])
        elif how < 0.25:
            playlists.add_items(playlist, [item, other], at=rng.randint(1, len(items)))
        elif how < 0.5:
            playlists.move(playlist, item, to=rng.randint(1, len(items)))
        else:
            playlists.move(playlist, item, **{rng.choice(("before", "after")): other})
    except NotFound:
        return


def replayed(library: Library, playlist: str) -> list[str]:
    """Apply the logged operations to a list, in the order in which they were committed."""
    model: list[str] = []
    rows = library.database.database.rows(
        "SELECT action, metadata FROM events WHERE target_id = ? AND type = 'content_event'"
        " ORDER BY rowid",
        (playlist,),
    )
    for action, text in rows:
        said = json.loads(text)
        chosen = said.get("items") or [said["item"]]
        assert all((item in model) == (action != "items_added") for item in chosen)
        model = [item for item in model if item not in chosen]
        if action == "items_removed":
            continue
        place = min(said["at"] - 1, len(model)) if "at" in said else len(model)
        if "before" in said:
            place = model.index(said["before"])
        elif "after" in said:
            place = model.index(said["after"]) + 1
        model[place:place] = chosen
    return model


def test_many_hands_at_once(tmp_path: Path) -> None:
    playlist, items = stocked(tmp_path, 12)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        rng = random.Random(number)
        library = opened(tmp_path)
        try:
            for _ in range(OPERATIONS):
                act(library, playlist, items, rng)
        except BaseException as error:
            failures.append(error)
        finally:
            library.close()

    first = opened(tmp_path)
    first.playlists.add_items(playlist, items)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    links = first.store.sequences.links(playlist)
    found = [link.to_id for link in links]
    positions = [link.position or 0.0 for link in links]
    assert found == replayed(first, playlist)
    assert first.store.events.count(playlist, "item_moved") > OPERATIONS
    assert positions == sorted(set(positions))
    assert set(found) <= set(items)
    first.close()
