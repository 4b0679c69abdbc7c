"""`make audit`: whether what is locked may be installed, offline; exit 1 where something is wrong."""

import sys
from datetime import UTC, datetime

from tests.supply import advisories, licences
from tests.supply.locks import LOCKS, needed_by_users, read


def main() -> int:
    """Print what was looked at and what is wrong."""
    for lock in LOCKS:
        packages = read(lock)
        count = sum(len(one.hashes) for one in packages)
        print(f"{lock.name:24}{len(packages):4} packages, all pinned, {count:,} hashes, no index, no link")
    users = needed_by_users()
    print(f"{'to users':24}{len(users):4} packages, {sum(users.values())} of them always")
    wrong = licences.problems()
    print(f"{'licences':24}{len(wrong):4} problems")
    known = advisories.copied()
    named = advisories.problems()
    days = advisories.age(datetime.now(UTC))
    print(
        f"{'advisories':24}{len(named):4} locked versions named by {sum(map(len, known['packages'].values()))} advisories"
        f" of {known['date'][:10]}, {days} days old"
    )
    if days > advisories.OLD_DAYS:
        print(
            "  What became known after that day is not in them: make advisories, where the network allows it."
        )
    for name in advisories.not_asked_for():
        print(f"  {name} was not locked then: nothing is known of it.")
    for line in (*wrong, *named):
        print(f"  {line}")
    return 1 if wrong or named else 0


if __name__ == "__main__":
    sys.exit(main())
