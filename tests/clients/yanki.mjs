// yanki-connect, the library of programs such as Yanki, calls every action that it knows of six groups.
// Run by tests/test_clients.py with an empty collection behind PORT.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { YankiConnect } from "yanki-connect";

const client = new YankiConnect({ port: Number(process.env.PORT) });
const groups = ["card", "deck", "media", "model", "note", "statistic"];

/** @type {Set<string>} */
const called = new Set();
const { card, deck, media, model, note, statistic } = recorded(client);

/**
 * The client, with every call of a group noted.
 * @param {YankiConnect} real
 * @returns {YankiConnect}
 */
function recorded(real) {
  for (const group of groups) {
    const methods = /** @type {Record<string, Function>} */ (Reflect.get(real, group));
    for (const [name, method] of Object.entries(methods)) {
      methods[name] = (/** @type {unknown[]} */ ...parameters) => {
        called.add(name);
        return method(...parameters);
      };
    }
  }
  return real;
}

/**
 * @param {string} front
 * @param {string} [back]
 */
function basic(front, back = "") {
  return { deckName: "Cats", modelName: "Basic", fields: { Front: front, Back: back }, tags: ["animal"] };
}

/** @param {string} front */
async function added(front) {
  const id = await note.addNote({ note: basic(front) });
  assert.match(String(id), /^\d{13}$/);
  const noteId = Number(id);
  const [cardId] = await card.findCards({ query: `nid:${noteId}` });
  return { noteId, cardId };
}

/** @param {number} noteId */
async function told(noteId) {
  const [info] = await note.notesInfo({ notes: [noteId] });
  return info;
}

before(async () => {
  await deck.createDeck({ deck: "Cats" });
});

describe("notes", () => {
  test("are added, unless they are there", async () => {
    await added("neko");
    await assert.rejects(note.addNote({ note: basic("neko") }), /duplicate/);
    const candidates = { notes: [basic("neko"), basic("tora")] };
    assert.deepEqual(await note.canAddNotes(candidates), [false, true]);
    assert.deepEqual(
      (await note.canAddNotesWithErrorDetail(candidates)).map(({ canAdd }) => canAdd),
      [false, true],
    );
    const ids = await note.addNotes({ notes: [basic("hyou"), basic("lion")] });
    assert.equal(ids?.length, 2);
    assert.deepEqual(await note.findNotes({ query: "deck:Cats" }), [
      ...(await note.findNotes({ query: "front:neko" })),
      .../** @type {unknown[]} */ (ids),
    ]);
  });

  test("are told with fields, tags and cards; unknown ones as empty objects", async () => {
    const { noteId, cardId } = await added("inu");
    const [info, unknown] = await note.notesInfo({ notes: [noteId, 1] });
    assert.deepEqual(unknown, {});
    assert.equal(info.noteId, noteId);
    assert.equal(info.modelName, "Basic");
    assert.deepEqual(info.fields.Front, { value: "inu", order: 0 });
    assert.deepEqual(info.tags, ["animal"]);
    assert.deepEqual(info.cards, [cardId]);
    const [moment] = await note.notesModTime({ notes: [noteId] });
    assert.equal(moment.mod, info.mod);
  });

  test("are updated", async () => {
    const { noteId } = await added("uma");
    assert.equal(await note.updateNoteFields({ note: { id: noteId, fields: { Back: "horse" } } }), null);
    assert.equal((await told(noteId)).fields.Back.value, "horse");
    await note.updateNote({ note: { id: noteId, fields: { Front: "ushi" }, tags: ["cow"] } });
    assert.deepEqual((await told(noteId)).tags, ["cow"]);
    await note.updateNoteTags({ note: noteId, tags: ["farm", "cow"] });
    assert.deepEqual((await note.getNoteTags({ note: noteId })).sort(), ["cow", "farm"]);
    await note.updateNoteModel({
      note: { id: noteId, modelName: "Cloze", fields: { Text: "a {{c1::cow}}" }, tags: [] },
    });
    assert.equal((await told(noteId)).modelName, "Cloze");
    await assert.rejects(
      note.updateNoteModel({ note: { id: noteId, modelName: "None", fields: {}, tags: [] } }),
      /^Error: Model 'None' not found$/,
    );
  });

  test("carry tags", async () => {
    const { noteId } = await added("saru");
    await note.addTags({ notes: [noteId], tags: "one two" });
    await note.removeTags({ notes: [noteId], tags: "animal" });
    await note.replaceTags({ notes: [noteId], tag_to_replace: "one", replace_with_tag: "three" });
    assert.deepEqual((await told(noteId)).tags.sort(), ["three", "two"]);
    await note.replaceTagsInAllNotes({ tag_to_replace: "two", replace_with_tag: "four" });
    assert.ok((await note.getTags()).includes("four"));
    assert.equal(await note.clearUnusedTags(), null);
    assert.ok(!(await note.getTags()).includes("two"));
  });

  test("are deleted, and empty ones removed", async () => {
    const { noteId } = await added("tori");
    assert.equal(await note.deleteNotes({ notes: [noteId] }), null);
    assert.deepEqual(await told(noteId), {});
    assert.equal(await note.removeEmptyNotes(), null);
  });
});

describe("cards", () => {
  test("are told", async () => {
    const { noteId, cardId } = await added("ari");
    const [info, unknown] = await card.cardsInfo({ cards: [cardId, 1] });
    assert.deepEqual(unknown, {});
    assert.equal(info.cardId, cardId);
    assert.equal(info.note, noteId);
    assert.equal(info.deckName, "Cats");
    assert.equal(info.modelName, "Basic");
    assert.equal(info.fields.Front.value, "ari");
    assert.match(info.question, /ari/);
    assert.deepEqual(await card.cardsModTime({ cards: [cardId] }), [{ cardId, mod: info.mod }]);
    assert.deepEqual(await card.cardsToNotes({ cards: [cardId] }), [noteId]);
    assert.deepEqual(await card.areDue({ cards: [cardId] }), [true]);
    assert.deepEqual(await card.getIntervals({ cards: [cardId] }), [0]);
    assert.deepEqual(await card.getIntervals({ cards: [cardId], complete: true }), [[]]);
  });

  test("are suspended and taken back", async () => {
    const { cardId } = await added("hachi");
    assert.equal(await card.suspend({ cards: [cardId] }), true);
    assert.equal(await card.suspend({ cards: [cardId] }), false);
    assert.equal(await card.suspended({ card: cardId }), true);
    assert.deepEqual(await card.areSuspended({ cards: [cardId, 1] }), [true, null]);
    assert.equal(await card.unsuspend({ cards: [cardId] }), true);
    assert.equal(await card.suspended({ card: cardId }), false);
  });

  test("are answered and moved in time", async () => {
    const { cardId } = await added("kame");
    const cards = [cardId];
    const answers = [
      { cardId, ease: 4 },
      { cardId: 1, ease: 3 },
    ];
    assert.deepEqual(await card.answerCards({ answers }), [true, false]);
    assert.ok(Number((await card.getIntervals({ cards }))[0]) > 0);
    assert.deepEqual(await card.setEaseFactors({ cards, easeFactors: [2100] }), [true]);
    assert.deepEqual(await card.getEaseFactors({ cards }), [2100]);
    assert.equal(await card.setDueDate({ cards, days: "3" }), true);
    assert.equal(await card.relearnCards({ cards }), null);
    assert.equal((await card.cardsInfo({ cards }))[0].queue, 1);
    assert.equal(await card.forgetCards({ cards }), null);
    assert.equal((await card.cardsInfo({ cards }))[0].queue, 0);
    assert.deepEqual(
      await card.setSpecificValueOfCard({ card: cardId, keys: ["flags"], newValues: ["2"] }),
      [true],
    );
    assert.deepEqual(await card.findCards({ query: "flag:2" }), cards);
  });
});

describe("decks", () => {
  test("are made, listed, filled and deleted", async () => {
    const id = await deck.createDeck({ deck: "Zoo::Birds" });
    assert.ok((await deck.deckNames()).includes("Zoo::Birds"));
    assert.equal((await deck.deckNamesAndIds())["Zoo::Birds"], id);
    const { cardId } = await added("taka");
    assert.equal(await deck.changeDeck({ cards: [cardId], deck: "Zoo::Birds" }), null);
    assert.deepEqual(await deck.getDecks({ cards: [cardId] }), { "Zoo::Birds": [cardId] });
    const stats = await deck.getDeckStats({ decks: ["Zoo::Birds"] });
    assert.deepEqual(stats[id], {
      deck_id: id,
      learn_count: 0,
      name: "Birds",
      new_count: 1,
      review_count: 0,
      total_in_deck: 1,
    });
    assert.equal(await deck.deleteDecks({ decks: ["Zoo"], cardsToo: true }), null);
    assert.equal(await deck.deleteDecks({ decks: [], cardsToo: true }), null);
    assert.deepEqual(await card.findCards({ query: `cid:${cardId}` }), []);
    await assert.rejects(note.addNote({ note: { ...basic("kiji"), deckName: "Zoo" } }), {
      message: "deck was not found: Zoo",
    });
  });

  test("share presets", async () => {
    const config = await deck.getDeckConfig({ deck: "Cats" });
    assert.equal(config.dyn, false);
    const copy = await deck.cloneDeckConfigId({ name: "Fast", cloneFrom: config.id });
    assert.equal(typeof copy, "number");
    const configId = Number(copy);
    assert.equal(await deck.setDeckConfigId({ decks: ["Cats"], configId }), true);
    const fast = await deck.getDeckConfig({ deck: "Cats" });
    assert.equal(fast.name, "Fast");
    fast.new.perDay = 77;
    assert.equal(await deck.saveDeckConfig({ config: fast }), true);
    assert.equal((await deck.getDeckConfig({ deck: "Cats" })).new.perDay, 77);
    assert.equal(await deck.removeDeckConfigId({ configId }), true);
    assert.equal((await deck.getDeckConfig({ deck: "Cats" })).id, config.id);
  });
});

describe("note types", () => {
  const modelName = "Word";

  before(async () => {
    const made = await model.createModel({
      modelName,
      inOrderFields: ["Word", "Meaning"],
      css: ".card { color: navy; }",
      cardTemplates: [{ Name: "Read", Front: "{{Word}}", Back: "{{FrontSide}}{{Meaning}}" }],
    });
    assert.equal(made.name, modelName);
    assert.deepEqual(
      made.flds.map(({ name }) => name),
      ["Word", "Meaning"],
    );
    const again = {
      modelName,
      inOrderFields: ["A"],
      cardTemplates: [{ Front: "{{A}}", Back: "" }],
    };
    await assert.rejects(model.createModel(again), { message: "Model name already exists" });
  });

  test("are found", async () => {
    assert.ok((await model.modelNames()).includes(modelName));
    const id = (await model.modelNamesAndIds())[modelName];
    const [byId] = await model.findModelsById({ modelIds: [id] });
    const [byName] = await model.findModelsByName({ modelNames: [modelName] });
    assert.deepEqual(byId, byName);
    assert.equal(byId.id, id);
    assert.equal(byId.tmpls[0].qfmt, "{{Word}}");
    assert.deepEqual(await model.modelFieldsOnTemplates({ modelName }), { Read: [["Word"], ["Meaning"]] });
    await assert.rejects(model.modelFieldNames({ modelName: "None" }), {
      message: "model was not found: None",
    });
  });

  test("have fields", async () => {
    await model.modelFieldAdd({ modelName, fieldName: "Hint", index: 1 });
    await model.modelFieldRename({ modelName, oldFieldName: "Hint", newFieldName: "Note" });
    await model.modelFieldReposition({ modelName, fieldName: "Note", index: 2 });
    assert.deepEqual(await model.modelFieldNames({ modelName }), ["Word", "Meaning", "Note"]);
    await model.modelFieldSetFont({ modelName, fieldName: "Note", font: "Courier" });
    await model.modelFieldSetFontSize({ modelName, fieldName: "Note", fontSize: 33 });
    const fonts = await model.modelFieldFonts({ modelName });
    assert.deepEqual(fonts.Note, { font: "Courier", size: 33 });
    // The library's type names `index`, where every server asks for `description`.
    // @ts-expect-error
    await model.modelFieldSetDescription({ modelName, fieldName: "Note", description: "anything" });
    assert.deepEqual(
      // @ts-expect-error: and the parameters of modelFieldSetDescription here
      await model.modelFieldDescriptions({ modelName }),
      ["", "", "anything"],
    );
    await model.modelFieldRemove({ modelName, fieldName: "Note" });
    assert.deepEqual(await model.modelFieldNames({ modelName }), ["Word", "Meaning"]);
  });

  test("have templates", async () => {
    const template = { Name: "Write", Front: "{{Meaning}}", Back: "{{Word}}" };
    await model.modelTemplateAdd({ modelName, template });
    await model.modelTemplateRename({ modelName, oldTemplateName: "Write", newTemplateName: "Say" });
    await model.modelTemplateReposition({ modelName, templateName: "Say", index: 0 });
    assert.deepEqual(Object.keys(await model.modelTemplates({ modelName })), ["Say", "Read"]);
    const templates = { Say: { Front: "Say {{Meaning}}" } };
    await model.updateModelTemplates({ model: { name: modelName, templates } });
    assert.deepEqual((await model.modelTemplates({ modelName })).Say, {
      Front: "Say {{Meaning}}",
      Back: "{{Word}}",
    });
    await model.modelTemplateRemove({ modelName, templateName: "Say" });
    assert.deepEqual(Object.keys(await model.modelTemplates({ modelName })), ["Read"]);
  });

  test("have a style", async () => {
    await model.updateModelStyling({ model: { name: modelName, css: ".card { color: red; }" } });
    const search = { modelName, fieldText: "red", replaceText: "blue", front: true, back: true, css: true };
    assert.equal(await model.findAndReplaceInModels({ model: search }), 1);
    assert.deepEqual(await model.modelStyling({ modelName }), { css: ".card { color: blue; }" });
  });
});

describe("media", () => {
  test("is stored, listed, read and deleted", async () => {
    const data = Buffer.from("meow").toString("base64");
    const filename = await media.storeMediaFile({ filename: "cat.txt", data });
    assert.equal(filename, "cat.txt");
    assert.deepEqual(await media.getMediaFilesNames({ pattern: "*.txt" }), ["cat.txt"]);
    assert.equal(await media.retrieveMediaFile({ filename }), data);
    assert.equal(typeof (await media.getMediaDirPath()), "string");
    assert.equal(await media.deleteMediaFile({ filename }), null);
    assert.equal(await media.retrieveMediaFile({ filename }), false);
  });
});

describe("statistics", () => {
  test("are told of reviews", async () => {
    const { cardId } = await added("kuma");
    /** @type {[number, number, number, number, number, number, number, number, number]} */
    const review = [1700000000000, cardId, -1, 3, 4, -60, 2500, 6157, 0];
    assert.equal(await statistic.insertReviews({ reviews: [review] }), null);
    assert.deepEqual(await statistic.cardReviews({ deck: "Cats", startID: 1600000000000 }).then(
      (reviews) => reviews.filter(([, id]) => id === cardId),
    ), [review]);
    assert.ok((await statistic.getLatestReviewID({ deck: "Cats" })) >= 1700000000000);
    const reviews = await statistic.getReviewsOfCards({ cards: [String(cardId)] });
    assert.deepEqual(reviews[cardId], [
      { id: 1700000000000, usn: -1, ease: 3, ivl: 4, lastIvl: -60, factor: 2500, time: 6157, type: 0 },
    ]);
    const byDay = await statistic.getNumCardsReviewedByDay();
    assert.ok(byDay.some(([day, count]) => /^2023-11-1[45]$/.test(day) && count === 1));
    const today = await statistic.getNumCardsReviewedToday();
    await card.answerCards({ answers: [{ cardId, ease: 3 }] });
    assert.equal(await statistic.getNumCardsReviewedToday(), today + 1);
    assert.match(await statistic.getCollectionStatsHTML({ wholeCollection: true }), /<center>/);
  });
});

after(() => {
  const known = groups.flatMap((group) => Object.keys(Reflect.get(client, group)));
  assert.deepEqual([...called].sort(), known.sort(), "every action of the groups was called");
});
