"""kpi-xl licences: what is installed with kpi_xl, in which version, under which licence."""

import json
import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from kpi_xl.cli.shared import JSON, app

NAME = re.compile(r"[A-Za-z0-9._-]+")
LONGEST = 60  # characters: some packages have the whole text where its name belongs


@app.command()
def licences(as_json: JSON = False) -> None:
    """List the packages that kpi_xl needs and that are installed here, with their licences."""
    found = sorted(installed(), key=lambda one: one[0].lower())
    if as_json:
        records = [dict(zip(("name", "version", "licence"), one, strict=True)) for one in found]
        print(json.dumps(records, ensure_ascii=False))
        return
    width = max(len(name) for name, *_ in found)
    for name, version, licence in found:
        print(f"{name:{width}}  {version:12}  {licence}")


def installed() -> list[tuple[str, str, str]]:
    """Name, version and licence of kpi_xl and of all that it needs, as far as it is installed."""
    found: dict[str, tuple[str, str, str]] = {}
    wanted = ["kpi-xl"]
    while wanted:
        name = wanted.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:  # of another system, or of what nobody asked for
            continue
        found[key] = package.metadata["Name"], package.version, licence_of(package)
        for requirement in package.requires or []:
            match = NAME.match(requirement)
            # Another package's extras are not what we ask for; ours may be.
            if match and ("extra ==" not in requirement or key == "kpi-xl"):
                wanted.append(match[0])
    return list(found.values())


def licence_of(package: Distribution) -> str:
    """The licence as a package says it: an SPDX expression, a classifier, or its own words."""
    metadata = package.metadata
    # Asked by get_all: the backport, which other packages load, raises for a field by its name.
    for expression in metadata.get_all("License-Expression") or []:
        return str(expression)
    classified = [
        one.rpartition(" :: ")[2]
        for one in metadata.get_all("Classifier") or []
        if one.startswith("License :: ") and one != "License :: OSI Approved"
    ]
    first = "".join(metadata.get_all("License") or []).strip().splitlines()[:1]
    words = first[0] if first and len(first[0]) <= LONGEST else ""
    return ", ".join(classified) or words or "not said"
