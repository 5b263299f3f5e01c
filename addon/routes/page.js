"use strict";

const $ = (id) => document.getElementById(id);

function chooseAction() {
  const chosen = $("action").selectedOptions[0].dataset;
  $("params").value = chosen.params;
  $("summary").textContent = [chosen.summary, `(${chosen.kind})`].join(" ").trim();
}

function show(text, isBad) {
  $("reply").textContent = text;
  $("reply").classList.toggle("bad", isBad);
}

async function run(event) {
  event.preventDefault();
  let params;
  try {
    params = JSON.parse($("params").value.trim() || "{}");
  } catch (error) {
    show(`The parameters are not JSON: ${error.message}`, true);
    return;
  }
  const message = { action: $("action").value, version: 6, params };
  if ($("key").value) message.key = $("key").value;
  show("…", false);
  try {
    const response = await fetch("/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(message),
    });
    // Read as text and shown as it came: some ids are too large for a JavaScript number.
    const text = await response.text();
    const reply = JSON.parse(text);
    show(text, reply.error !== null);
  } catch (error) {
    show(`No reply: ${error.message}`, true);
  }
}

$("action").addEventListener("change", chooseAction);
$("form").addEventListener("submit", run);
chooseAction();
