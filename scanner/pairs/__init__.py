"""Models that lie beside what they are to be the same as, or were made from."""
