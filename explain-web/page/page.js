// The page around the core: reads the fields, asks, and shows the answer as text. What a token says
// goes into text nodes only, so that it is read and never run.
"use strict";

const byId = (id) => document.getElementById(id);
const fields = Object.fromEntries(
  ["request", "token", "configuration", "at", "line"].map((id) => [id, byId(id)]),
);
const VERDICTS = { forward: "Forwarded", challenge: "Challenged", reject: "Rejected" };
const OUTCOMES = {
  passed: ["✓", "passed"],
  failed: ["✗", "failed"],
  "not-reached": ["·", "not reached"],
};
const STANDINGS = {
  proven: "proven",
  signed: "signed, but not read by the filter",
  unproven: "not proven: anybody may have written this",
};

/** An element with a class and children, each an element or a text. */
function make(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children);
  return element;
}

function banner(kind, title, summary, tag, when) {
  const box = make("div", `banner ${kind}`, make("strong", "", title));
  if (tag) box.append(" ", make("span", "tag", tag));
  box.append(make("p", "", summary));
  if (when) box.append(make("p", "when", when));
  return box;
}

function step({ title, outcome, seen, needed }) {
  const [mark, word] = OUTCOMES[outcome];
  const sign = make("span", "mark", mark);
  sign.setAttribute("aria-hidden", "true");
  const item = make("li", outcome, sign);
  item.append(make("span", "title", title, make("span", "visually-hidden", `: ${word}`)));
  if (seen !== null) item.append(make("span", "seen", seen));
  if (outcome === "failed") item.append(make("span", "needed", needed));
  return item;
}

function cause({ what, remedy, command }) {
  const item = make("li", "", make("div", "what", what), make("div", "remedy", remedy));
  if (command !== null) item.append(make("pre", "command", command));
  return item;
}

function causes(list) {
  if (list.length === 0) return [];
  return [
    make("h2", "", "What may be behind it, the likeliest first"),
    make("ol", "causes", ...list.map(cause)),
  ];
}

function members(list) {
  const rows = list.flatMap(({ name, values, note }) => {
    const value = make("dd", "");
    (values.length === 0 ? ["nothing"] : values).forEach((text, index) => {
      if (index > 0) value.append(document.createElement("br"));
      value.append(text);
    });
    if (note !== null) value.append(make("span", "note", note));
    return [make("dt", "", name), value];
  });
  return make("dl", "members", ...rows);
}

function token(says) {
  if (says === null) return [];
  const parts = [];
  if (says.claims.length > 0) {
    const standing = make("span", `standing ${says.standing}`, STANDINGS[says.standing]);
    parts.push(make("h2", "", "The token's claims", standing), members(says.claims));
  }
  if (says.header.length > 0) {
    parts.push(make("h2", "", "The token's header"), members(says.header));
  }
  return parts;
}

function answer(response) {
  if (response === null) return [];
  const rows = response.headers.map(([name, value]) => ({ name, values: [value], note: null }));
  return [make("h2", "", `The client gets ${response.status}`), members(rows)];
}

function showExplanation(told) {
  byId("verdict").replaceChildren(
    banner(told.verdict, VERDICTS[told.verdict], told.summary, told.reason, `Decided for ${told.at}`),
  );
  const steps = make("ol", "steps", ...told.steps.map(step));
  byId("details").replaceChildren(
    ...causes(told.causes),
    make("h2", "", "Step by step"),
    steps,
    ...token(told.token),
    ...answer(told.answer),
  );
}

function showLine(told) {
  byId("verdict").replaceChildren(
    banner(told.verdict, VERDICTS[told.verdict], told.summary, told.reason),
  );
  const facts = [
    ["failed at", told.title],
    ["route", told.route],
    ["needs", told.required],
  ];
  const known = facts.filter(([, value]) => value !== null);
  const rows = known.map(([name, value]) => ({ name, values: [value], note: null }));
  byId("details").replaceChildren(...causes(told.causes), make("h2", "", "What the line says"), members(rows));
}

function showFault(sentence) {
  byId("verdict").replaceChildren(banner("fault", "This cannot be explained", sentence));
  byId("details").replaceChildren();
}

function showWelcome() {
  byId("verdict").replaceChildren(
    banner("welcome", "Ask", "Fill in a request and the configuration, and a token if the client has one; or try an example."),
  );
  byId("details").replaceChildren();
}

let core = null;

function refresh() {
  if (core === null) return;
  const log = byId("tab-log").getAttribute("aria-selected") === "true";
  const asked = log ? fields.line.value : fields.request.value + fields.configuration.value;
  if (asked.trim() === "") return showWelcome();
  const { request, token, configuration, at, line } = fields;
  const told = JSON.parse(
    log
      ? core.explain_log_line(line.value)
      : core.explain(configuration.value, request.value, token.value, at.value, Date.now()),
  );
  if (told.error !== undefined) return showFault(told.error);
  return log ? showLine(told) : showExplanation(told);
}

/** Typing is answered once it pauses: a screen reader is not told every letter. */
let pause = 0;
function refreshSoon() {
  clearTimeout(pause);
  pause = setTimeout(refresh, 250);
}

function select(tab) {
  for (const other of document.querySelectorAll('[role="tab"]')) {
    const selected = other === tab;
    other.setAttribute("aria-selected", String(selected));
    other.tabIndex = selected ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !selected;
  }
  refresh();
}

function listen() {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[(index + 1) % tabs.length];
      other.focus();
      select(other);
    });
  });
  const form = byId("questions");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", refreshSoon);
  form.addEventListener("reset", () => setTimeout(refresh));
  byId("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) fields.configuration.value = await file.text();
    refresh();
  });
  const examples = JSON.parse(byId("examples").textContent);
  examples.forEach(({ name }, index) => byId("example").append(new Option(name, index)));
  byId("example").addEventListener("change", (event) => {
    const example = examples[event.target.value];
    if (example === undefined) return;
    for (const id of ["request", "token", "configuration", "at"]) fields[id].value = example[id];
    refresh();
    // On a phone the answer is below the fields.
    byId("verdict").scrollIntoView({ block: "nearest" });
  });
}

async function start() {
  listen();
  const bytes = Uint8Array.from(atob(byId("core").textContent.trim()), (letter) => letter.charCodeAt(0));
  try {
    core = await load(bytes);
  } catch (error) {
    return showFault(`The browser cannot run the core (${error}). The command edgectl explain does the same.`);
  }
  document.body.dataset.ready = "true";
  return refresh();
}

start();
