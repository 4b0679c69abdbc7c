#!/usr/bin/env bash
# Plans and applies this folder on the simulated vendors, in a copy that is thrown away.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/pnsync.yaml" "$here/bindings" "$work/"
cd "$work"

strong='' plain=''
[ -t 1 ] && strong=$'\033[1m' plain=$'\033[0m'
say() { printf '\n%s# %s%s\n' "$strong" "$*" "$plain"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "The vendors' published samples are declared in YAML. What would pnsync do?"
run pnsync plan
say "Do it, on the simulated vendors inside pnsync."
run pnsync apply --auto-approve
say "Nothing is left to do: the second plan is empty."
run pnsync plan --detailed-exitcode
say "A pull request changes a line: the order reaches another phone."
sed -i.bak 's/phone_b: 448646607772/phone_b: 447700900123/' bindings/orders.yaml && rm bindings/orders.yaml.bak
run pnsync plan
run pnsync apply --auto-approve
say "And a line goes: ride-17 is over."
sed -i.bak '/^  ride-17:/,/^$/d' bindings/rides.yaml && rm bindings/rides.yaml.bak
run pnsync plan
run pnsync apply --auto-approve
say "Equal again."
run pnsync plan --detailed-exitcode
