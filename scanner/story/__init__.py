"""The stages of a scan, one file each, in the order of ``scanner.pipeline``."""
