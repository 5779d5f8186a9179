"""The join, pure: which line loads what, from where, in whose run; and what an artifact's names are here."""
