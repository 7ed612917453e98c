"""The outline of a sound, as waveform players draw it.

The result is the JSON of BBC audiowaveform, version 2, which wavesurfer.js and peaks.js read:
``data`` holds a lowest and a highest value for each pixel, ``length`` says how many pixels there
are, and a pixel stands for ``samples_per_pixel`` samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import UsageError
from vidctl.media.audio import pcm
from vidctl.media.source import open_media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bins = NDArray[np.int16]

RATE = 16000
BITS = 8
FEWEST, MOST = 10, 100_000
# While the length is unknown, this many fine bins are kept for each pixel, so that pixels come out
# at most one part in so many fewer than asked for.
FINENESS = 32


def peaks(path: Path, *, points: int = 800) -> dict[str, Any]:
    """Return the outline of a file's sound, as mono, in at most ``points`` pixels.

    Values are from -128 to 127. Memory does not grow with the length. Raises UsageError for a
    number of points out of range, and what ``open_media`` and ``pcm`` raise.
    """
    if not FEWEST <= points <= MOST:
        raise UsageError(f"a waveform has {FEWEST:,} to {MOST:,} points")
    bins = _Bins(2 * FINENESS * points)
    with open_media(path) as container:
        for block in pcm(container, path, RATE):
            bins.add(block.reshape(-1))
    low, high, samples = bins.gathered(points)
    return {
        "version": 2,
        "channels": 1,
        "sample_rate": RATE,
        "samples_per_pixel": samples,
        "bits": BITS,
        "length": len(low),
        "data": [int(value) for pair in zip(low, high, strict=True) for value in pair],
    }


class _Bins:
    """Lowest and highest values of equal runs of samples; runs double when there are too many."""

    def __init__(self, most: int) -> None:
        import numpy as np

        self.most = most
        self.samples = 1
        self.count = 0
        self.low = np.zeros(most, np.int16)
        self.high = np.zeros(most, np.int16)
        self._rest = np.zeros(0, np.int16)

    def add(self, block: Bins) -> None:
        """Take more samples in."""
        import numpy as np

        block = np.concatenate([self._rest, block])
        while len(block) >= self.samples:
            if self.count == self.most:
                self._halve()
                continue
            room = (self.most - self.count) * self.samples
            whole = min(len(block) // self.samples * self.samples, room)
            runs, block = block[:whole].reshape(-1, self.samples), block[whole:]
            self._append(runs.min(axis=1), runs.max(axis=1))
        self._rest = block

    def gathered(self, points: int) -> tuple[Bins, Bins, int]:
        """Return the lowest and highest values in 8 bits, and how many samples each stands for."""
        import numpy as np

        low, high = self.low[: self.count], self.high[: self.count]
        if len(self._rest):
            low = np.append(low, self._rest.min())
            high = np.append(high, self._rest.max())
        step = max(-(-len(low) // points), 1)
        starts = np.arange(0, len(low), step)
        if len(starts):
            low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        return low >> (16 - BITS), high >> (16 - BITS), self.samples * step

    def _append(self, low: Bins, high: Bins) -> None:
        end = self.count + len(low)
        self.low[self.count : end], self.high[self.count : end] = low, high
        self.count = end

    def _halve(self) -> None:
        """Join neighbours; ``most`` is even, so none is left over."""
        half = self.most // 2
        self.low[:half] = self.low.reshape(-1, 2).min(axis=1)
        self.high[:half] = self.high.reshape(-1, 2).max(axis=1)
        self.count = half
        self.samples *= 2
