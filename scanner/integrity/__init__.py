"""Whether things are what they are meant to be: proofs, locks, what an index published."""
