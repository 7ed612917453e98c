"""How the cues of a storyboard that is kept with an item name its pictures."""

from __future__ import annotations

from collections.abc import Iterable

from vidctl.ports import MediaHost


def address_of(locator: str, host: MediaHost) -> str:
    """Return a picture's address as seen from cues on the same host.

    That is the web address where people can have one, else the way from one file to the other:
    both lie two folders below that of their group.
    """
    url = host.url(locator)
    if url.startswith(("https://", "http://")):
        return url
    return "../" + "/".join(locator.split("/")[-2:])


def locator_in(address: str, host: MediaHost, locators: Iterable[str]) -> str | None:
    """Return which of some locators on a host an address means, None when it is none of them."""
    return next((each for each in locators if address_of(each, host) == address), None)
