"""Pure functions over the inventory: pins, origins, names."""
