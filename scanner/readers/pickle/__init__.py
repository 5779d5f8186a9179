"""A symbolic pickle machine: what a stream imports and calls, told without running any of it."""
