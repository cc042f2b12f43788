"""The program that looks for a pattern: it reads an order from its input, and prints the places as JSON."""

import json
import re
import sys

MOST = 1000
LARGEST = 20_000_000


def main() -> None:
    """Look through the files of the order, line by line; what is no text is passed over."""
    order = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    pattern = re.compile(order["pattern"])
    places: list[tuple[str, int]] = []
    for path in order["files"]:
        try:
            with open(path, "rb") as stream:
                data = stream.read(LARGEST)
        except OSError:
            continue
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
            if pattern.search(line.removesuffix("\r")):
                places.append((path, number))
    json.dump(places[:MOST], sys.stdout)


if __name__ == "__main__":
    main()
