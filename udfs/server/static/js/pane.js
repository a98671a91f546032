// The task pane: find a function, read its help, put it into the cell; run reports, see the checks.
// All text enters the page as text, never as HTML.

const place = (id) => document.getElementById(id);
const root = JSON.parse(place("config").textContent).appPath;
let shown = { texts: {}, direction: "ltr", functions: [] };
let asked = null; // the cell that holds something, about which the user has been asked

function say(text, values = {}) {
  const said = shown.texts[text] ?? text;
  return said.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) {
    made.textContent = shown.direction === "rtl" ? isolated(text) : text;
  }
  return made;
}

// Dates, errors and option words, each kept in its own order among right-to-left neighbours.
function isolated(text) {
  const latin = /"[ -~]*?"(?: \/ "[ -~]*?")*|#[A-Z][A-Z0/]*[!?]?|\d+(?:-[\dWQ]+)+/g;
  return text.replace(latin, "\u2066$&\u2069");
}

// Latin names and formulas read from left to right in every language.
function code(text) {
  return element("code", text, { dir: "ltr", lang: "en" });
}

// Language

function known(tag) {
  const [first, ...rest] = tag.toLowerCase().split("-");
  const among = (words, part) => words.split(" ").includes(part);
  const fits = [...place("language").options].filter((one) => among(one.dataset.words, first));
  const exact = fits.find((one) => rest.some((part) => among(one.dataset.variants, part)));
  const plain = fits.find((one) => !one.dataset.variants);
  return (exact ?? plain)?.value ?? "en";
}

// A browser may refuse to remember anything for a page inside another one.
function remembered() {
  try {
    return localStorage.getItem("kpi-language");
  } catch {
    return null;
  }
}

function remember(language) {
  try {
    localStorage.setItem("kpi-language", language);
  } catch {
    // It is asked for again.
  }
}

async function speak(language) {
  const response = await fetch(`${root}/kpi/${language}.json`);
  if (!response.ok) {
    throw new Error(`${response.status} ${response.statusText}`);
  }
  const told = await response.json();
  if (place("language").value !== language) {
    return; // another one has been chosen meanwhile
  }
  shown = told;
  document.documentElement.lang = language;
  document.documentElement.dir = shown.direction;
  for (const said of document.querySelectorAll("[data-say]")) {
    said.dataset.say ||= said.textContent;
    said.textContent = say(said.dataset.say);
  }
  document.title = say("Functions and help");
  for (const status of document.querySelectorAll("[role=status]")) {
    status.textContent = "";
  }
  place("problems").replaceChildren();
  last();
  const open = place("help").dataset.name;
  list();
  if (open) {
    explain(open);
  }
}

// Functions

// The search is that of kpi_xl/search.py, over the entries that it makes.
const short = 3;
const ideographs = /[\u3400-\u9fff]+/gu;
const letters = { ё: "е", ي: "ی", ك: "ک", "\u200c": " " };

function plain(text) {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[ёيك\u200c]/g, (letter) => letters[letter])
    .replace(/\p{M}/gu, "")
    .replace(ideographs, " $& ")
    .replace(/[^\p{L}\p{N}']+/gu, " ")
    .trim();
}

function sought(word, inHelp) {
  if (word.match(ideographs)) {
    return word;
  }
  const beginning = word.replace(new RegExp(`^(.{3,}?)(?:${shown.endings})$`, "u"), "$1");
  return inHelp && word.length <= short ? ` ${word} ` : ` ${beginning}`;
}

function rank([names, near, summary, rest], wanted) {
  if (names.includes(wanted)) {
    return 5;
  }
  if (names.some((name) => name.startsWith(`${wanted} `))) {
    return 4;
  }
  let text = "";
  for (const [value, more] of [
    [3, near],
    [2, summary],
    [1, rest],
  ]) {
    text += ` ${more} `;
    if (wanted.split(" ").every((word) => text.includes(sought(word, value < 3)))) {
      return value;
    }
  }
  return 0;
}

function list() {
  const wanted = plain(place("search").value);
  let found = shown.functions;
  if (wanted) {
    const ranks = new Map(found.map((one) => [one, rank(one.search, wanted)]));
    found = found.filter((one) => ranks.get(one)).sort((a, b) => ranks.get(b) - ranks.get(a));
  }
  place("count").textContent = found.length
    ? say("{count} functions", { count: found.length })
    : say("No function is found.");
  place("found").replaceChildren(
    ...found.map(({ name, summary }) => {
      const button = element("button", undefined, { type: "button" });
      button.append(code(name), element("span", summary));
      button.addEventListener("click", () => {
        explain(name);
        place("help").focus();
      });
      const item = element("li");
      item.append(button);
      return item;
    }),
  );
  place("found").hidden = false;
  place("help").hidden = true;
  delete place("help").dataset.name;
}

function explain(name) {
  const one = shown.functions.find((candidate) => candidate.name === name);
  const title = element("h2", undefined, { id: "help-title" });
  title.append(code(one.name));
  const back = element("button", say("Back to the list"), { type: "button", className: "quiet" });
  back.addEventListener("click", () => {
    list();
    const buttons = [...place("found").querySelectorAll("button")];
    (buttons.find((button) => button.firstChild.textContent === name) ?? place("search")).focus();
  });
  const insert = element("button", say("Put it into the cell"), { type: "button", id: "insert" });
  insert.addEventListener("click", () => put(call()));
  const parts = [back, title, element("p", one.summary)];
  if (one.aliases.length) {
    const names = `${say("Also called")}: ${one.aliases.join(say("; "))}`;
    parts.push(element("p", names, { className: "aliases" }));
  }
  if (one.caution) {
    parts.push(element("p", one.caution));
  }
  parts.push(element("h3", say("Formula")), ...typeset(one));
  parts.push(element("h3", say("Arguments")), ...form(one), insert);
  if (one.columns.length) {
    const terms = element("dl");
    for (const [term, meaning] of one.columns) {
      const name = element("dt");
      name.append(code(term));
      terms.append(name, element("dd", meaning));
    }
    parts.push(element("h3", say("Columns")), terms);
  }
  parts.push(...one.notes.map((text) => element("p", text, { className: "note" })));
  for (const [heading, text] of [
    [say("Returns"), element("p", one.returns)],
    [say("Source"), element("p", one.source, { dir: "auto" })],
    [say("Example"), code(one.example)],
  ]) {
    parts.push(element("h3", heading), text);
  }
  place("help").replaceChildren(...parts);
  place("help").dataset.name = name;
  place("help").hidden = false;
  place("found").hidden = true;
  place("count").textContent = "";
}

// The formula as mathematics is set, where it is no words; and as it is written, for those who hear.
function typeset(one) {
  const written = element("p");
  written.append(code(one.formula));
  if (!one.typeset) {
    return [written];
  }
  written.className = "unseen";
  const mathematics = (name) => document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
  const made = ([name, ...inside]) => {
    const node = mathematics(name);
    node.append(...inside.map((one) => (typeof one === "string" ? one : made(one))));
    return node;
  };
  const set = mathematics("math");
  set.setAttribute("display", "block");
  set.setAttribute("aria-hidden", "true");
  set.append(made(one.typeset));
  return [set, written];
}

// The arguments, with those of the example at first; cells of the selection take their place.
function form(one) {
  const preview = element("p", undefined, { id: "call" });
  const all = element("button", say("Fill all from the selection"), {
    type: "button",
    className: "quiet",
    id: "fill",
  });
  all.addEventListener("click", () => told("inserted", () => filled(one)));
  const fields = one.arguments.map(([term, meaning], number) => {
    const label = element("label", undefined, { htmlFor: `given-${number}` });
    label.append(code(term));
    const field = element("input", undefined, {
      id: `given-${number}`,
      className: "given",
      type: "text",
      autocomplete: "off",
      spellcheck: false,
      dir: "ltr",
      value: one.given[number] ?? "",
    });
    field.setAttribute("aria-describedby", `meaning-${number}`);
    field.addEventListener("input", () => preview.replaceChildren(code(call())));
    const take = element("button", say("Selection"), { type: "button", className: "quiet" });
    take.setAttribute("aria-label", `${say("Selection")}: ${term}`);
    take.addEventListener("click", () => told("inserted", () => taken(field)));
    const row = element("div", undefined, { className: "given-row" });
    row.append(field, take);
    const argument = element("div", undefined, { className: "argument" });
    const described = element("p", meaning, { id: `meaning-${number}` });
    argument.append(label, row, described);
    return argument;
  });
  preview.append(code(`=${one.signature}`));
  return one.arguments.length ? [preview, all, ...fields] : [preview];
}

function call() {
  const given = [...document.querySelectorAll(".given")].map((field) => field.value.trim());
  while (given.length && !given.at(-1)) {
    given.pop();
  }
  return `=${place("help").dataset.name}(${given.join(",")})`;
}

function give(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input"));
}

async function taken(field) {
  return Excel.run(async (context) => {
    const range = context.workbook.getSelectedRange();
    range.load("address");
    await context.sync();
    give(field, range.address);
    return range.address;
  });
}

// Columns side by side are an argument each; of a single column, or a row, the cells are.
async function filled(one) {
  return Excel.run(async (context) => {
    const range = context.workbook.getSelectedRange();
    range.load("address, rowCount, columnCount");
    await context.sync();
    const least = one.arguments.filter(([, , required]) => required).length || 1;
    const most = one.arguments.length;
    const fits = (count) => least <= count && count <= most;
    const { rowCount, columnCount } = range;
    let parts = [];
    if (fits(columnCount)) {
      parts = [...Array(columnCount).keys()].map((number) => range.getColumn(number));
    } else if (columnCount === 1 && fits(rowCount)) {
      parts = [...Array(rowCount).keys()].map((number) => range.getCell(number, 0));
    } else {
      return say("Select {least} to {most} columns side by side, or as many cells.", { least, most });
    }
    for (const part of parts) {
      part.load("address");
    }
    await context.sync();
    for (const [number, field] of document.querySelectorAll(".given").entries()) {
      give(field, parts[number]?.address ?? "");
    }
    return range.address;
  });
}

// On its own sheet a cell needs no sheet's name.
function near(formula, address) {
  const sheet = address.slice(0, address.lastIndexOf("!") + 1);
  return sheet ? formula.replaceAll(sheet, "") : formula;
}

async function put(written) {
  await told("inserted", async () =>
    Excel.run(async (context) => {
      const cell = context.workbook.getActiveCell();
      cell.load("address, formulas");
      await context.sync();
      const formula = near(written, cell.address);
      const held = cell.formulas[0][0];
      if (held !== "" && held !== formula && asked !== cell.address) {
        asked = cell.address;
        return say("{cell} holds something: press again to put the function in its place.", {
          cell: cell.address,
        });
      }
      asked = null;
      cell.formulas = [[formula]];
      await context.sync();
      return say("The formula is in {cell}.", { cell: cell.address });
    }),
  );
}

// Reports and checks

// What is done, or why it could not be, in the line of that id.
async function told(id, work) {
  place(id).textContent = say("Please wait ...");
  try {
    place(id).textContent = await work();
  } catch (error) {
    console.error(error);
    place(id).textContent = say("It could not be done: {reason}", {
      reason: error.message || error,
    });
  }
}

async function run(button) {
  const alert = place("global-error-alert");
  alert.classList.add("d-none");
  button.disabled = true;
  await told("running", async () => {
    await globalThis.runReport(button.dataset.report, "taskpane");
    const failed = !alert.classList.contains("d-none");
    note(button.dataset.report, failed ? alert.innerText.trim() : "Done.");
    // What has failed is told in the alert.
    return failed ? "" : say("Done.");
  });
  await look();
  button.disabled = false;
  button.focus();
}

// What each report came to when it last ran from here, and when.
function results() {
  try {
    return JSON.parse(localStorage.getItem("kpi-results")) ?? {};
  } catch {
    return {};
  }
}

function note(report, result) {
  try {
    const kept = { ...results(), [report]: { when: Date.now(), result } };
    localStorage.setItem("kpi-results", JSON.stringify(kept));
  } catch {
    // It is shown while the pane is open all the same.
  }
  last();
}

function last() {
  const known = results();
  for (const line of document.querySelectorAll("[data-last]")) {
    const one = known[line.dataset.last];
    const tag = `${document.documentElement.lang}-u-nu-latn`; // the digits of the workbook
    const when = one && new Date(one.when).toLocaleString(tag);
    line.textContent = one ? say("Last run, {when}: {result}", { when, result: say(one.result) }) : "";
  }
}

// Every template counts the rows with problems in a block of this name, its labels before it, then
// the first row and, two columns further, the advice.
async function look() {
  await told("state", async () =>
    Excel.run(async (context) => {
      place("problems").replaceChildren();
      const name = context.workbook.names.getItemOrNullObject("ProblemRows");
      name.load("isNullObject");
      await context.sync();
      if (name.isNullObject) {
        return say("This workbook has no data checks: they are in the templates.");
      }
      const block = name.getRange().getOffsetRange(0, -1).getResizedRange(0, 4);
      block.load("values");
      await context.sync();
      const found = block.values.filter(([, count]) => count !== 0 && count !== "");
      place("problems").replaceChildren(
        ...found.map(([problem, count, first, , advice]) => {
          const item = element("li");
          item.append(element("strong", `${problem}: ${count}`));
          if (first !== "") {
            item.append(element("span", say("First in row {row}.", { row: first })));
          }
          item.append(element("span", advice));
          return item;
        }),
      );
      return found.length
        ? say("Problems have been found in the data.")
        : say("No problem has been found in the data.");
    }),
  );
}

place("language").addEventListener("change", async (event) => {
  remember(event.target.value);
  try {
    await speak(event.target.value);
  } catch (error) {
    place("count").textContent = say("It could not be done: {reason}", { reason: error.message });
  }
});
place("search").addEventListener("input", list);
place("search").addEventListener("keydown", (event) => {
  const first = place("found").querySelector("button");
  if ((event.key === "Enter" || event.key === "ArrowDown") && first) {
    event.preventDefault();
    if (event.key === "Enter") {
      first.click();
    } else {
      first.focus();
    }
  }
});
place("found").addEventListener("keydown", (event) => {
  const item = document.activeElement.closest("li");
  const next = { ArrowDown: item?.nextElementSibling, ArrowUp: item?.previousElementSibling };
  if (event.key in next) {
    event.preventDefault();
    (next[event.key]?.querySelector("button") ?? place("search")).focus();
  }
});
place("help").addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    place("help").querySelector("button").click();
  }
});
for (const button of document.querySelectorAll("[data-report]")) {
  button.addEventListener("click", () => run(button));
}
place("look").addEventListener("click", look);

await Office.onReady();
const first = remembered() ?? known(Office.context?.displayLanguage ?? navigator.language);
place("language").value = first;
await speak(first);
document.documentElement.dataset.ready = "true";
