from __future__ import annotations

import re

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, add_cards, basic

UNKNOWN = 1


def test_find_cards_searches(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    assert api("findCards", query="front:a") == [a]
    assert sorted(api("findCards", query="")) == [a, b]
    assert api("findCards") == []


def test_a_missing_query_in_json_may_be_null(headless: HeadlessServer) -> None:
    add_cards(headless, "a")
    assert headless.send("POST", "/findCards", {"query": None}).json["result"] == []
    assert headless.send("POST", "/findNotes", {"query": None}).json["result"] == []


def test_a_malformed_search_is_told_in_plain_words(api: Api) -> None:
    with pytest.raises(ApiFailure) as failed:
        api("findCards", query="deck:(")
    assert failed.value.text.startswith("Invalid search: an opening bracket")
    assert not re.search("[\u2066-\u2069<>]", failed.value.text)


def test_cards_to_notes_gives_each_note_once(api: Api) -> None:
    note = {"deckName": "Default", "modelName": "Basic (and reversed card)"}
    api("addNote", note={**note, "fields": {"Front": "a", "Back": "b"}})
    cards = api("findCards", query="")
    assert len(cards) == 2
    assert api("cardsToNotes", cards=[*cards, str(cards[0]), UNKNOWN]) == api("findNotes", query="")


def test_cards_info_describes_each_card_in_order(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    first, unknown, second, again = api("cardsInfo", cards=[b, UNKNOWN, str(a), b])
    assert unknown == {}
    assert (first["cardId"], second["cardId"], again) == (b, a, first)
    assert first["fields"] == {"Front": {"value": "b", "order": 0}, "Back": {"value": "", "order": 1}}
    assert first["question"].startswith("<style>")
    assert first["question"].endswith("</style>b")
    assert first["answer"].startswith("<style>")
    assert (first["modelName"], first["deckName"]) == ("Basic", "Default")
    assert (first["ord"], first["fieldOrder"]) == (0, 0)


def test_cards_info_tells_what_anki_stores(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    api("answerCards", answers=[{"cardId": card, "ease": 4}])
    (info,) = api("cardsInfo", cards=[card])
    stored = api.look(
        f"[(c.factor, c.ivl, c.nid, c.type, c.queue, c.due, c.reps, c.lapses, c.left, c.mod, c.flags)"
        f" for c in [col.get_card({card})]][0]"
    )
    names = "factor interval note type queue due reps lapses left mod flags".split()
    assert tuple(info[name] for name in names) == tuple(stored)
    assert info["css"] == api.look("col.models.by_name('Basic')['css']")


def test_next_reviews_are_readable(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    ((info),) = api("cardsInfo", cards=[card])
    assert info["nextReviews"][:3] == ["<1m", "<6m", "<10m"]
    assert len(info["nextReviews"]) == 4


def test_a_borrowed_card_tells_the_deck_it_is_in(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    headless.send("POST", "/createDeck", {"deck": "Other"})
    headless.look("col.db.execute('update cards set odid = did, did = (select max(id) from decks)')")
    (info,) = headless.send("POST", "/cardsInfo", {"cards": [card]}).json["result"]
    assert info["deckName"] == "Other"


def test_a_card_whose_template_is_gone_does_not_hide_the_others(headless: HeadlessServer) -> None:
    good, broken = add_cards(headless, "a", "b")
    headless.look(f"col.db.execute('update cards set ord = 7 where id = {broken}')")
    reply = headless.send("POST", "/cardsInfo", {"cards": [good, broken]}).json
    assert reply["error"] is None
    assert [info["cardId"] for info in reply["result"]] == [good, broken]


@pytest.mark.parametrize(
    "action", ["cardsInfo", "cardsToNotes", "getDecks", "areSuspended", "areDue", "getIntervals"]
)
def test_what_is_no_card_id_is_named(headless: HeadlessServer, action: str) -> None:
    for bad in ("x", "1.5", 1.5, True, None, [1], 2**63, -(2**63) - 1):
        reply = headless.send("POST", f"/{action}", {"cards": [1, bad]})
        assert reply.status == 400
        assert reply.json["error"].startswith("cards[1]: ")
        assert "is not of type 'integer'" in reply.json["error"]


def test_many_ids_are_taken(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    cards = [*range(1, 60_000), card]
    reply = headless.send("POST", "/areSuspended", {"cards": cards}).json["result"]
    assert (len(reply), reply[0], reply[-1]) == (60_000 - 1 + 1, None, False)


def test_notes_and_cards_of_one_call_stay_together(headless: HeadlessServer) -> None:
    ids = headless.send("POST", "/addNotes", {"notes": [basic(str(n)) for n in range(50)]}).json["result"]
    cards = headless.send("GET", "/findCards?query=").json["result"]
    assert headless.send("POST", "/cardsToNotes", {"cards": cards}).json["result"] == ids
