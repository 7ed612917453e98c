"""A library in use: settings, scope, policy and implementations come together here.

``Library.open`` gives the handle; its ``videos``, ``playlists``, ``progress`` … are what front ends
call. Each of their methods asks the policy, does the work and returns an Outcome whose ``data`` is
what ``--json`` shows.
"""

from vidctl.library.core import Library, now

__all__ = ["Library", "now"]
