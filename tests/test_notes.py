from __future__ import annotations

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, basic

UNKNOWN = 1


def test_find_notes_searches(api: Api) -> None:
    a, b = api("addNotes", notes=[basic("a"), basic("b")])
    assert api("findNotes", query="front:a") == [a]
    assert sorted(api("findNotes", query="")) == [a, b]
    assert api("findNotes") == []


def test_a_malformed_search_is_refused(api: Api) -> None:
    for action in ("findNotes", "notesInfo"):
        with pytest.raises(ApiFailure, match="^Invalid search: "):
            api(action, query="(")


def test_notes_info_describes_each_note_in_order(api: Api) -> None:
    a, b = api("addNotes", notes=[basic("a", tags=["x", "y"]), basic("b")])
    first, unknown, second, again = api("notesInfo", notes=[b, UNKNOWN, str(a), b])
    assert unknown == {}
    assert again == first
    assert (first["noteId"], second["noteId"]) == (b, a)
    assert second["tags"] == ["x", "y"]
    assert second["fields"]["Front"] == {"value": "a", "order": 0}
    assert second["cards"] == api("findCards", query=f"nid:{a}")
    assert second["mod"] == api.look(f"col.get_note({a}).mod")
    assert second["profile"] == ("User 1" if api.in_anki else "collection")


def test_notes_info_takes_a_query(api: Api) -> None:
    a, _b = api("addNotes", notes=[basic("a"), basic("b")])
    assert [info["noteId"] for info in api("notesInfo", query="front:a")] == [a]
    assert api("notesInfo", notes=[]) == []


def test_notes_info_needs_notes_or_a_query(api: Api) -> None:
    with pytest.raises(ApiFailure, match='^Must provide either "notes" or a "query"$'):
        api("notesInfo")


def test_the_cards_of_a_note_are_in_template_order(headless: HeadlessServer) -> None:
    fields = {"Text": "{{c2::b}} {{c1::a}} {{c3::c}}"}
    note = {"deckName": "Default", "modelName": "Cloze", "fields": fields}
    headless.send("POST", "/addNote", {"note": note})
    (info,) = headless.send("GET", "/notesInfo?query=").json["result"]
    assert info["cards"] == headless.look("col.db.list('select id from cards order by ord')")


def test_a_note_without_cards_is_described(headless: HeadlessServer) -> None:
    note = headless.send("POST", "/addNote", {"note": basic("a")}).json["result"]
    headless.look("col.db.execute('delete from cards')")
    (info,) = headless.send("POST", "/notesInfo", {"notes": [note]}).json["result"]
    assert info["cards"] == []


def test_delete_notes_deletes_their_cards(api: Api) -> None:
    a, b = api("addNotes", notes=[basic("a"), basic("b")])
    assert api("deleteNotes", notes=[str(a), UNKNOWN, a]) is None
    assert api("findNotes", query="") == [b]
    assert len(api("findCards", query="")) == 1
    assert api.look("col.undo_status().undo") == "AnkiConnect: delete notes"
    api.look("col.undo()")
    assert sorted(api("findNotes", query="")) == [a, b]


def test_deleting_nothing_leaves_no_entry(api: Api) -> None:
    before = api.look("col.undo_status().last_step")
    api("deleteNotes", notes=[UNKNOWN])
    api("deleteNotes", notes=[])
    assert api.look("col.undo_status().last_step") == before


def test_one_bad_id_deletes_nothing(api: Api) -> None:
    a = api("addNote", note=basic("a"))
    with pytest.raises(ApiFailure, match=r"notes\[1\]: 'x' is not of type 'integer'"):
        api("deleteNotes", notes=[a, "x"])
    assert api("findNotes", query="") == [a]


def test_only_the_members_to_include_are_told(api: Api) -> None:
    note = api("addNote", note=basic("neko", tags=["animal"]))
    (whole,) = api("notesInfo", notes=[note])
    for names in (["fields", "tags"], ["cards"], ["noteId", "mod", "modelName", "profile"], []):
        expected = {name: whole[name] for name in names}
        assert api("notesInfo", notes=[note, 1], include=names) == [expected, {}]
    with pytest.raises(ApiFailure, match=r"include\[0\]: 'feilds' is not one of 'noteId'"):
        api("notesInfo", notes=[note], include=["feilds"])
