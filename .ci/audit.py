"""Looks up known vulnerabilities of the packages in the requirements files that are named.

Runs in an environment that has pip-audit. Exit 0: none is known. 1: some are. 2: not everything
could be looked up, and nothing is known about the rest.
"""

import json
import subprocess
import sys

PIP_AUDIT = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"]
REPORT = ["--format", "json", "--progress-spinner", "off"]


def look_up(name: str) -> tuple[list[dict], str]:
    """What pip-audit found out about each package of the file, or why it found nothing."""
    run = subprocess.run(
        [*PIP_AUDIT, *REPORT, "--requirement", name], capture_output=True, text=True
    )
    try:
        return json.loads(run.stdout)["dependencies"], ""
    except ValueError:
        return [], (run.stderr.strip().splitlines() or ["no answer"])[-1]


def audit(names: list[str]) -> int:
    packages, failed, vulnerabilities = {}, [], []
    for name in names:
        found, why = look_up(name)
        packages |= {each["name"]: each for each in found}
        if why:
            failed.append(f"what {name} names: {why}")
    for package in packages.values():
        if "vulns" not in package:
            failed.append(package["name"])
        for each in package.get("vulns", ()):
            mended = ", ".join(each["fix_versions"]) or "no version"
            vulnerabilities.append(
                f"{package['name']} {package['version']}: {each['id']}, mended in {mended}"
            )
    known = sum("vulns" in package for package in packages.values())
    summary = f"Looked up: {known} packages, with {len(vulnerabilities)} known vulnerabilities."
    print(*vulnerabilities, summary, sep="\n")
    if failed:
        print("NOT looked up, because the database of vulnerabilities did not answer:", *failed)
    return 1 if vulnerabilities else 2 if failed else 0


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
