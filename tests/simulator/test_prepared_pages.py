"""A page that was made once is what would be made now, whatever happened to its rows, its list and its owners."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator.world.certificate_json import RowStyle, serialize_certificate
from reconciler.simulator.world.prepared_pages import PreparedPages
from reconciler.simulator.world.seed import build_starting_world
from reconciler.simulator.world.switches import Switches

ROWS = 260
EDITS = st.tuples(st.sampled_from(["own", "rename", "reissue", "add", "delete", "style"]), st.integers(1, ROWS))
LISTS = (("certid", False), ("certid", True), ("thumbprint", False))


@given(edits=st.lists(EDITS, min_size=1, max_size=5))
@settings(max_examples=8)
def test_a_prepared_page_is_what_would_be_made_now(edits: list[tuple[str, int]]) -> None:
    """After every edit, in every order of the list; the last page is too short to be kept, and is right as well."""
    world = build_starting_world(ROWS, 1, Switches())
    store, style = world.certificates, RowStyle()
    for edit, number in [("start", 0), *edits]:
        row = store.get(number)
        if edit == "style":
            style = RowStyle("" if style.date_suffix else "Z", style.no_common_name)
        elif edit == "rename":
            world.roles[number % len(world.roles) + 1]["Name"] = f"Role {number}"
        elif edit == "add":
            store[1000 + number] = store[max(store)]._replace(id=1000 + number)
        elif row is not None and edit == "delete":
            del store[number]
        elif row is not None:
            changes = {"owner": number % 5 + 1} if edit == "own" else {"cn": f"{number}.example.com"}
            store[number] = row._replace(**changes)
        for sort, falling in LISTS:
            ids = store.select((sort, falling), None, None, sort, falling=falling)
            assert sorted(ids) == sorted(store)
            for begin, end in ((0, 120), (120, 240), (240, 360)):
                rows = [serialize_certificate(store[i], world.find_role_name, style) for i in ids[begin:end]]
                page = store.serialize_page(ids, begin, end, world.find_role_name, style)
                assert page == f"[{','.join(rows)}]".encode()


def test_a_page_is_made_once_until_one_of_its_rows_changes() -> None:
    """A write drops the page that has its row, and pages of lists that it may have changed; no other."""
    ids, other_list, style = list(range(1, 301)), list(range(300, 0, -1)), RowStyle()
    pages = PreparedPages()
    for number, (of_list, begin) in enumerate([(ids, 0), (ids, 150), (other_list, 0)]):
        pages.keep(of_list, begin, begin + 150, style, {2: "Web"}, b"%d" % number)
    pages.forget_row(7, ids)

    def find(of_list: list[int], begin: int, owner: str = "Web") -> bytes | None:
        return pages.find(of_list, begin, begin + 150, style, lambda _role: owner)

    assert (find(ids, 0), find(ids, 150), find(other_list, 0)) == (None, b"1", None)
    assert find(ids, 150, owner="Web Team") is None
