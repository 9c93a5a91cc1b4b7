// The list of all tests: searched, filtered, ordered; only rows in view are in the page.
const list = element("list"), space = element("space"), search = element("search"), about = element("about");
const ROW = 26;
const words = data.tests.map((test) => [nameOf(test), outcomeOf(test), data.workers[test[T.worker]], data.classes[test[T.kind]], data.services[test[T.services]], reasonOf(test)].join(" ").toLowerCase());
const off = new Set(), outcomeButtons = new Map();
let shown = [], cursor = -1;

const counts = new Map();
data.tests.forEach((test) => counts.set(outcomeOf(test), (counts.get(outcomeOf(test)) || 0) + 1));
for (const outcome of data.outcomes.filter((each) => counts.has(each))) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "o-" + outcome;
  button.textContent = outcome + " " + counts.get(outcome);
  button.setAttribute("aria-pressed", "true");
  button.addEventListener("click", () => {
    if (!off.delete(outcome)) off.add(outcome);
    button.setAttribute("aria-pressed", String(!off.has(outcome)));
    filter();
  });
  outcomeButtons.set(outcome, button);
  element("outcomes").append(button);
}
// The figures at the top show the tests that they count.
document.addEventListener("click", (event) => {
  const only = event.target.closest && event.target.closest("a[data-only]");
  if (!only) return;
  off.clear();
  for (const [outcome, button] of outcomeButtons) {
    if (outcome !== only.dataset.only) off.add(outcome);
    button.setAttribute("aria-pressed", String(!off.has(outcome)));
  }
  search.value = "";
  filter();
});

const ORDERS = {
  ran: (a, b) => a - b,
  slow: (a, b) => lengthOf(data.tests[b]) - lengthOf(data.tests[a]),
  name: (a, b) => nameOf(data.tests[a]).localeCompare(nameOf(data.tests[b])),
};

function filter() {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = cursor < 0 ? -1 : shown[cursor];
  shown = data.tests.map((_, place) => place).filter((place) => !off.has(outcomeOf(data.tests[place])) && wanted.every((word) => words[place].includes(word)));
  shown.sort(ORDERS[element("order").value]);
  cursor = shown.indexOf(kept);
  space.style.height = shown.length * ROW + "px";
  list.scrollTop = cursor < 0 ? 0 : list.scrollTop;
  element("shown").textContent = shown.length + " of " + data.tests.length + " tests";
  rows();
}

function cell(row, kind, content) {
  const part = document.createElement("span");
  part.className = kind;
  part.textContent = content;
  row.append(part);
}

function rows() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW) + 10);
  const made = document.createDocumentFragment();
  for (let place = first; place < last; place++) {
    const test = data.tests[shown[place]], row = document.createElement("div");
    row.className = "row";
    row.id = "row-" + place;
    row.style.top = place * ROW + "px";
    row.setAttribute("role", "option");
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-setsize", shown.length);
    row.setAttribute("aria-selected", String(place === cursor));
    cell(row, "outcome o-" + outcomeOf(test), outcomeOf(test));
    cell(row, "took", duration(lengthOf(test)));
    cell(row, "lane", data.workers[test[T.worker]]);
    cell(row, "name", shortOf(test));
    if (test[T.name]) cell(row.lastChild, "file", data.files[test[T.file]]);
    if (reasonOf(test)) cell(row, "why", reasonOf(test));
    row.addEventListener("click", () => choose(place, true));
    made.append(row);
  }
  space.replaceChildren(made);
  if (cursor >= first && cursor < last) list.setAttribute("aria-activedescendant", "row-" + cursor); else list.removeAttribute("aria-activedescendant");
}

function choose(place, tell) {
  if (!shown.length) return;
  cursor = Math.min(Math.max(0, place), shown.length - 1);
  const top = cursor * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  rows();
  if (tell) document.dispatchEvent(new CustomEvent("chosen", { detail: shown[cursor] }));
}

const failureOf = (test) => element("failure-" + test[T.failure]);
function button(words, doing) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", doing);
  return made;
}

document.addEventListener("chosen", (event) => {
  const test = data.tests[event.detail], place = shown.indexOf(event.detail);
  if (place < 0) { cursor = -1; rows(); } else if (place !== cursor) choose(place, false);
  for (const panel of [about, element("picked")]) {
    panel.textContent = aboutTest(test) + "\n";
    if (failureOf(test)) panel.append(button("Show the failure", () => showFailure(failureOf(test))), " ");
  }
  about.append(button("Show in the timeline", () => { element("timeline").scrollIntoView(); chart.focus({ preventScroll: true }); }));
  element("picked").append(button("Show in the list", () => {
    if (!shown.includes(event.detail)) { search.value = ""; off.clear(); outcomeButtons.forEach((each) => each.setAttribute("aria-pressed", "true")); filter(); }
    choose(shown.indexOf(event.detail), false);
    element("tests").scrollIntoView();
    list.focus({ preventScroll: true });
  }));
});
list.addEventListener("keydown", (event) => {
  const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const to = { ArrowDown: cursor + 1, ArrowUp: cursor - 1, PageDown: cursor + page, PageUp: cursor - page, Home: 0, End: shown.length - 1 }[event.key];
  if (event.key === "Enter") { if (cursor >= 0) showFailure(failureOf(data.tests[shown[cursor]])); return; }
  if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  choose(to, true);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|SELECT)$/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  search.focus();
});
search.addEventListener("keydown", (event) => { if (event.key === "ArrowDown") { event.preventDefault(); list.focus(); choose(0, true); } });
search.addEventListener("input", filter);
element("order").addEventListener("change", filter);
list.addEventListener("scroll", () => requestAnimationFrame(rows));
addEventListener("resize", rows);
list.style.height = "min(26rem, " + (data.tests.length * ROW + 2) + "px)";
showFailure(/^#failure-\d+$/.test(location.hash) ? element(location.hash.slice(1)) : null);
themeChanged();
filter();
