"use strict";

const $ = (id) => document.getElementById(id);
const LONGEST = 20000; // characters of a reply that are shown
const drafts = new Map(); // the parameters of each action, as they were left
let shown = ""; // the action whose parameters are shown
let isRunning = false;

function chooseAction() {
  if (shown) drafts.set(shown, $("params").value);
  shown = $("action").value;
  const chosen = $("action").selectedOptions[0].dataset;
  $("params").value = drafts.get(shown) ?? chosen.params;
  $("summary").textContent = [chosen.summary, `(${chosen.kind})`].join(" ").trim();
  $("about").textContent = chosen.about;
}

function show(text, isBad) {
  $("reply").textContent = text.slice(0, LONGEST);
  $("reply").classList.toggle("bad", isBad);
  offerWhole(text);
}

/** Offer a reply that is too long to be shown as a file. */
function offerWhole(text) {
  const before = $("rest").querySelector("a");
  if (before) URL.revokeObjectURL(before.href);
  $("rest").hidden = text.length <= LONGEST;
  $("rest").replaceChildren();
  if ($("rest").hidden) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "reply.json";
  link.textContent = "Save the whole reply";
  const count = (number) => number.toLocaleString("en");
  $("rest").append(`The first ${count(LONGEST)} of ${count(text.length)} characters. `, link);
}

/** The request as JSON. The parameters stay as typed: some ids are too large for a JavaScript number. */
function message(action, params, key) {
  const others = { action, version: 6, ...(key && { key }) };
  return `${JSON.stringify(others).slice(0, -1)},"params":${params}}`;
}

async function run(event) {
  event.preventDefault();
  if (isRunning) return;
  const action = $("action").value;
  const params = $("params").value.trim() || "{}";
  $("of").textContent = `to ${action}`;
  try {
    JSON.parse(params);
  } catch (error) {
    show(`The parameters are not JSON: ${error.message}`, true);
    return;
  }
  setRunning(true);
  show("…", false);
  try {
    const response = await fetch("/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: message(action, params, $("key").value),
    });
    // Read as text and shown as it came, for the same reason.
    const text = await response.text();
    const reply = JSON.parse(text);
    show(text, reply.error !== null);
  } catch (error) {
    show(`No reply: ${error.message}`, true);
  } finally {
    setRunning(false);
  }
}

/** One request at a time, so that the reply shown belongs to the last one. */
function setRunning(value) {
  isRunning = value;
  // Not `disabled`, which would take the keyboard away from the button.
  $("run").setAttribute("aria-disabled", value);
}

function ignoreRepeated(event) {
  const isDoubleClick = event.type === "click" && event.detail > 1;
  const isHeldDown = event.type === "keydown" && event.key === "Enter" && event.repeat;
  if (isDoubleClick || isHeldDown) event.preventDefault();
}

$("action").addEventListener("change", chooseAction);
$("form").addEventListener("submit", run);
$("run").addEventListener("click", ignoreRepeated);
$("run").addEventListener("keydown", ignoreRepeated);
$("key").addEventListener("keydown", ignoreRepeated);
chooseAction();
