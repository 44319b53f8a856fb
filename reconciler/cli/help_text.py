"""What `reconciler --help` prints, ready made: the first thing that anybody runs should not wait for a parser.

`commands` is where it comes from; a test holds the two together.
"""

from __future__ import annotations

HELP_TEXT = """\
Usage: reconciler [OPTIONS] COMMAND [ARGS]...

  Declarative PKI governance: what a Keyfactor Command server and a Huawei Cloud
  CSMS project should be like, as YAML in Git.

  A plan is a list of requests that have not been sent yet, each with its reason
  and its author. Nothing is ever deleted, and nothing is written but by
  `apply`.

Options:
  --version   Show the version.
  -h, --help  Show this message and exit.

Everyday:
  validate  Check manifests offline: every error at once, with its position.
  render    Print what all layers of an environment say together, with the
            origin of each field.
  plan      Show what `apply` would send.
  apply     Send a saved plan; or plan, show, ask and send.
  drift     Say what is no longer as declared.
  show      Render a saved plan.
  merge     Tell JSON reports of parts of one run, such as shards, as one.
  doctor    Examine each target: reachable, who we are, what we may do.
  report    Report on the servers as they are, whatever the manifests say:
            `report posture`.

Manifests from a server:
  init       Begin a repository: settings, manifests of what the servers have,
             CI jobs.
  unmanaged  List what exists and no manifest declares.
  export     Print the live state as manifests on which `plan` is empty, or
             write it into a folder.
  adopt      Take the servers' values into the manifests, in place.

After a run:
  history  Tell what runs did: all, one by its id or the beginning of it, or the
           life of one object.
  undo     Plan back to what the objects of a run were before it.
  recover  Settle what an earlier run left open, by reading.
  unlock   Take a target from the run of exactly this id, which you know to be
           dead.
  state    Tell what remembers the runs: which store, what is in it, and who
           holds what.

Reference:
  explain     Say what a kind or a field means, and what it may hold.
  kinds       List the kinds of manifests.
  exit-codes  List the exit codes and what they mean.
  schema      Print the JSON Schemas of all kinds, the settings, plans and
              reports.
  completion  Print what makes a shell complete commands, options and values.

Without a server:
  policy    List the policies among manifests, or try them on their own cases.
  demo      Tell the whole story on the simulator, from an empty plan to a
            repaired drift.
  simulate  Serve both APIs on one loopback port until stopped.
  selftest  Play thousands of runs that meet faults and kills; count violations.
"""
