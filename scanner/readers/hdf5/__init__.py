"""HDF5: superblock, object headers, groups, links, attributes, read without the library."""

from scanner.readers.hdf5.walk import Dataset, Group, Link, Unread, walk

__all__ = ["Dataset", "Group", "Link", "Unread", "walk"]
