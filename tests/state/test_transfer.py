"""A store as a text: the same bytes whatever kept it, whole or refused, and taken by every back end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import Exit
from reconciler.state.locations import LocalState
from reconciler.state.open_store import import_store
from reconciler.state.records import DriftItem, IntentResult, PreviousObject, SettledAs, SettledBy, StoreExport
from reconciler.state.schema import list_columns
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import (
    ActsClaimed,
    ExportDamaged,
    ImportUnfinished,
    NonceUsed,
    StoreError,
    StoreForeign,
    StoreLocked,
    StoreOccupied,
    StoreTooNew,
)
from reconciler.state.transfer import decode_export, encode_export
from tests.support.store_places import (
    ENV,
    LATER,
    OTHER_TARGET,
    TARGET,
    StorePlace,
    make_intent,
    make_place,
    make_result,
    make_run,
    open_at,
)

BODY = '{"changes":[{"after":"b","before":"a"}]}'


def fill_store(store: Store) -> None:
    """Record something in every table: a run that ended, one that is under way, an act, drift, on two targets."""
    intents = [make_intent("run-1", number, previous=PreviousObject("sha-o", BODY)) for number in (1, 10, 2)]
    lease = store.claim(make_run("run-1", commit="c0ffee"), nonce=LATER, intents=intents)
    store.intend(lease, [make_intent("run-1", 3, "deny/1", "deny/Ü'")])
    store.settle(lease, [make_result("run-1", 1), make_result("run-1", 3, SettledAs.UNKNOWN)])
    store.release(lease, RunEnding(11, {"applied": 1}), [make_result("run-1", 2), make_result("run-1", 10)])
    done = store.claim(make_run("run-0", OTHER_TARGET))
    store.release(done, RunEnding(0))
    store.claim(make_run("run-2", OTHER_TARGET), intents=[make_intent("run-2", 1)])
    store.remember_drift(TARGET, "drift-1", [DriftItem("Kind/a", "x", "1")], ["Kind/a"])


def copy_store(exported: StoreExport, place: StorePlace, secret: str = "") -> Store:
    """Import an export, as it is written and read again, and open what is there then."""
    decoded = decode_export(encode_export(exported))
    import_store(place.location, decoded, env=ENV, secret=secret)
    return place.open(pinned=exported.identity.id, secret=secret)


@pytest.fixture
def exported(tmp_path: Path) -> StoreExport:
    """An export of a local store with everything in it."""
    store = open_at(LocalState(tmp_path / "first"))
    store.declare()
    fill_store(store)
    return store.export()


def test_an_export_that_was_imported_is_the_same_export(place: StorePlace, tmp_path: Path) -> None:
    """From each back end to another one and back."""
    store = place.open()
    fill_store(store)
    text = encode_export(store.export())
    assert text == encode_export(place.open().export())
    other = StorePlace(LocalState(tmp_path / "other"), lambda: None)
    assert encode_export(copy_store(store.export(), other).export()) == text
    place.vanish()
    assert encode_export(copy_store(decode_export(text), place).export()) == text


def test_what_was_moved_goes_on_as_before(exported: StoreExport, place: StorePlace) -> None:
    """The pinned id, the lease, the nonce, the acts and what is open."""
    store = copy_store(exported, place)
    assert store.identity == exported.identity
    assert store.list_targets() == tuple(sorted([TARGET, OTHER_TARGET]))
    with pytest.raises(StoreLocked, match="run run-2"):
        store.claim(make_run("run-3", OTHER_TARGET))
    with pytest.raises(NonceUsed):
        store.claim(make_run("run-3"), nonce=LATER)
    lease = store.claim(make_run("run-4"))
    assert lease.fence == 2
    assert [entry.intent.number for entry in store.list_open(TARGET)] == [3]
    with pytest.raises(ActsClaimed):
        store.intend(lease, [make_intent("run-4", 1, "deny/1")])
    assert [record.item.address for record in store.list_drift(TARGET)] == ["Kind/a"]


def test_a_store_with_records_takes_no_import(exported: StoreExport, place: StorePlace) -> None:
    store = place.open()
    store.release(store.claim(make_run("run-9")), RunEnding(0))
    before = encode_export(store.export())
    with pytest.raises(StoreOccupied, match="records of 1 targets"):
        import_store(place.location, exported, env=ENV)
    assert encode_export(place.open().export()) == before


def test_the_same_import_twice_is_refused_too(exported: StoreExport, place: StorePlace) -> None:
    copy_store(exported, place)
    with pytest.raises(StoreOccupied):
        import_store(place.location, exported, env=ENV)


def test_a_store_that_was_just_made_takes_one(exported: StoreExport, place: StorePlace) -> None:
    """As after `state init`: with it the identity of what is imported."""
    assert place.open().declare() != exported.identity
    assert copy_store(exported, place).identity == exported.identity


def test_another_store_than_the_pinned_one_is_not_imported(exported: StoreExport, tmp_path: Path) -> None:
    with pytest.raises(StoreForeign, match="the settings pin 0123"):
        import_store(LocalState(tmp_path / "x"), exported, env=ENV, pinned="0123")
    assert not (tmp_path / "x").exists()


def test_an_import_that_was_broken_off_is_told_and_goes_on(exported: StoreExport, place: StorePlace) -> None:
    """Its last target is one that can't be written: as far as the rest is concerned it was killed there."""
    last = max(exported.targets)
    broken = exported._replace(targets={**exported.targets, last: ('{"row":{},"table":"run","target":""}',)})
    with pytest.raises(ExportDamaged):
        import_store(place.location, broken, env=ENV)
    with pytest.raises(ImportUnfinished, match=r"import the same file again"):
        place.open()
    other = exported._replace(identity=exported.identity._replace(id="0" * 32))
    with pytest.raises(StoreOccupied):
        import_store(place.location, other, env=ENV)
    store = copy_store(exported, place)
    assert (store.list_targets(), store.export().record_count) == (
        tuple(sorted(exported.targets)),
        exported.record_count,
    )


def test_half_of_another_export_is_not_completed(exported: StoreExport, tmp_path: Path) -> None:
    """What is there must be what is imported."""
    location = LocalState(tmp_path / "x")
    last = max(exported.targets)
    broken = exported._replace(targets={**exported.targets, last: ("{}",)})
    with pytest.raises(ExportDamaged):
        import_store(location, broken, env=ENV)
    changed = {target: lines[1:] if target != last else lines for target, lines in exported.targets.items()}
    with pytest.raises(StoreOccupied, match="has records of target"):
        import_store(location, exported._replace(targets=changed), env=ENV)


def drop_line(text: str, number: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :])


# What was done to the text, and what is said of it.
DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda _: "", "not JSON"),
    "no JSON": (lambda _: "x\ny\n", "not JSON"),
    "no objects": (lambda _: "[]\n[]\n", "no record"),
    "another document": (lambda _: "{}\n{}\n", "first line"),
    "cut off": (lambda text: text[: len(text) // 2], "not JSON"),
    "without its last line": (lambda text: text[: text.rindex("\n{")] + "\n", "digest"),
    "a line is missing": (lambda text: drop_line(text, 2), "digest"),
    "a digit was changed": (lambda text: text.replace("c0ffee", "c0ffe0"), "digest"),
    "deep": (lambda text: "[" * 100_000 + text, "not JSON"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_text_that_is_not_whole_is_refused(exported: StoreExport, damage: str) -> None:
    change, words = DAMAGES[damage]
    with pytest.raises(ExportDamaged, match=words) as caught:
        decode_export(change(encode_export(exported)))
    assert caught.value.exit is Exit.STALE
    assert "nothing was imported" in caught.value.explanation.message


def rewrite(exported: StoreExport, change: Callable[[dict[str, object]], object]) -> StoreExport:
    """Return an export of which the first line of a run was changed, under a digest that holds."""
    lines = list(exported.targets[TARGET])
    index = next(number for number, line in enumerate(lines) if json.loads(line)["table"] == "run")
    record = json.loads(lines[index])
    change(record)
    lines[index] = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return exported._replace(targets={**exported.targets, TARGET: tuple(lines)})


LIES: dict[str, Callable[[dict[str, object]], object]] = {
    "a table that there is not": lambda record: record.update(table="store"),
    "no row": lambda record: record.update(row=[]),
    "a step that is no number": lambda record: record.update(
        table="intent",
        row=dict.fromkeys(list_columns("intent"), "x") | {"target": TARGET},
    ),
    "a row of another target": lambda record: record["row"].update(target=OTHER_TARGET),  # type: ignore[attr-defined]
    "a column too many": lambda record: record["row"].update(x="1"),  # type: ignore[attr-defined]
    "a column too few": lambda record: record["row"].pop("command"),  # type: ignore[attr-defined]
    "a value of no column": lambda record: record["row"].update(command=["x"]),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("lie", LIES)
def test_records_that_nobody_would_write_are_refused_though_the_digest_holds(
    exported: StoreExport, lie: str, tmp_path: Path
) -> None:
    changed = decode_export(encode_export(rewrite(exported, LIES[lie])))
    with pytest.raises(ExportDamaged):
        import_store(LocalState(tmp_path / "x"), changed, env=ENV)


def test_an_export_of_a_later_version_is_left_alone(exported: StoreExport) -> None:
    text = encode_export(exported).replace('"format":1,"kind"', '"format":2,"kind"')
    with pytest.raises(StoreTooNew):
        decode_export(text)


def test_bodies_stay_where_they_may_be(exported: StoreExport, tmp_path: Path) -> None:
    """A repository takes none without a key, and says how many it left out; with one it takes them encrypted."""
    with make_place("git file", tmp_path, None) as place:
        imported = import_store(place.location, exported, env=ENV)
        assert (imported.dropped, imported.targets, imported.records) == (3, 2, exported.record_count)
        assert BODY not in encode_export(place.open().export())
        place.vanish()
        secret = "s" * 16
        encrypted = copy_store(exported, place, secret)
        text = encode_export(encrypted.export())
        assert "encrypted:1:" in text
        assert json.dumps(BODY) not in text
        assert encrypted.read_previous(TARGET, "run-1", 1) == PreviousObject("sha-o", BODY)
    # What is encrypted moves as it is, to whoever has the key.
    moved = StorePlace(LocalState(tmp_path / "moved"), lambda: None)
    assert encode_export(copy_store(decode_export(text), moved, secret).export()) == text
    assert moved.open(secret=secret).read_previous(TARGET, "run-1", 1) == PreviousObject("sha-o", BODY)


def test_every_refusal_says_what_why_and_what_to_do(exported: StoreExport, tmp_path: Path) -> None:
    failures: list[StoreError] = [ExportDamaged("x"), StoreOccupied("x", "y"), ImportUnfinished("x", "y")]
    assert all(all(error.explanation) for error in failures)


def test_an_export_has_the_result_of_a_person_too(tmp_path: Path) -> None:
    store = open_at(LocalState(tmp_path / "first"))
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    store.settle(lease, [IntentResult("run-1", 1, SettledAs.APPLIED, SettledBy.PERSON, "run-1", "seen")])
    assert '"via":"person"' in encode_export(store.export())
