"""What the person who runs the scan asks for: settings, packs, waivers, VEX, baseline.

Everything in here is a pure function of bytes and values; the command line reads the files.
"""

from scanner.policy.model import Context, GateOn, Pack, Policy

__all__ = ["Context", "GateOn", "Pack", "Policy"]
