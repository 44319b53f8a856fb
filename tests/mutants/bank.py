"""The seeded bugs, as data: what of which file becomes what, and which test must see it.

The old text stands in its file exactly once. A test may be a file, a function, or `function[case]`.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """A bug that somebody might write one day. `files` are below `reconciler/`, `tests` below `tests/`."""

    name: str
    file: str
    old: str
    new: str
    test: str


BANK = (
    # What a body carries.
    Mutant(
        "role-put-without-unknown-members",
        "payloads/roles.py",
        "pick_member(raw, name) for name in _KNOWN_MEMBERS}, **unknown_members}",
        "pick_member(raw, name) for name in _KNOWN_MEMBERS}}",
        "payloads/test_claims_and_roles.py::test_a_role_is_written_back_without_what_is_read_only",
    ),
    Mutant(
        "role-put-without-claims",
        "kinds/security_role/kind.py",
        'body["Claims"] = encode_role_claims(raw, after.get("claims"), new_claims)',
        'body["Claims"] = encode_role_claims(raw, after.get("claims", ()), new_claims)',
        "kinds/test_cases.py::test_case",
    ),
    Mutant(
        "role-put-without-email",
        "payloads/roles.py",
        '_KNOWN_MEMBERS = ("Id", "Name", "Description", "EmailAddress", "PermissionSetId",',
        '_KNOWN_MEMBERS = ("Id", "Name", "Description", "PermissionSetId",',
        "kinds/test_cases.py::test_case",
    ),
    Mutant(
        "role-of-version-1-is-trusted",
        "payloads/roles.py",
        'members = {"Permissions": str, "Claims": Mapping}',
        'members = {"Permissions": str}',
        "payloads/test_claims_and_roles.py::test_an_answer_that_is_no_role_is_not_trusted",
    ),
    Mutant(
        "one-member-of-an-event-handler",
        "kinds/event_handler/kind.py",
        "for name, value in {**live, **changes}.items()}",
        "for name, value in changes.items()}",
        "kinds/test_body_law_event_handler.py::test_base_and_changes_give_the_body",
    ),
    Mutant(
        "owner-is-cleared-by-an-empty-body",
        "kinds/certificate_owner/owner_request.py",
        'body = {"NewRoleId": None} if name is None else {"NewRoleName": name}',
        'body = {} if name is None else {"NewRoleName": name}',
        "kinds/test_body_law_certificate_owner.py::test_base_and_changes_give_the_body",
    ),
    Mutant(
        "both-owner-members",
        "kinds/certificate_owner/owner_request.py",
        'body = {"NewRoleId": None} if name is None else {"NewRoleName": name}',
        'body = {"NewRoleId": owner.id, "NewRoleName": name}',
        "kinds/test_body_law_certificate_owner.py::test_base_and_changes_give_the_body",
    ),
    Mutant(
        "version-header-is-dropped",
        "apis/keyfactor.py",
        '"x-keyfactor-api-version": str(version)}',
        '"x-keyfactor-api-version": "1"}',
        "apis/test_command_lists.py::test_a_counted_list_takes_exactly_as_many_requests_as_pages",
    ),
    # What protects somebody else's edit.
    Mutant(
        "no-comparison-with-the-base",
        "engine/apply.py",
        "    if live != request.base:\n",
        "    if live is None and request.base is not None:\n",
        "engine/test_apply_base.py::test_nothing_is_sent_over_what_moved",
    ),
    Mutant(
        "comparison-with-the-base-by-declared-members",
        "engine/apply.py",
        "    if live != request.base:\n",
        "    if live is None or any(live.get(name) != (request.base or {}).get(name) for name in request.expect):\n",
        "engine/test_apply_base.py::test_it_is_sent_where_nothing_moved",
    ),
    Mutant(
        "no-look-before-the-write",
        "engine/apply.py",
        "        obstacle = _find_obstacle(step, request, kind, context)\n        if refusal:",
        "        obstacle = None\n        if refusal:",
        "engine/test_apply_base.py::test_nothing_is_sent_over_what_moved",
    ),
    Mutant(
        "intent-between-the-look-and-the-write",
        "engine/apply.py",
        "        refusal = context.journal.begin(number, step)\n"
        "        obstacle = _find_obstacle(step, request, kind, context)\n",
        "        obstacle = _find_obstacle(step, request, kind, context)\n"
        "        refusal = context.journal.begin(number, step)\n",
        "engine/test_apply_journal.py::test_the_intent_comes_before_the_look_and_the_result_after_the_reading_back",
    ),
    Mutant(
        "a-denial-of-what-is-no-longer-pending",
        "kinds/request_denial/comparison.py",
        "    if state != WAITING:\n",
        "    if state is None:\n",
        "kinds/test_cases.py::test_case",
    ),
    Mutant(
        "an-other-request-behind-the-id",
        "kinds/request_denial/comparison.py",
        "    if differences:\n        details",
        "    if differences and state is None:\n        details",
        "kinds/test_cases.py::test_case",
    ),
    # What is sent, how often, and to whom.
    Mutant(
        "a-write-is-sent-again-after-silence",
        "engine/apply.py",
        'return _read_back(step, kind, context, None, f"no answer ({silence})")',
        "return _send_request(step, request, kind, context, is_repeat=True) if not is_repeat else "
        'Outcome(step, Verdict.UNKNOWN, "")',
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "a-write-is-sent-again-after-a-server-s-error",
        "engine/apply.py",
        "        reply = context.senders[step.address.target](request.call)\n",
        "        reply = context.senders[step.address.target](request.call)\n"
        "        if reply.status >= 500:\n"
        "            reply = context.senders[step.address.target](request.call)\n",
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "a-denial-is-sent-again-with-new-credentials",
        "engine/apply.py",
        "    if step.action is Action.DENY:\n",
        "    if step.action is Action.CLEAR:\n",
        "engine/test_apply_login.py::test_a_denial_is_sent_once_whatever_it_meets",
    ),
    Mutant(
        "no-look-before-it-is-sent-again-with-new-credentials",
        "engine/apply.py",
        '    obstacle = _find_obstacle(step, request, kind, context, "nothing was sent again")\n',
        "    obstacle = None\n",
        "engine/test_apply_login.py::test_what_moved_meanwhile_is_not_written_over",
    ),
    Mutant(
        "the-library-s-own-retries",
        "transport/adapter.py",
        "max_retries=_NO_RETRIES)\n        if self.max_retries.total != 0 or self.max_retries.other != 0:",
        "max_retries=3)\n        if self.max_retries.total == 0:",
        "transport/test_transport.py::test_whatever_breaks_after_the_request_left_counts_as_sent_and_is_sent_once",
    ),
    Mutant(
        "a-request-for-another-host",
        "transport/transport.py",
        "        if extract_origin(url) != self._origin:\n",
        "        if not extract_origin(url):\n",
        "transport/test_transport.py::test_nothing_goes_to_another_origin",
    ),
    Mutant(
        "a-write-on-a-kept-connection",
        "transport/transport.py",
        '"Connection": "keep-alive" if method == "GET" else "close",',
        '"Connection": "keep-alive",',
        "transport/test_transport.py::test_reads_share_a_connection_and_every_write_has_its_own",
    ),
    Mutant(
        "the-next-step-after-one-that-failed",
        "engine/apply.py",
        "if not halt_reason and step.request and outcome.verdict not in _SETTLED:",
        "if not halt_reason and step.request and outcome.verdict is Verdict.UNKNOWN:",
        "engine/test_apply_order.py::test_the_first_step_that_does_not_succeed_is_the_last",
    ),
    # What silence and odd answers mean.
    Mutant(
        "silence-is-failure",
        "engine/apply.py",
        "        if not silence.sent:\n",
        "        if silence:\n",
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "a-timeout-of-a-gateway-is-failure",
        "engine/apply.py",
        "frozenset({400, 403, 404, 405,",
        "frozenset({400, 403, 404, 405, 504,",
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "a-promise-is-success",
        "engine/apply.py",
        "    if 200 <= reply.status < 300 and reply.status != 202:\n",
        "    if 200 <= reply.status < 300:\n",
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "a-good-answer-is-not-read-back",
        "engine/apply.py",
        '        outcome = _read_back(step, kind, context, reply, f"answered {reply.status}")\n',
        "        outcome = Outcome(step, Verdict.APPLIED, verdicts=(Verdict.APPLIED,) * len(step.changes))\n",
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "no-patience-after-silence",
        "engine/apply.py",
        "if has_answer else context.timing.patience.after_silence:",
        "if has_answer else (0.0,):",
        "engine/test_apply.py::test_the_answer_and_the_world_decide",
    ),
    Mutant(
        "the-best-verdict-of-a-step",
        "engine/apply.py",
        "    for verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLIED):\n",
        "    for verdict in (Verdict.APPLIED, Verdict.UNKNOWN):\n",
        "engine/test_apply_denials.py::test_a_denial_is_ruled_on_id_by_id",
    ),
    Mutant(
        "unknown-ends-as-partial",
        "plans/exit_code.py",
        "    Verdict.UNKNOWN: Exit.UNKNOWN,\n",
        "    Verdict.UNKNOWN: Exit.PARTIAL,\n",
        "cli/test_outcomes_live.py::test_a_write_that_nobody_answers_is_unknown",
    ),
    Mutant(
        "unknown-ends-as-ok",
        "plans/exit_code.py",
        "    Verdict.UNKNOWN: Exit.UNKNOWN,\n",
        "    Verdict.UNKNOWN: Exit.OK,\n",
        "cli/test_outcomes_live.py::test_a_write_that_nobody_answers_is_unknown",
    ),
    Mutant(
        "failures-of-a-denial-are-overlooked",
        "payloads/requests.py",
        '    ("Failures", Verdict.NOT_APPLIED, "the server could not deny it"),\n',
        "",
        "engine/test_apply_denials.py::test_a_denial_is_ruled_on_id_by_id",
    ),
    Mutant(
        "denials-of-a-denial-are-successes",
        "payloads/requests.py",
        '("Denials", Verdict.NOT_APPLIED,',
        '("Denials", Verdict.APPLIED,',
        "engine/test_apply_denials.py::test_a_denial_is_ruled_on_id_by_id",
    ),
    Mutant(
        "an-id-that-no-list-names-was-denied",
        "payloads/requests.py",
        '    report = "reported as denied" if verdicts else "not named in the answer"\n',
        "    if not verdicts:\n        return _APPLIED\n"
        '    report = "reported as denied" if verdicts else "not named in the answer"\n',
        "engine/test_apply_denials.py::test_a_denial_is_ruled_on_id_by_id",
    ),
    # What is read.
    Mutant(
        "the-first-page-alone",
        "apis/keyfactor.py",
        "        for page in _chain_pages(first_page, later_pages):\n",
        "        for page in (first_page,):\n",
        "apis/test_command_lists.py::test_a_counted_list_takes_exactly_as_many_requests_as_pages",
    ),
    Mutant(
        "a-short-page-is-the-last",
        "apis/keyfactor.py",
        "            if not page.rows:\n                return\n            yield page\n",
        "            if not page.rows:\n                return\n            yield page\n"
        "            if len(page.rows) < size:\n                return\n",
        "apis/test_command_lists.py::test_an_uncounted_list_is_read_until_an_empty_page",
    ),
    Mutant(
        "a-row-that-comes-twice",
        "apis/keyfactor.py",
        "if len(keys) != len(page.keys) or not seen_keys.isdisjoint(keys):",
        "if len(keys) != len(page.keys):",
        "apis/test_command_lists.py::test_a_row_that_moved_between_pages_restarts_the_list_and_none_is_lost_or_told_twice",
    ),
    Mutant(
        "a-count-that-is-not-reached",
        "apis/keyfactor.py",
        "        if total is not None and count != total:\n",
        "        if total is not None and count > total:\n",
        "apis/test_command_lists.py::test_a_list_that_does_not_add_up_is_incomplete_and_ends",
    ),
    Mutant(
        "an-answer-that-is-no-list-is-empty",
        "apis/keyfactor.py",
        "        if not isinstance(rows, list) or not all(type(row) is dict for row in rows):\n",
        "        rows = rows if isinstance(rows, list) else []\n"
        "        if not all(type(row) is dict for row in rows):\n",
        "apis/test_command_lists.py::test_a_list_that_does_not_add_up_is_incomplete_and_ends",
    ),
    Mutant(
        "forbidden-is-absent",
        "apis/keyfactor.py",
        "    is_absent=lambda reply: reply.status == 404,\n",
        "    is_absent=lambda reply: reply.status in (403, 404),\n",
        "apis/test_errors.py::test_a_status_means_one_outcome",
    ),
    # Guards.
    Mutant(
        "no-limit-below-ten",
        "plans/guards.py",
        "        if count > limit:\n",
        "        if count > max(limit, 10):\n",
        "plans/test_guards.py::test_a_limit_of_the_settings",
    ),
    Mutant(
        "no-limit-unless-configured",
        "plans/guards.py",
        "        limit = limits.get(kind, kinds[kind].limit)\n",
        "        limit = limits.get(kind, 10**9)\n",
        "plans/test_guards.py::test_the_limits_that_hold_by_default",
    ),
    Mutant(
        "one-approval-for-all-risks",
        "plans/guards.py",
        "        if step.risk not in approved\n",
        "        if not approved\n",
        "plans/test_guards.py::test_unapproved",
    ),
    Mutant(
        "a-protected-object-in-other-letters",
        "plans/guards.py",
        '    names = (step.address.name, step.object, step.object.rpartition(" (")[0])\n',
        "    names = (step.address.name,)\n",
        "plans/test_guards.py::test_protection",
    ),
    # The saved plan.
    Mutant(
        "the-plan-of-another-target",
        "plans/planfile.py",
        "        if plan_bound != bound or plan_bound is None:\n",
        "        if plan_bound is None or bound is None:\n",
        "plans/test_planfile_forged.py::test_a_plan_is_refused_elsewhere",
    ),
    Mutant(
        "an-old-plan",
        "plans/planfile.py",
        "    elif age.now - created > age.max_age:\n",
        "    elif age.now - created > 100 * age.max_age:\n",
        "plans/test_planfile_forged.py::test_the_narrower_limit_holds_unless_a_run_says_another",
    ),
    Mutant(
        "a-plan-from-the-future",
        "plans/planfile.py",
        "    if created - age.now > CLOCK_TOLERANCE:\n",
        "    if created - age.now > 1000 * CLOCK_TOLERANCE:\n",
        "plans/test_planfile_forged.py::test_an_approval_does_not_keep",
    ),
    Mutant(
        "any-signature-holds",
        "plans/signatures.py",
        "return signature.method == HMAC_METHOD and hmac.compare_digest(sign(data).value, signature.value)",
        "return signature.method == HMAC_METHOD and bool(signature.value)",
        "plans/test_signatures.py::test_a_signature_holds_for_its_bytes_and_its_key_alone",
    ),
    Mutant(
        "a-signature-is-believed-after-the-content",
        "plans/planfile.py",
        "    signed_by = verify(unsigned, signature)\n    members = parse_members(data, file)\n",
        "    members = parse_members(data, file)\n    signed_by = verify(unsigned, signature)\n",
        "plans/test_signatures.py::test_nothing_is_parsed_before_the_signature_was_looked_at",
    ),
    # Memory: what is recorded, and when.
    Mutant(
        "no-intents-before-the-first-byte",
        "engine/recorded_run.py",
        "        intents = [self._build_intent(number, step) for number, step in steps.items()]\n",
        "        intents: list[Intent] = []\n",
        "engine/test_recorded_run.py::test_the_repeatable_intents_are_there_before_anything_is_sent",
    ),
    Mutant(
        "no-intent-of-a-denial",
        "engine/recorded_run.py",
        "                self._store.intend(self._held[name].lease, [self._build_intent(number, step)])\n",
        "",
        "engine/test_recorded_run.py::test_a_store_that_nobody_pinned_is_told_once_a_denial_depends_on_it",
    ),
    Mutant(
        "a-result-that-could-not-be-recorded-ends-nothing",
        "engine/recorded_run.py",
        '            return f"what came of {step.address} could not be recorded"\n',
        '            return ""\n',
        "kills/test_stores_that_fail.py::test_a_database_server_that_dies_ends_the_run_truly",
    ),
    Mutant(
        "what-was-not-recorded-ends-as-ok",
        "engine/execution.py",
        "        codes = causes | ({Exit.INCOMPLETE} if recorder.faults else set())\n",
        "        codes = causes\n",
        "kills/test_stores_that_fail.py::test_a_database_server_that_dies_ends_the_run_truly",
    ),
    Mutant(
        "a-denial-s-result-waits-at-a-remote-store",
        "engine/recorded_run.py",
        "(self._store.is_remote and step.action is not Action.DENY):",
        "self._store.is_remote:",
        "engine/test_recorded_run.py::test_a_remote_store_is_written_once_for_many_results_but_not_for_a_denial_s",
    ),
    Mutant(
        "unknown-is-recorded-as-not-applied",
        "engine/intent_records.py",
        "_SETTLED_AS = {Verdict.APPLIED: SettledAs.APPLIED, Verdict.UNKNOWN: SettledAs.UNKNOWN}",
        "_SETTLED_AS = {Verdict.APPLIED: SettledAs.APPLIED}",
        "engine/test_recorded_run.py::test_a_step_is_settled_as_it_ended",
    ),
    Mutant(
        "an-act-is-free-again-once-it-is-unknown",
        "state/intents.py",
        "return [act for act in acts if act.forbids and (act.run, act.number) != (intent.run, intent.number)]",
        "return [act for act in acts if act.outcome and act.forbids and act.run != intent.run]",
        "state/test_contract.py::test_an_act_that_may_have_been_done_is_never_done_again",
    ),
    Mutant(
        "the-first-result-counts",
        "state/intents.py",
        "    return outcomes[-1] if outcomes else None\n",
        "    return outcomes[0] if outcomes else None\n",
        "state/test_contract.py::test_what_was_intended_is_open_until_it_is_known",
    ),
    Mutant(
        "a-commit-that-is-not-synced",
        "state/sqlite.py",
        'connection.execute("pragma synchronous = extra")',
        'connection.execute("pragma synchronous = off")',
        "state/test_sqlite.py::test_a_commit_outlives_the_loss_of_power",
    ),
    # Leases.
    Mutant(
        "the-fence-is-not-looked-at",
        "state/leases.py",
        "    if not last or not is_held or (last.run, last.fence) != (lease.run, lease.fence):\n",
        "    if not last:\n",
        "state/test_contract.py::test_whoever_was_overtaken_writes_nothing_more",
    ),
    Mutant(
        "a-lease-is-taken-over-though-its-holder-moved",
        "state/leases.py",
        "        if not over or (over.run, over.fence, over.beat) != (last.run, last.fence, last.beat):\n",
        "        if not over:\n",
        "state/test_contract.py::test_a_lease_is_taken_over_only_as_it_was_seen",
    ),
    Mutant(
        "a-lease-that-is-held-is-no-obstacle",
        "state/leases.py",
        "            raise StoreLocked(last)\n",
        "            pass\n",
        "kills/test_rival_applies.py::test_of_two_applies_at_once_one_writes",
    ),
    Mutant(
        "a-lease-whose-time-is-over-is-sent-under",
        "engine/recorded_run.py",
        "        return all(held.has_time(now) for held in self._held.values())\n",
        "        return all(held.times for held in self._held.values() if now)\n",
        "kills/test_rival_applies.py::test_a_run_that_slept_while_its_lease_ended_sends_nothing_more",
    ),
    Mutant(
        "a-lease-is-taken-before-a-request-may-have-ended",
        "state/lease_watch.py",
        "        return self.lasts + self.request\n",
        "        return self.lasts\n",
        "state/test_lease_watch.py::test_a_lease_that_stands_still_ends_by_the_taker_s_own_clock",
    ),
    Mutant(
        "a-holder-that-died-here-is-waited-for",
        "state/run_holder.py",
        '    return "" if fields[0] in "ZX" else fields[19]\n',
        "    return fields[19]\n",
        "state/test_rivals.py::test_a_holder_that_was_killed_is_known_to_be_gone_on_its_own_machine",
    ),
    Mutant(
        "another-process-of-the-same-number",
        "state/run_holder.py",
        "    return _read_start(holder.process, proc) != holder.started\n",
        '    return _read_start(holder.process, proc) == ""\n',
        "state/test_rivals.py::test_a_holder_that_was_killed_is_known_to_be_gone_on_its_own_machine",
    ),
    Mutant(
        "a-plan-is-used-again",
        "state/leases.py",
        "    if used_by != run:\n",
        "    if not used_by:\n",
        "state/test_contract.py::test_a_plan_is_used_once",
    ),
    # Recovery.
    Mutant(
        "a-takeover-without-recovery",
        "engine/recorded_run.py",
        "                unsettled = list_unsettled_keys(self._settle_held(names))\n",
        "                unsettled: Mapping[str, SettledStep] = {}\n",
        "engine/test_recorded_run.py::test_only_the_object_of_which_nobody_knows_is_held_back",
    ),
    Mutant(
        "what-looks-as-before-was-not-denied",
        "engine/recovery.py",
        "        if found is SettledAs.NOT_APPLIED and act:\n",
        "        if found is SettledAs.NOT_APPLIED and act and live is None:\n",
        "test_laws_recovery.py::test_what_was_not_done_is_known_but_for_what_cannot_be_undone",
    ),
    Mutant(
        "no-wait-for-a-write-that-is-under-way",
        "engine/recovery.py",
        "    for pause in (0.0, *context.timing.settle_pauses):\n",
        "    for pause in (0.0,):\n",
        "engine/test_recorded_run.py::test_a_write_of_an_earlier_run_that_lands_late_is_waited_for",
    ),
    Mutant(
        "neither-before-nor-after-is-not-applied",
        "engine/intent_records.py",
        "    if is_expected == is_base:\n        return None\n",
        "    if is_expected == is_base:\n        return SettledAs.NOT_APPLIED\n",
        "test_laws_recovery.py::test_an_object_of_which_nobody_knows_holds_back_itself_alone",
    ),
    Mutant(
        "what-is-unsettled-holds-nothing-back",
        "engine/recorded_run.py",
        "        return _hold_back(plan, unsettled, self.parts.kinds)\n",
        "        return plan if unsettled is not None else plan\n",
        "engine/test_recorded_run.py::test_only_the_object_of_which_nobody_knows_is_held_back",
    ),
    Mutant(
        "a-denial-that-may-have-been-sent-is-planned-again",
        "kinds/request_denial/comparison.py",
        "    if not reason and act:\n",
        "    if not reason and act and act.is_settled:\n",
        "test_laws_recovery.py::test_a_denial_that_may_have_been_sent_waits_for_a_person",
    ),
    # git: a push that failed may have landed, and exit 0 says nothing.
    Mutant(
        "a-push-that-says-nothing-was-lost",
        "state/git_remote.py",
        '        if told and told[1] in " +*-" and answer.code == 0:\n',
        '        if told and told[1] in " +*-=" and answer.code == 0:\n',
        "state/test_git.py::test_two_commits_of_the_same_bytes_are_not_two_wins",
    ),
    Mutant(
        "a-commit-without-a-nonce",
        "state/git_remote.py",
        '        text = f"reconciler: {message}\\n\\nnonce {nonce}\\n[skip ci]\\n".encode()\n',
        '        text = f"reconciler: {message}\\n[skip ci]\\n".encode()\n',
        "state/test_git.py::test_two_commits_of_the_same_bytes_are_not_two_wins",
    ),
    Mutant(
        "a-push-without-a-lease",
        "state/git_remote.py",
        '        lease = f"--force-with-lease={ref}:{old}"\n',
        '        lease = "--force"\n',
        "state/test_git.py::test_whoever_builds_on_an_old_tip_loses",
    ),
    # Texts.
    Mutant(
        "an-answer-s-words-are-told-with-secrets",
        "engine/apply.py",
        "    detail = escape_and_shorten(context.redact(outcome.detail), _MAX_DETAIL)\n",
        "    detail = escape_and_shorten(outcome.detail, _MAX_DETAIL)\n",
        "engine/test_apply_words.py::test_a_comment_of_the_server_is_told_without_a_secret",
    ),
    Mutant(
        "a-secret-with-escaped-letters-is-shown",
        "credentials/redaction.py",
        "        plain_text = unescape_letters(clean_text)\n",
        "        plain_text = clean_text\n",
        "credentials/test_redaction.py::test_a_secret_is_blotted_out_in_every_form",
    ),
    Mutant(
        "a-trace-holds-a-refresh-token",
        "reports/har.py",
        "    return lambda text: hide_secret_members(learned(redact(text)))\n",
        "    return lambda text: learned(redact(text))\n",
        "reports/test_har.py::test_what_is_a_secret_by_its_name_goes_whole",
    ),
    Mutant(
        "a-trace-is-cut-within-a-secret",
        "reports/har.py",
        "        hidden = hidden[: max(min(BODY_CAP, len(hidden) - BODY_MARGIN), 0)]\n",
        "        hidden = hidden[:]\n",
        "reports/test_har.py::test_a_long_body_is_cut_and_says_so",
    ),
    Mutant(
        "a-login-is-in-no-trace",
        "apis/connect.py",
        "    transports = TransportFactory(target, secrets, clock, sleep, open_sender)\n",
        "    transports = TransportFactory(target, secrets, clock, sleep, machine.open_sender)\n",
        "cli/test_traffic.py::test_no_secret_is_in_the_trace_or_the_lines",
    ),
    Mutant(
        "a-secret-is-remembered",
        "engine/intent_records.py",
        '        trace if masker(trace) == trace else "",\n',
        "        trace,\n",
        "engine/test_recorded_run.py::test_what_holds_a_secret_leaves_no_trace_to_find_its_object_by",
    ),
    Mutant(
        "a-terminal-obeys-a-server-s-words",
        "sanitize.py",
        "    return escape_character(character) if is_invisible(character) else character\n",
        "    return character\n",
        "reports/test_hostile.py::test_foreign_text_does_nothing",
    ),
    Mutant(
        "what-is-not-selected-looks-unmanaged",
        "plans/planner.py",
        "count_unmanaged(observed.live, documents, scope.declared, kinds, scope.unread)",
        "count_unmanaged(observed.live, documents, documents, kinds, scope.unread)",
        "plans/test_unmanaged.py::test_documents_that_are_not_selected_declare_all_the_same",
    ),
    Mutant(
        "a-query-that-finds-nothing-declares-nothing",
        "kinds/certificate_owner/inventory.py",
        'result.rows if result.rows or document.spec.declared().get("allowEmpty") else None',
        "result.rows",
        "kinds/test_cases.py::test_case",
    ),
    Mutant(
        "what-is-not-approved-changes-the-digest",
        "plans/sealing.py",
        '"commit", "paths", "unmanaged")',
        '"commit", "paths")',
        "plans/test_unmanaged.py::test_counts_are_saved_and_nothing_that_is_approved",
    ),
    Mutant(
        "a-collection-is-taken-for-the-inventory",
        "kinds/certificate_owner/reading.py",
        "scope_lists[()].inventory if () in scope_lists else None",
        "next((one.inventory for one in scope_lists.values()), None)",
        "kinds/test_cases.py::test_case",
    ),
    Mutant(
        "a-partial-clone-is-completed-by-the-configured-program",
        "engine/git_revision.py",
        '    "GIT_NO_LAZY_FETCH": "1",\n'
        "    # Before git 2.44 a partial clone fetches all the same; so no transport is allowed.\n"
        '    "GIT_ALLOW_PROTOCOL": "none",\n',
        "",
        "engine/test_base_revision.py::test_a_partial_clone_is_not_completed",
    ),
    Mutant(
        "a-replaced-object-is-read",
        "engine/git_revision.py",
        '    "GIT_NO_REPLACE_OBJECTS": "1",\n',
        "",
        "engine/test_base_revision.py::test_a_replaced_object_is_not_taken",
    ),
    Mutant(
        "a-renamed-role-is-no-longer-declared",
        "kinds/kind.py",
        "names = filter(None, (self.address.name, self.renamed_from))",
        "names = (self.address.name,)",
        "plans/test_withdrawals.py::test_what_is_no_longer_declared_is_named",
    ),
    # What is written beside somebody's work.
    Mutant(
        "an-export-follows-a-link",
        "state/new_files.py",
        "        if stat.S_ISLNK(mode):\n",
        "        if False:\n",
        "state/test_new_files.py::test_what_is_in_the_way_is_found",
    ),
    Mutant(
        "half-an-export-is-left-behind",
        "state/new_files.py",
        "        _remove((*published, *staged.values()), made_folders)\n",
        "",
        "state/test_new_files.py::test_nothing_is_left_of_files_that_could_not_all_be_written",
    ),
    Mutant(
        "a-list-is-exported-without-a-member",
        "engine/exporting/export_drafts.py",
        "        yield from ((path, reason) for member in value",
        "        yield from ((path, reason) for member in value[:0]",
        "cli/test_export.py::test_a_field_that_nobody_could_review_is_left_out_alone",
    ),
    Mutant(
        "a-spreadsheet-runs-an-owner-s-name",
        "documents/csv_writer.py",
        "    return fits and is_readable and not has_formula(text)\n",
        "    return fits and is_readable\n",
        "documents/test_csv_writer.py::test_no_cell_is_a_formula",
    ),
    # What is taken over from a server.
    Mutant(
        "a-secret-gets-into-git",
        "engine/adoption/adopt.py",
        "        if _hides_more(change, masker)\n",
        "        if False\n",
        "cli/test_adopt.py::test_a_secret_of_ours_does_not_get_into_git",
    ),
    Mutant(
        "a-file-that-changed-is-overwritten",
        "engine/adoption/adopted_files.py",
        "if _read_again(change) != change.before]",
        "if False]",
        "cli/test_adopt.py::test_a_file_that_somebody_else_changes_is_not_overwritten",
    ),
    Mutant(
        "an-additive-list-takes-in-what-others-added",
        "kinds/adoption.py",
        "            adopted = [member for member in adopted if member in (declared or ())]\n",
        "",
        "cli/test_adopt.py::test_a_live_value_takes_the_place_of_a_declared_one",
    ),
    Mutant(
        "what-is-not-selected-takes-certificates-in",
        "kinds/certificate_owner/owner_moves.py",
        "[document.address for document in documents if document.is_editable]",
        "[document.address for document in documents]",
        "cli/test_adopt_owners.py::test_what_is_not_selected_takes_nothing_in",
    ),
    Mutant(
        "a-comment-above-a-member-goes-with-it",
        "documents/editing/block_edits.py",
        '        return TextEdit(find_line_start(text, start), find_line_end(text, value.end), "")\n',
        "        first = find_line_start(text, max(find_line_start(text, start) - 1, 0))\n"
        '        first = first if text[first:].lstrip().startswith("#") else find_line_start(text, start)\n'
        '        return TextEdit(first, find_line_end(text, value.end), "")\n',
        "documents/test_document_edits.py::test_only_what_changes_is_touched",
    ),
    Mutant(
        "true-is-one",
        "documents/editing/member_changes.py",
        "bool(value == other) and _spell(value) == _spell(other)",
        "bool(value == other)",
        "documents/test_document_edits.py::test_only_what_changes_is_touched",
    ),
)
