"""Media hosts, one file per value of ``media.host``."""
