"""One file a format: the bytes of a manifest in, what it declares out."""
