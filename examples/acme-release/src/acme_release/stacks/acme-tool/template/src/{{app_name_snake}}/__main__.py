"""The command line of {{ app_name }}."""

import sys


def greeting(names: list[str]) -> str:
    """What is said to these people."""
    return "hello " + (" and ".join(names) or "world")


if __name__ == "__main__":
    print(greeting(sys.argv[1:]))
