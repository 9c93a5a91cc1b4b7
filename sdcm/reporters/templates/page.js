"use strict";
// What the parts of the page share: data, durations, the theme.
const data = JSON.parse(document.getElementById("data").textContent);
const T = { file: 0, name: 1, outcome: 2, worker: 3, start: 4, setup: 5, call: 6, teardown: 7, waited: 8, kind: 9, services: 10, reason: 11, failure: 12 };
const element = (id) => document.getElementById(id);
const outcomeOf = (test) => data.outcomes[test[T.outcome]];
const lengthOf = (test) => test[T.setup] + test[T.call] + test[T.teardown];
const nameOf = (test) => data.files[test[T.file]] + (test[T.name] ? "::" + test[T.name] : "");
const reasonOf = (test) => (test[T.reason] < 0 ? "" : data.reasons[test[T.reason]]);
const shortOf = (test) => test[T.name] || data.files[test[T.file]];
const colourOf = (outcome) => ({ passed: "good", xpassed: "good", skipped: "skip", xfailed: "skip" })[outcome] || "bad";

function duration(ms) {
  if (ms >= 120000) return Math.floor(ms / 60000) + " min " + String(Math.floor(ms / 1000) % 60).padStart(2, "0") + " s";
  return (ms / 1000).toFixed(ms < 1000 ? 3 : 1) + " s";
}

function aboutTest(test) {
  const lines = [nameOf(test), outcomeOf(test) + (data.classes[test[T.kind]] ? " (" + data.classes[test[T.kind]] + ")" : "") + " in " + duration(lengthOf(test)) +
    ": set-up " + duration(test[T.setup]) + ", own code " + duration(test[T.call]) + ", tear-down " + duration(test[T.teardown])];
  if (test[T.waited]) lines.push("waited " + duration(test[T.waited]) + " of it for services, nodes and the like");
  const where = ["began at " + duration(test[T.start])];
  if (data.workers[test[T.worker]]) where.push("worker " + data.workers[test[T.worker]]);
  if (data.services[test[T.services]]) where.push("needs " + data.services[test[T.services]]);
  lines.push(where.join(", "));
  if (reasonOf(test)) lines.push(reasonOf(test));
  return lines.join("\n");
}

// Error lines of a traceback stand out, and are in view when it is opened.
function light(trace) {
  if (trace.dataset.lit) return;
  trace.dataset.lit = "yes";
  const lines = trace.textContent.split("\n"), made = document.createDocumentFragment();
  let plain = [], first = null;
  const flush = () => { if (plain.length) made.append(plain.join("\n") + "\n"); plain = []; };
  for (const line of lines) {
    const kind = /^E( |$)/.test(line) ? "error" : /^>/.test(line) ? "here" : "";
    if (!kind) { plain.push(line); continue; }
    flush();
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = line + "\n";
    if (kind === "error") first = first || part;
    made.append(part);
  }
  flush();
  trace.replaceChildren(made);
  if (first) trace.scrollTop = Math.max(0, first.offsetTop - trace.clientHeight * 0.6);
}
function showFailure(failure) {
  if (!failure) return;
  failure.open = true;
  failure.scrollIntoView({ block: "start" });
  failure.querySelector("summary").focus({ preventScroll: true });
}
for (const failure of document.querySelectorAll("details.failure")) {
  const lit = () => { if (failure.open) failure.querySelectorAll("pre.trace").forEach(light); };
  failure.addEventListener("toggle", lit);
  lit();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest('a[href^="#failure-"]');
  if (!link) return;
  event.preventDefault();
  showFailure(element(link.getAttribute("href").slice(1)));
});

// The theme follows the system until the reader chooses; a file opened from disk may not be allowed to remember it.
const themeButton = element("theme");
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
function themeChanged() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", "Switch to " + themeButton.textContent.toLowerCase() + " colours");
  document.dispatchEvent(new Event("theme"));
}
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("sct-report-theme", document.documentElement.dataset.theme); } catch { /* not allowed here */ }
  themeChanged();
});
systemDark.addEventListener("change", themeChanged);
try {
  const chosen = localStorage.getItem("sct-report-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch { /* not allowed here */ }
