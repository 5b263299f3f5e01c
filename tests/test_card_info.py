"""cardsInfo in part, and the lighter actions: members are left out, and only then not computed."""

from __future__ import annotations

from typing import Any

import pytest
from anki import hooks
from anki.template import TemplateRenderContext, TemplateRenderOutput

from addon.core.actions.card_info import CardInfo

from .conftest import Api, ApiFailure, HeadlessServer, add_cards

UNKNOWN = 1
MEMORY = {"prop:r", "prop:s", "prop:d"}
WHOLE = set(CardInfo.__annotations__) - MEMORY


def with_memory(headless: HeadlessServer) -> int:
    """A card answered under FSRS 20 days ago."""
    (card,) = add_cards(headless, "a")
    # A collection 100 days old: Anki 23.10 can't tell what was due before the first day.
    headless.look("(col.db.execute('update col set crt = crt - 8640000'), col.close(), col.reopen())")
    headless.look("col.set_config('fsrs', True)")
    answers = [{"cardId": card, "ease": 4}] * 2
    headless.send("POST", "/answerCards", {"answers": answers})
    # Versions of Anki differ in which of these they count from.
    headless.look("col.db.execute('update revlog set id = id - 20 * 86400000')")
    headless.look(
        "col.db.execute('update cards set due = due - 20,"
        " data = json_set(data, ?, unixepoch() - 20 * 86400)', '$.lrt')"
    )
    return card


def info(headless: HeadlessServer, action: str = "cardsInfo", **params: Any) -> Any:
    reply = headless.send("POST", f"/{action}", params).json
    assert reply["error"] is None
    return reply["result"]


@pytest.mark.parametrize(
    ("mode", "dropped"),
    [
        ("ALL", set()),
        ("all", set()),
        ("compact", {"question", "answer", "css", "nextReviews", "modelName", "left"}),
        ("FIELDS_ONLY", WHOLE - {"cardId", "fields"}),
    ],
)
def test_a_mode_drops_members(headless: HeadlessServer, mode: str, dropped: set[str]) -> None:
    (card,) = add_cards(headless, "a")
    (whole,) = info(headless, cards=[card])
    (told,) = info(headless, cards=[card], retrieved_info_mode=mode)
    assert set(whole) == WHOLE
    assert told == {name: value for name, value in whole.items() if name not in dropped}


def test_an_unknown_mode_is_named(headless: HeadlessServer) -> None:
    reply = headless.send("POST", "/cardsInfo", {"cards": [], "retrieved_info_mode": "SOME"})
    assert (
        reply.json["error"] == "retrieved_info_mode: 'SOME' is not one of 'ALL', 'COMPACT', 'FIELDS_ONLY'"
    )


def test_only_the_members_to_include_are_told(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    (whole,) = api("cardsInfo", cards=[card])
    expected = [{"css": whole["css"], "due": whole["due"], "prop:s": None}, {}]
    assert api("cardsInfo", cards=[card, UNKNOWN], include=["due", "css", "prop:s"]) == expected
    assert api("findCardsInfo", query="front:a", include=["due"]) == [{"due": whole["due"]}]
    with pytest.raises(ApiFailure, match=r"include\[1\]: 'dew' is not one of 'cardId', 'fields'"):
        api("cardsInfo", cards=[card], include=["due", "dew"])


def test_only_the_note_fields_wanted_are_told(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    (told,) = api("cardsInfo", cards=[card], noteFields=["front", "Nope"])
    assert told["fields"] == {"Front": {"value": "a", "order": 0}}
    assert set(told) == WHOLE


def test_memory_states_are_what_anki_tells(headless: HeadlessServer) -> None:
    card = with_memory(headless)
    stats = headless.look(
        f"[(s.fsrs_retrievability, s.memory_state.stability, s.memory_state.difficulty)"
        f" for s in [col.card_stats_data({card})]][0]"
    )
    for told in (
        info(headless, cards=[card], fields=["prop:r", "prop:s", "prop:d"])[0],
        info(headless, "cardsDetails", cards=[card], fields=["prop:r", "prop:s", "prop:d"])[0],
    ):
        assert [told["prop:r"], told["prop:s"], told["prop:d"]] == pytest.approx(stats, abs=1e-4)
        assert 0 < told["prop:r"] < 1


def test_a_card_without_memory_state_has_nulls(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    (told,) = api("cardsDetails", cards=[card], fields=["prop:r", "prop:s", "prop:d"])
    assert told == {"cardId": card, "prop:r": None, "prop:s": None, "prop:d": None}


def test_details_are_chosen(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    (whole, _) = api("cardsInfo", cards=[a, b])
    names = ["due", "queue", "type", "interval", "reps"]
    (told,) = api("cardsDetails", cards=[a], fields=names)
    assert told == {name: whole[name] for name in ["cardId", *names]}
    fields = {"Front": {"value": "b", "order": 0}}
    assert api("cardsDetails", cards=[b, a, b], noteFields=["Front"])[2] == {"cardId": b, "fields": fields}
    assert api("cardsDetails", cards=[b, a, b]) == [b, a, b]


def test_cards_found_come_with_their_details(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    assert api("findCards", query="front:b", fields=["reps"]) == [{"cardId": b, "reps": 0}]
    assert api("findCards", query="front:a", noteFields=["Back"], fields=[]) == [
        {"cardId": a, "fields": {"Back": {"value": "", "order": 1}}}
    ]
    assert api("findCards", fields=["reps"]) == []


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"cards": "x"}, "cards should be a list: x"),
        ({"cards": [], "fields": {"a": 1}}, "fields should be a list: {'a': 1}"),
        ({"cards": [], "noteFields": 5}, "noteFields should be a list: 5"),
        ({"cards": [], "fields": ["due", "mood"]}, "unsupported field requested: mood"),
        ({"cards": ["x"]}, "cards[0]: 'x' is not of type 'integer'"),
        ({"cards": [UNKNOWN]}, f"Card was not found: {UNKNOWN}"),
    ],
)
def test_details_are_refused_in_the_contracts_words(
    headless: HeadlessServer, params: dict[str, Any], problem: str
) -> None:
    assert headless.send("POST", "/cardsDetails", params).json["error"] == problem


def test_add_ons_that_render_see_each_card_with_its_own_note(headless: HeadlessServer) -> None:
    note = {"deckName": "Default", "modelName": "Basic (and reversed card)"}
    for front in ("a", "b", "c"):
        added = {**note, "fields": {"Front": front, "Back": f"{front}'s back"}}
        assert headless.send("POST", "/addNote", {"note": added}).status == 200

    def change(output: TemplateRenderOutput, context: TemplateRenderContext) -> None:
        """What one add-on does to the note that it is shown is not for the next card."""
        context.note().fields[0] += "!"
        output.question_text = f"{context.card().nid == context.note().id} {context.note().fields[0]}"

    hooks.card_did_render.append(change)
    try:
        cards = info(headless, cards=headless.look("list(col.find_cards(''))"), include=["question"])
    finally:
        hooks.card_did_render.remove(change)
    shown = sorted(card["question"].partition("</style>")[2] for card in cards)
    assert shown == ["True a!", "True a!", "True b!", "True b!", "True c!", "True c!"]
