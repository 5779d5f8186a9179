"""One file a format: the bytes of an artifact in, evidence and facts out."""
