"""``python -m mityflow``."""

from mityflow.cli import main

if __name__ == "__main__":
    main()
