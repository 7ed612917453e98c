"""What happens to one item, in order: ingest, transcribe, index, search."""
