"""Re-splitting of transcripts, as the journey's stages use it.

The work is done in ``formats``, because transcribers need it too and may not import the journey.
"""

from __future__ import annotations

from vidctl.formats.lines import readable

__all__ = ["readable"]
