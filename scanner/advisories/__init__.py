"""Known advisories: the store, the import, the match."""
