"""Decoders without opinions: bytes in, structure out."""
