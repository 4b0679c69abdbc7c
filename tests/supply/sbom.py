"""The software bill of materials as CycloneDX 1.6 JSON: what a user can come to install, from the locks alone.

Equal locks give equal bytes on every machine: no time, no random number, nothing that happens to be installed.
"""

import hashlib
import json
import sys
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.supply.licences import table
from tests.supply.locks import DEVELOPMENT, RUNTIME, Locked, needed_by_users, project

SPECIFICATION = "1.6"


def reference(package: Locked) -> str:
    """A package's purl."""
    return f"pkg:pypi/{package.name}@{package.version}"


def component(package: Locked, licence: str, *, required: bool) -> dict[str, Any]:
    """One package: whatever of its files is installed has one of these hashes."""
    told = [{"expression": licence}] if " " in licence else [{"license": {"id": licence}}]
    marked = [{"name": "pnsync:lock:marker", "value": package.marker}] if package.marker else []
    return {
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "scope": "required" if required else "optional",
        "licenses": told,
        "purl": reference(package),
        "properties": [
            *marked,
            *({"name": "pnsync:lock:sha256", "value": one} for one in sorted(package.hashes)),
        ],
    }


def document() -> dict[str, Any]:
    """The whole bill."""
    packages = dict(sorted(needed_by_users().items(), key=lambda one: (one[0].name, one[0].version)))
    licences = table()["licences"]
    ours = project()
    root = f"pkg:pypi/{ours['name']}@{ours['version']}"
    digest = hashlib.sha256(RUNTIME.read_bytes() + DEVELOPMENT.read_bytes()).hexdigest()
    needs: dict[str, list[str]] = {root: []} | {reference(one): [] for one in packages}
    for one in packages:
        for who in one.via:
            above = (
                [root]
                if who.startswith("pnsync")
                else [reference(two) for two in packages if two.name == who]
            )
            for each in above:
                needs[each].append(reference(one))
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{root}#{digest}')}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "pre-build"}],
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": ours["name"],
                "version": ours["version"],
                "description": ours["description"],
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": root,
            },
        },
        "components": [
            component(one, licences[one.name], required=always) for one, always in packages.items()
        ],
        "dependencies": [{"ref": one, "dependsOn": sorted(set(needs[one]))} for one in sorted(needs)],
    }


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
