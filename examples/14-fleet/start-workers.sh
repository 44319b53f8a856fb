#!/usr/bin/env bash
# A Dask scheduler and three workers on this machine, two zones, mutual TLS: start-workers.sh FOLDER [SETTINGS-FOLDER]
#
# FOLDER takes the certificates, the logs, `scheduler.json`, which says where the scheduler is, and `ready` once all workers
# are there; ZONES names others than two workers in zone-a and one in zone-b. The workers run where the settings are. All of it
# ends with this script, which ends with Ctrl-C. docs/fleet.md says what each option is for.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
cd "${2:-.}"

pids=()
stop() {
  trap - EXIT INT TERM
  # Workers first: one that says goodbye to a scheduler that has gone may wait for its answer for ever.
  end "${pids[@]:1}"
  end "${pids[@]:0:1}"
}
end() {
  kill "$@" 2>/dev/null || return 0
  for _ in $(seq 30); do
    kill -0 "$@" 2>/dev/null || return 0 # as long as one of them is there
    sleep 0.1
  done
  kill -s KILL "$@" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ -e "$folder/ca.pem" ] || python3 "$here/make_certificates.py" "$folder"

export DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=True
export DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0 # a task whose worker died is an error, not another try
export DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING=False
export DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT=60s # a zone without workers is an error, not an endless wait
export DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=60s

tls() { printf '%s\n' --tls-ca-file "$folder/ca.pem" --tls-cert "$folder/$1.pem" --tls-key "$folder/$1.key"; }
mapfile -t scheduler_tls < <(tls scheduler)
mapfile -t worker_tls < <(tls worker)

rm -f "$folder/scheduler.json" "$folder/ready" "$folder"/*.log
dask scheduler --host tls://127.0.0.1 --port "${PORT:-0}" --no-dashboard --scheduler-file "$folder/scheduler.json" \
  "${scheduler_tls[@]}" >"$folder/scheduler.log" 2>&1 &
pids+=($!)
for _ in $(seq 300); do
  [ -s "$folder/scheduler.json" ] && break
  kill -0 "${pids[0]}" 2>/dev/null || { cat "$folder/scheduler.log" >&2; exit 1; }
  sleep 0.1
done

number=0
for zone in ${ZONES:-zone-a zone-b zone-a}; do
  number=$((number + 1))
  dask worker --scheduler-file "$folder/scheduler.json" --name "worker-$number" --host tls://127.0.0.1 \
    --no-nanny --no-dashboard --nthreads 1 --memory-limit 0 --death-timeout 60 --resources "$zone=1" \
    --local-directory "$folder" "${worker_tls[@]}" >"$folder/worker-$number.log" 2>&1 &
  pids+=($!)
  echo "worker-$number in $zone, process $!"
done
for worker in $(seq "$number"); do
  for _ in $(seq 300); do
    grep -qs "Registered to" "$folder/worker-$worker.log" && break
    kill -0 "${pids[worker]}" 2>/dev/null || { cat "$folder/worker-$worker.log" >&2; exit 1; }
    sleep 0.1
  done
done
python3 -c 'import json, sys; print("scheduler at", json.load(open(sys.argv[1]))["address"])' "$folder/scheduler.json"
touch "$folder/ready"
wait
