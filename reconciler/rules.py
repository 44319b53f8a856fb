"""The rules behind what is told: the stable id of each diagnostic, and what it means in one sentence.

A rule is a kind of thing to tell, not one sentence of it. Its id never changes its meaning: reports and policies name
rules by it. One mapping an area; an area is the part of the id before the dot.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reconciler import file_rules

_ACKNOWLEDGEMENT_RULES = {
    "acknowledgement.ended": "The day of an acknowledgement has come, so that its differences count again.",
    "acknowledgement.ends-soon": "An acknowledgement ends within seven days.",
    "acknowledgement.no-difference": "An acknowledgement covers no difference, since what it is about is as declared.",
    "acknowledgement.no-document": "An acknowledgement is about an object that no document declares.",
    "acknowledgement.overlap": "Two acknowledgements that are in force are about the same differences.",
    "acknowledgement.too-long": "An acknowledgement would last longer than 180 days.",
}
_ADOPT_RULES = {
    "adopt.acknowledged": "A difference is acknowledged, so that it was not taken over into the manifests.",
    "adopt.file-changed": "A file was changed by somebody else between being read and being written.",
    "adopt.not-possible": "Something of a server was not taken over into a manifest.",
    "adopt.secret": "What would be written into a manifest quotes a secret that this tool uses.",
    "adopt.still-differs": "What would be written into the manifests would not be as the server has it.",
}
_API_RULES = {
    "api.credentials-refused": "A server refused the credentials of a target.",
    "api.no-such-api": "There is a server at the address of a target, but no such API.",
    "api.permission-missing": "The account of a target lacks a permission.",
    "api.server-failing": "A server answered with an error of its own, or throttled, although it was asked again.",
    "api.unknown-project": "IAM shows the account no project, or more than one, of the name in the settings.",
    "api.unreachable": "No answer came from a server.",
    "api.unsafe-path": "The path of an object can be read in more than one way, so it was not asked for.",
    "api.untrusted-answer": "An answer can't be used, or does not prove that it is complete.",
}
_APPLY_RULES = {
    "apply.not-done": "A step of apply did not succeed, or was not reached.",
}
_BASE_RULES = {
    "base.outside-repository": "A path of manifests lies outside of the repository that --base names a revision of.",
    "base.unread-manifest": "A file or document of the revision that --base names can't be read as one of today.",
}
_DOCTOR_RULES = {
    "doctor.certificate-ends-soon": "The certificate of a server ends within a month.",
    "doctor.clock": "The clocks of this machine and of a server differ by more than a minute.",
    "doctor.connection": "A server, or the proxy before it, takes no connection.",
    "doctor.dns": "The name of a server, or of the proxy before it, can't be resolved.",
    "doctor.old-version": "The version of a server is too old for some kinds.",
    "doctor.row-gone": "An object that was listed is gone a moment later.",
    "doctor.tls": "No TLS connection to a server comes about that both sides trust.",
    "doctor.token-ended": "A token says of itself that its time is over.",
}
_DRIFT_RULES = {
    "drift.counted-as-new": "A difference that no memory could set beside earlier runs counts as new.",
    "drift.difference": "An object is not as declared.",
    "drift.during-apply": "An apply held a target while drift looked at it.",
    "drift.not-attributed": "An audit trail could not be asked who changed something, or does not tell.",
    "drift.not-remembered": "What keeps the state gave no answer, so differences have no age and are not remembered.",
}
_EXPORT_RULES = {
    "export.file-in-the-way": "A file that is to be written is there already, with other content, or is a link.",
    "export.no-target": "No target of the settings speaks the API of what is to be exported.",
    "export.nothing-to-export": "Nothing that exists is to be exported.",
    "export.other-manifests": "A folder holds manifests beside those that were exported into it.",
    "export.unreadable-text": "An export is larger than what a run reads.",
    "export.unwritable-object": "A live object holds what no manifest can.",
}
_FLEET_RULES = {
    "fleet.no-answer": "The run of one target of a fleet ended before there was a plan, so nothing is known of it.",
    "fleet.local-store": "Workers elsewhere would apply, and remember it where nobody else can see it.",
    "fleet.no-certificate": "A file of the mutual TLS that a Dask scheduler wants is not there.",
    "fleet.no-scheduler": "The Dask scheduler of the settings can't be reached, or refuses the certificate.",
    "fleet.not-in-plan": "A saved plan is not about some targets, which could not be planned or may not be applied.",
    "fleet.no-worker": "No worker of the engine offers the zone of a target.",
    "fleet.not-begun": "The task of a target was not begun, since somebody stopped the run.",
    "fleet.other-checkout": "A worker's settings or manifests are not those of whoever began the run.",
    "fleet.other-version": "A worker has another version of the tool than whoever began the run.",
    "fleet.task-lost": "The task of a target ended without an answer that can be used.",
    "fleet.unfinished": "The task of a target began to apply, was lost, and what it came to can't be told whole.",
}
_HISTORY_RULES = {
    "history.broken-chain": "A file of exported history is not as it was written, or not whole.",
    "history.other-store": "An export of history goes on from one of another store.",
}
_INIT_RULES = {
    "init.file-in-the-way": "A file that a new repository begins with is there already.",
    "init.not-as-it-was": "A new repository has settings or jobs that need a hand, or begins with examples.",
}
_INTERNAL_RULES = {
    "internal.bug": "A bug in the tool; please report it.",
}
_LIVE_RULES = {
    "live.account-without-domain": "A document names an account without its domain; the server says which it is.",
    "live.ambiguous": "Several objects on the server may be the one that a document means.",
    "live.changed": "An object changed on the server since the plan was made.",
    "live.contested": "Several documents manage one object, which only shows once the server's objects are read.",
    "live.incomplete-creation": "An object does not exist, and its document lacks what creating it needs.",
    "live.made-up-description": "A new claim is sent with its value as its description, since nothing describes it.",
    "live.not-found": "What a document manages does not exist, or is not visible to the account.",
    "live.pattern-matches": "What the pattern of a document finds on the server, or that it finds nothing.",
    "live.possible-rename": "A role to be created holds what an undeclared one on the server holds.",
    "live.renamed-owner": "A document gives certificates to a role by the name that the same run takes from it.",
    "live.unanswered-query": "The server did not answer a query that a document gives.",
    "live.unjudged-object": "An object lacks what a pattern is about, so that it is neither found nor ruled out.",
    "live.unknown-reference": "A document names, as part of another object, what does not exist on the server.",
    "live.unknown-region": "The region of a target is not known, and what a document declares follows from it.",
    "live.unclear-documents": "A query of a document finds nothing, so which objects are declared can't be told.",
    "live.unusable-answer": "The server's answer is not what its API promises, so nothing can be concluded from it.",
}
_LOGIN_RULES = {
    "login.refused": "An identity provider gave no usable token.",
    "login.unreachable": "No answer came from an identity provider, or only an error of its own.",
}
_MANIFEST_RULES = {
    "manifest.ambiguous-target": "A document names no target, and several of the settings would do.",
    "manifest.contradictory-documents": "Documents say different things of an object that they share.",
    "manifest.duplicate-entry": "A document lists the same thing twice.",
    "manifest.duplicate-name": "Two documents of one kind and target have the same name.",
    "manifest.duplicate-object": "Two documents manage the same object.",
    "manifest.expired": "A document's last day has passed, so that nothing is done for it.",
    "manifest.foreign-pattern": "A pattern is written as a regular expression, which wildcards are not.",
    "manifest.inconsistent": "Fields of a document contradict each other.",
    "manifest.invalid-patch": "A document of a later layer is a patch, and a word of it has nothing to act on.",
    "manifest.invalid-value": "A field has a value that it can't hold.",
    "manifest.matches-everything": "A document chooses what it is about by a pattern that fits everything.",
    "manifest.misplaced-target-value": "targetValue has fields beside it, is no name, or stands where no target is.",
    "manifest.missing-field": "A document lacks a field that is required.",
    "manifest.no-matching-target": "The labels that a document chooses its targets by are those of no target.",
    "manifest.no-target": "No target of the settings speaks the API that a document's kind needs.",
    "manifest.not-renamable": "A document of a kind whose objects keep their names says what it is renamed from.",
    "manifest.nothing-declared": "The manifests of a run hold no document.",
    "manifest.nothing-managed": "A document says what it is about, and nothing of how that is to be.",
    "manifest.nothing-patched": "A document has words of a patch, and no earlier layer declares its object.",
    "manifest.null": "A field is null, which says neither keep nor empty.",
    "manifest.other-environment": "A document is for targets outside of the environment, and left aside.",
    "manifest.padded-text": "A name starts or ends with a space; in quotes it is taken exactly.",
    "manifest.plan-among-manifests": "A saved plan lies among the manifests.",
    "manifest.query-of-itself": "A query asks about what its own document changes, so it finds others later.",
    "manifest.query-syntax": "A query is not written as the server's query language has it.",
    "manifest.redundant": "A document says what another word of it says already, and the server takes no such pair.",
    "manifest.settings-among-manifests": "A settings file lies among the manifests.",
    "manifest.unknown-field": "A document has a field that its kind does not have.",
    "manifest.unknown-kind": "A document is of a kind that does not exist.",
    "manifest.unknown-target": "A document names a target that the settings don't have.",
    "manifest.unknown-target-value": "A document looks up a value that its target in the settings does not have.",
    "manifest.wrong-target": "A document names a target that speaks another API than its kind needs.",
    "manifest.wrong-type": "A field holds another type of value than it takes, such as a number where text is due.",
}
_NOTIFY_RULES = {
    "notify.not-sent": "Somebody whom the settings name was not told what happened, or perhaps not.",
    "notify.unknown-url": "The URL of somebody who is to be told is none that Apprise knows.",
}
_OUTPUT_RULES = {
    "output.incomplete": "The run was kept from something, so that the report may not tell everything that there is.",
    "output.unwritable": "A result could not be written whole, such as on a full disk.",
}
_PLAN_RULES = {
    "merge.different-runs": "Reports that are to be merged are not parts of one run: what they are of differs.",
    "merge.no-report": "Of a target, or of a part of a run, none of the reports that were merged knows anything.",
    "merge.same-target": "Two reports that are to be merged are about the same target.",
    "merge.unreadable-file": "A report that is to be merged can't be read.",
    "plan.account-unknown": "A server does not tell an account its roles, so what it could take back is not known.",
    "plan.change": "An object is to be changed by apply.",
    "plan.damaged": "A saved plan is not byte for byte what was written.",
    "plan.limit-exceeded": "A run would change more objects of a kind than the settings or the kind allow.",
    "plan.lockout-account": "After a step the account that applies would lack a permission that this tool needs.",
    "plan.lockout-allowed": "A plan locks somebody out, and the settings allow that.",
    "plan.lockout-owner": "A plan gives certificates to a role that the account could not take them back from.",
    "plan.lockout-security": "After a plan nobody but the built-in administrators could change roles.",
    "plan.manifests-unread": "The manifests here can't be compared with those that a saved plan was made from.",
    "plan.misleading-step": "A step of a saved plan would do something else than it says.",
    "plan.no-plan": "A file that was given as a saved plan is none.",
    "plan.no-manifests": "A saved plan was made from what is remembered of a run, and not from manifests.",
    "plan.no-memory": "The store can't tell whether something that can't be undone was done before.",
    "plan.not-confirmed": "Nobody typed yes.",
    "plan.not-saved": "A plan is refused or not complete, so `plan --out` did not save it.",
    "plan.not-signed": "The program that signs saved plans failed, so the plan was not saved.",
    "plan.other-commit": "The checkout is at another commit than the one that a saved plan was made at.",
    "plan.other-environment": "A saved plan was made for another environment than the command line names.",
    "plan.other-format": "A saved plan has a format that this version does not read.",
    "plan.other-manifests": "The manifests here are not those that a saved plan was made from.",
    "plan.other-target": "A saved plan was made for another server or project than the settings name.",
    "plan.protected-object": "A step would change an object that the settings protect.",
    "plan.refused-step": "A change can't be made as declared; the message says why.",
    "plan.rights-incomplete": "Not all roles could be read, so who gains and who loses rights is told incompletely.",
    "plan.rights-skipped": "Who gains and who loses rights was not looked at, since `--no-rights` was said.",
    "plan.risk-not-approved": "A step is riskier than what `--approve` allows.",
    "plan.too-old": "A saved plan is older than it or the settings allow, or is from the future.",
    "plan.unreadable": "A saved plan has its digest and is yet not what this version writes.",
    "plan.unreadable-file": "A file that was given as a saved plan can't be read.",
    "plan.unsigned": "A saved plan is not signed, and the settings say how a signed one is verified.",
    "plan.unverified": "A saved plan is signed, and nothing in the settings says how to verify it.",
    "plan.wrong-signature": "A saved plan's signature does not hold, or was made in another way than the settings say.",
}
_POLICY_RULES = {
    "policy.advice": "An advisory policy does not hold.",
    "policy.broken": "A mandatory policy does not hold.",
    "policy.invalid-rule": "The rule of a policy is no expression that can be judged.",
    "policy.no-case": "A policy has no case that passes, or none that fails, by which it could be tried.",
    "policy.no-policy": "Cases are about a policy that no document declares.",
    "policy.no-result": "The rule of a policy came to no result, such as for want of a field.",
    "policy.unexpected-result": "A case of a policy came out otherwise than it says.",
    "policy.unjudged": "A policy over principals was not judged, since not every role is known.",
    "policy.unread": "A saved plan can't be judged again, since the manifests with the policies can't be read.",
    "policy.waived": "A policy does not hold for an object for which it is waived.",
}
_POSTURE_RULES = {
    "posture.claim-unused": "A claim is in no role that the account sees.",
    "posture.denied-long-ago": "A denied request was submitted more days ago than were asked for.",
    "posture.equal-roles": "Two or more roles have the very same rights.",
    "posture.event-disabled": "A secret event is disabled.",
    "posture.event-type-untold": "A type of secret event is told by no enabled event with a topic.",
    "posture.event-without-topic": "A secret event has no topic, so that nobody is told.",
    "posture.event-without-types": "A secret event is about no event type, so that it never fires.",
    "posture.expiring-unowned": "A certificate without an owner ends within the days that were asked for.",
    "posture.owner-missing": "A certificate is owned by a role that is not among those that the account sees.",
    "posture.owner-not-held": "A certificate is owned by a role that nobody holds.",
    "posture.pending-too-long": "A pending request was submitted more days ago than were asked for.",
    "posture.role-not-held": "A role is held by nobody.",
    "posture.unjudged-object": "An object lacks the day that a finding would be judged by.",
}
_SCHEMA_RULES = {
    "schema.stale": "A schema file is not what this version of the tool writes.",
}
_SETTINGS_RULES = {
    "settings.inconsistent": "Settings contradict each other, or one needs another that is not said.",
    "settings.inside-manifests": "Settings lie in a folder of manifests, or manifests in a folder of targets.",
    "settings.invalid-value": "A setting has a value that it can't hold.",
    "settings.missing-extra": "A setting needs a package that is not installed.",
    "settings.missing-field": "A setting that is required is missing.",
    "settings.no-credentials": "Nothing says who we are to a server.",
    "settings.no-targets": "The settings name a folder or a file of targets that is not there or holds none.",
    "settings.not-one-document": "A settings file holds no document, or more than one.",
    "settings.null": "A setting is null.",
    "settings.repeated-target": "Two files of targets have a target of the same name.",
    "settings.secret-exposed": "Somebody else can read a secret's file, or put another in its place.",
    "settings.secret-in-file": "A secret stands in the settings file in the place of its origin.",
    "settings.secret-invalid": "A secret can't be sent as it is, such as one with a line break inside.",
    "settings.secret-missing": "A secret's origin is there and holds nothing, or its variable is not set.",
    "settings.secret-unreadable": "A secret's origin can't be read, or its command fails.",
    "settings.unknown-field": "A settings file has a member that does not exist.",
    "settings.unknown-kind": "A limit or a protection is of a kind that does not exist.",
    "settings.unknown-target": "An environment names a target that there isn't, or labels that no target has.",
    "settings.unreadable-file": "The settings file can't be read.",
    "settings.unusable-key": "A key of the settings is not of the kind that is needed there.",
    "settings.unsupported": "A variable or a file of the vendors' tools asks for what isn't done, such as Kerberos.",
    "settings.vendor-file": "A file of the vendors' own tools can't be read, or is not as they write it.",
    "settings.wrong-type": "A setting holds another type of value than it takes.",
}
_STATE_RULES = {
    "state.absent": "There is no store of the state yet.",
    "state.act-claimed": "An act that can't be undone was done before, or may have been, and is not done again.",
    "state.bodies-dropped": "Former objects of an import were left out, since a repository keeps none unencrypted.",
    "state.damaged": "What keeps the state is not what this tool writes there, or not whole.",
    "state.export-damaged": "A file that is to be imported is no whole export of the state.",
    "state.export-early": "The state was exported while a run was writing to it.",
    "state.exposed": "Somebody else can read or replace what keeps the state.",
    "state.full": "There is no room for what has to be remembered.",
    "state.import-unfinished": "An import of the state was broken off, and part of the records is wanting.",
    "state.locked": "Another run holds the target.",
    "state.network-file-system": "The state is to be kept in a file that is on a network file system.",
    "state.newer-format": "A newer version of the tool wrote what keeps the state.",
    "state.no-bodies": "The store holds no former objects: a run can be undone only where it ran.",
    "state.no-remote": "What the state is to be kept with can't be found: a git remote, git itself, a driver.",
    "state.occupied": "The state is to be imported into a store that has records of its own.",
    "state.other-identity": "What keeps the state is another store than the one that the settings pin.",
    "state.overtaken": "A run lost its hold on the target to another run, or to somebody who unlocked it.",
    "state.plan-used": "A saved plan was applied before.",
    "state.read-only": "What keeps the state takes no writes from this account.",
    "state.settled": "What came of a step that an earlier run left open is known now.",
    "state.unfit-key": "The key that former objects are to be encrypted with is too short, or can't be used.",
    "state.unfit-remote": "The git remote can't keep the state: it declines the refs, or moves them more than once.",
    "state.unidentified-target": "What place a target is could not be found out, so its lease can't be taken.",
    "state.unpinned": "Something was done that can't be undone, and the settings don't say which store remembers it.",
    "state.unpinned-store": "The settings don't say which store it is that remembers the runs.",
    "state.unreachable": "No answer came from what keeps the state.",
    "state.unsettled": "Nobody knows what came of a step that an earlier run sent, or may have sent.",
    "state.vanished": "There was a store of the state, and it is gone.",
}
_TELEMETRY_RULES = {
    "telemetry.not-sent": "The trace of a run was not sent to the collector, or perhaps not all of it.",
}
_TLS_RULES = {
    "tls.unusable-certificate": "A file of certificates or keys that the settings name can't be used.",
}
_UNDO_RULES = {
    "undo.done": "All that a step changed is as it was before the run already.",
    "undo.impossible": "A step can't be taken back; the message says why.",
    "undo.moved": "An object is no longer as the run left it, so that taking the step back would take back more.",
    "undo.nothing": "A run changed nothing that could be taken back.",
    "undo.partial": "Some steps of a run can't be taken back; the others can be by themselves.",
}
_USAGE_RULES = {
    "usage.adopt-in-layers": "Values are to be adopted in an environment, whose layers could all have them.",
    "usage.command-line": "The command line has an option, an argument or a combination that no command takes.",
    "usage.invalid-filter": "A filter such as --only or --label is not written as it has to be.",
    "usage.invalid-link": "What is given to --link is no URL that people could be sent to.",
    "usage.invalid-otlp": "What is given to --otlp is no URL of a collector.",
    "usage.invalid-out": "The name given to --out is none that a saved plan can have.",
    "usage.invalid-report": "A format or a name given to --report is none that a report can have, or is taken.",
    "usage.invalid-shard": "What is given to --shard is no part of a whole.",
    "usage.invalid-trace": "The name given to --trace is none that a trace can have, or stands for something else.",
    "usage.missing-extra": "An option needs a package that is not installed.",
    "usage.no-age": "It is not said how old what is to be forgotten is.",
    "usage.no-current-folder": "The folder in which the command was started no longer exists.",
    "usage.no-environment": "The manifests lie in the layers of environments, and none of these was chosen.",
    "usage.no-open-step": "`recover --settle` names a step that is not open.",
    "usage.no-repository": "--base is given, and the manifests lie in no Git repository.",
    "usage.no-targets": "No target is configured, neither by settings nor by variables.",
    "usage.nobody-to-ask": "A plan has to be confirmed, and there is no terminal to ask at.",
    "usage.not-a-manifest": "A path on the command line is a file whose name is not a manifest's.",
    "usage.not-a-report": "A file is no JSON report of plan, drift or apply as this version of the tool writes them.",
    "usage.not-held": "`unlock` names a run that holds no target.",
    "usage.saved-plan-only": "An option is about a saved plan, and none is given.",
    "usage.saved-plan-whole": "A saved plan is to be applied with other paths or only in part.",
    "usage.selection-empty": "The filters match none of the documents.",
    "usage.simulator-start": "The simulator can't be started.",
    "usage.unknown-environment": "--environment names an environment that the settings don't have.",
    "usage.unknown-field": "The field to explain does not exist.",
    "usage.unknown-kind": "The command line names a kind that does not exist.",
    "usage.unknown-outcome": "`recover --settle` names another outcome than applied and not_applied.",
    "usage.unknown-path": "A path on the command line does not exist or can't be looked at.",
    "usage.unknown-schedule": "`selftest --replay` names a schedule that does not exist.",
    "usage.unknown-revision": "--base names no commit of the repository.",
    "usage.unknown-risk": "--approve names a risk that does not exist.",
    "usage.unknown-run": "No run that is remembered has the id, or several begin with it.",
    "usage.unknown-step": "A run has no step of the number, or was never about to send it.",
    "usage.unknown-target": "--target names a target that the settings don't have.",
    "usage.unwritable": "A file or a folder can't be written.",
}
_WAIVER_RULES = {
    "waiver.ended": "The day of a waiver has come, so that the policy holds again.",
    "waiver.ends-soon": "A waiver ends within seven days.",
    "waiver.no-breach": "A waiver is about an object that does not break the policy.",
    "waiver.no-policy": "A waiver is about a policy that no document declares.",
    "waiver.too-long": "A waiver would last longer than 180 days.",
}

# Each mapping above by its name, so that no area can be forgotten here.
_AREAS = [area for name, area in (*globals().items(), *vars(file_rules).items()) if name.endswith("_RULES")]
RULES: Mapping[str, str] = MappingProxyType(dict(sorted((rule, area[rule]) for area in _AREAS for rule in area)))
"""Every rule with its meaning, by id in alphabetical order."""
