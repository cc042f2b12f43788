"""How far validate-iac's static checks go, beside Terraform: random faults of one line in the code for AWS.

    python benchmarks/iac.py --seed 2 --count 70

Terraform must be on the PATH, and able to get the AWS provider. Prints how many faults both refuse, how many neither
does, and every one that only one of them does.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "stations"), str(PROJECT / "tests")]

from iackit import scaffold  # noqa: E402
from mityflow_stations.iac import language, modules, names, providers  # noqa: E402

_SETTING = re.compile(r"\s+\w+\s+= [^({\[]*(?:\([^({\[]*\))?[^({\[]*$")
_NAME = re.compile(r"\b(var|local|module|data|aws_\w+)\.(\w+)")
_ATTRIBUTE = re.compile(r"\b(aws_\w+\.\w+(?:\[[^]]*\])?\.\w+)")
_BLOCK = re.compile(r"(\s+\w+) \{$")


def main() -> int:
    """Plant faults, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--count", type=int, default=70)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scaffold(Path(folder), "aws")
        compare(Path(folder) / "my-app" / "infra", random.Random(given.seed), given.count)
    return 0


def compare(root: Path, chance: random.Random, count: int) -> None:
    top = root / "environments" / "prod"
    subprocess.run(["terraform", "init", "-backend=false", "-input=false"], cwd=top, check=True, capture_output=True)
    files = sorted(p for p in (*root.glob("modules/*/*.tf"), *top.glob("*.tf")) if p.name != "versions.tf")
    both = neither = 0
    for _ in range(count):
        file = chance.choice(files)
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines()
        at = chance.randrange(len(lines))
        changed = mutant(lines[at], chance)
        if changed == lines[at]:
            continue
        file.write_text("\n".join([*lines[:at], changed, *lines[at + 1 :]]) + "\n", encoding="utf-8")
        terraform, own = by_terraform(top), by_us(root)
        file.write_text(text, encoding="utf-8")
        both += bool(terraform and own)
        neither += not terraform and not own
        if bool(terraform) != bool(own):
            print(f"{file.relative_to(root)}:{at + 1}: {changed.strip()!r}: {terraform or own}")
    print(f"{both} refused by both, {neither} by neither")


def mutant(line: str, chance: random.Random) -> str:
    kinds = [line]
    if _SETTING.match(line):
        kinds += [re.sub(r"(\w+)(\s+=)", r"\1x\2", line, count=1), ""]
    if _NAME.search(line):
        kinds.append(_NAME.sub(r"\1.\2x", line, count=1))
    if _ATTRIBUTE.search(line):
        kinds.append(_ATTRIBUTE.sub(r"\1x", line, count=1))
    if _BLOCK.match(line):
        kinds.append(_BLOCK.sub(r"\1x {", line))
    return chance.choice(kinds[1:] or kinds)


def by_terraform(top: Path) -> list[str]:
    done = subprocess.run(["terraform", "validate", "-json"], cwd=top, capture_output=True, text=True, check=False)
    return [d["summary"] for d in json.loads(done.stdout)["diagnostics"] if d["severity"] == "error"]


def by_us(root: Path) -> list[str]:
    read = modules.read(root, "")
    found = [f for look in (language, names, providers) for f in look.check(read.modules)]
    return [str(finding) for finding in (*read.findings, *found) if finding.severity not in ("low", "medium")]


if __name__ == "__main__":
    sys.exit(main())
