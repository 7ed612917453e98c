"""Speech engines, one file per value of ``transcribe.engine``."""
