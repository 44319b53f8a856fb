"""The digest: what is declared, not how it is written."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.toy_kinds import lamp, loaded, write

BASE = lamp("{label: x, colours: [red, blue], until: 2027-01-31}")
TABLE = lamp("{rows: x.csv}").replace("Lamp", "Inventory")


def digest(folder: Path, files: dict[str, str]) -> str:
    """Return the digest of files in a folder of their own."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    return loaded(write(folder, dict(files))).digest


def test_the_way_of_writing_does_not_count(tmp_path: Path) -> None:
    """File names, formats, comments, quotes, the order of keys and of sets."""
    spec = {"until": "2027-01-31", "colours": ["blue", "red"], "label": "x"}
    document = {"spec": spec, "metadata": {"name": "desk"}, "kind": "Lamp", "apiVersion": "reconciler/v1"}
    ways = [
        {"a.yaml": BASE},
        {"other.yml": "# remark\n---\n" + BASE},
        {"a.json": json.dumps(document)},
        {"a.json": json.dumps([document], indent=4)},
    ]
    assert len({digest(tmp_path / "m", way) for way in ways}) == 1


def test_everything_that_is_said_counts(tmp_path: Path) -> None:
    """A field, a label, a name, a target, a member, a document more."""
    ways = [
        BASE,
        BASE.replace("label: x", "label: z"),
        BASE.replace("label: x, ", ""),
        BASE.replace("blue", "green"),
        BASE.replace("[red, blue]", "[red]"),
        BASE.replace("2027", "2028"),
        BASE.replace("desk", "Desk"),
        BASE.replace("name: desk", "name: desk, labels: {a: b}"),
        BASE.replace("name: desk", "name: desk, renamedFrom: table"),
        BASE + "---\n" + lamp("{label: x}", name="b"),
    ]
    assert len({digest(tmp_path / "m", {"a.yaml": way}) for way in ways}) == len(ways)


def test_a_table_counts_by_its_rows(tmp_path: Path) -> None:
    """Not by its name, its order or its quotes."""
    same = [
        {"a.yaml": TABLE, "x.csv": "lamp,owner\na,b\nc,d\n"},
        {"a.yaml": TABLE, "x.csv": 'owner,lamp\r\nd , "c"\r\nb,a\r\n'},
        {"a.yaml": TABLE.replace("x.csv", "y.csv"), "y.csv": "lamp,owner\na,b\nc,d\n"},
    ]
    assert len({digest(tmp_path / "m", files) for files in same}) == 1
    swapped = {"a.yaml": TABLE, "x.csv": "lamp,owner\na,d\nc,b\n"}
    assert digest(tmp_path / "m", swapped) != digest(tmp_path / "m", same[0])


def test_files_keep_the_digest_that_they_had(tmp_path: Path) -> None:
    """A saved plan of an earlier version knows its manifests, and a task its checkout, by this number."""
    document = BASE.replace("name: desk", "name: desk, labels: {a: ü}, renamedFrom: table")
    files = {"a.yaml": document, "b.yaml": TABLE.replace("desk", "list"), "x.csv": "lamp,owner\na,b\nc,d\n"}
    assert digest(tmp_path / "m", files) == "5da4e28449d9a3cca98e06075e1f91941dc22b95a5e8a109d6a788110a324df9"


SPECS = st.fixed_dictionaries(
    {"label": st.sampled_from(["x", "NO", "é"]), "watts": st.integers(1, 9)},
    optional={"colours": st.lists(st.sampled_from("abcdef"), min_size=1, unique=True), "lit": st.booleans()},
)


@settings(max_examples=60, deadline=30_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs=st.lists(SPECS, min_size=1, max_size=5), random=st.randoms(use_true_random=False))
def test_shuffling_files_keys_and_members_changes_nothing(
    specs: list[dict[str, object]], random: Random, tmp_path: Path
) -> None:
    """Neither the digest nor what is wanted."""

    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        if isinstance(value, list):
            members = list(value)
            random.shuffle(members)
            return members
        return value

    documents = [
        {"apiVersion": "reconciler/v1", "kind": "Lamp", "metadata": {"name": f"n{n}"}, "spec": spec}
        for n, spec in enumerate(specs)
    ]
    one = digest(tmp_path / "m", {"a.json": json.dumps(documents)})
    mixed = shuffled(documents)
    assert isinstance(mixed, list)
    files = {f"{n}.json": json.dumps(shuffled(document)) for n, document in enumerate(mixed)}
    assert digest(tmp_path / "m", files) == one
