"""The only door to the file system: walking, bounded reading, hashing."""
