"""``python -m scanner``: the same as the command ``weighbridge``."""

from scanner.cli import main

if __name__ == "__main__":
    main()
