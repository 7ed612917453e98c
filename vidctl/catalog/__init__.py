"""What people do with items and groups."""
