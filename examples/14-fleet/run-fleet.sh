#!/usr/bin/env bash
# The demo fleet, from nothing: `make demo-fleet`. A simulator that is 40 CSMS projects, the manifests beside this script for
# all of them, and the three ways to run a fleet; whatever was started is stopped at the end, and after a failure as well.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
projects="${PROJECTS:-40}"
work="$(mktemp -d "${TMPDIR:-/tmp}/reconciler-fleet-XXXXXX")"
pids=()
stop() {
  code=$?
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait "${pids[@]}" 2>/dev/null || true
  rm -rf "$work"
  exit "$code"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

title() { printf '\n\033[1m%s\033[0m\n' "$1"; }
# Runs what a person would type; $1 is the exit code that it should have.
run() {
  local expected="$1" code=0
  shift
  printf '\n$ %s\n' "$*"
  "$@" || code=$?
  [ "$code" = "$expected" ] || { echo "exit $code instead of $expected" >&2; exit 1; }
}
wait_for() {
  for _ in $(seq 600); do
    [ -e "$1" ] && return
    sleep 0.1
  done
  echo "$1 did not appear" >&2
  exit 1
}

cp -R "$here/manifests" "$work/manifests"
cd "$work"
reconciler simulate --projects "$projects" --latency "${LATENCY:-10}" --ready-file sim.json 2>simulator.log &
pids+=($!)
wait_for sim.json
cp "$(python3 -c 'import json; print(json.load(open("sim.json"))["settings"])')" reconciler.yaml

title "1. $projects targets, one repository: what would be sent"
run 0 reconciler validate
run 2 reconciler plan --jobs 2 --detailed-exitcode

title "2. One process a target, two at once"
run 0 reconciler apply --yes --jobs 2
run 0 reconciler drift --jobs 2

title "3. Somebody edits eight projects by hand"
python3 - <<'PYTHON'
import json, re, urllib.request

url = json.load(open("sim.json"))["url"]
for project in re.findall("projectId: ([0-9a-f]{32})", open("reconciler.yaml").read())[:32:4]:
    edit = {"method": "PUT", "path": f"/v1/{project}/csms/events/expiry", "body": {"state": "DISABLED"}}
    request = urllib.request.Request(f"{url}/_sim/edit", json.dumps(edit).encode(), method="POST")
    print(f"  PUT {edit['path']}  expiry is DISABLED  -> {json.load(urllib.request.urlopen(request))['status']}")
PYTHON
# With the memory of earlier runs this report would call new what those after it know already.
run 2 reconciler drift --jobs 2 --no-state --report json=jobs.json

title "4. Without an engine: three shards, each of which could be a job on a machine of its own, and their merger"
for shard in 1 2 3; do
  run 2 reconciler drift --shard "$shard/3" --no-state --report "json=shard-$shard.json" >/dev/null
done
run 2 reconciler merge shard-1.json shard-2.json shard-3.json --report json=merged.json

title "5. On an engine: a scheduler and three workers, two zones, mutual TLS"
"$here/start-workers.sh" engine . &
pids+=($!)
wait_for engine/ready
scheduler="$(python3 -c 'import json; print(json.load(open("engine/scheduler.json"))["address"])')"
cat >>reconciler.yaml <<YAML
engine: {dask: {scheduler: '$scheduler', ca: engine/ca.pem, certificate: engine/client.pem, key: engine/client.key}}
YAML
run 2 reconciler drift --no-state --report json=engine.json

title "6. The three reports say the same"
run 0 cmp jobs.json merged.json
run 0 cmp jobs.json engine.json
