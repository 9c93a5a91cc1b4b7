// The timeline: one canvas; lanes of steps, containers and workers over one axis of time.
const chart = element("chart"), tip = element("tip"), pen = chart.getContext("2d");
const LANE = 20, AXIS = 22, GAP = 8, LETTER = 7.3;
// Read once for each picture: asking for it makes the browser lay out the page.
let wide = chart.clientWidth;
const LABEL = () => (wide < 600 ? 106 : 130);
const bars = [], lanes = [];
let from = 0, span = Math.max(data.total, 1), current = null;

function packed(title, items) {
  // Things that overlap get lanes of their own; those that do not share one, as do those too short to be seen apart.
  const ends = [], short = data.total / 400;
  for (const bar of items.sort((a, b) => a.start - b.start)) {
    let lane = ends.findIndex((end) => end <= bar.start);
    if (lane < 0 && bar.end - bar.start < short && ends.length) lane = ends.indexOf(Math.min(...ends));
    if (lane < 0) lane = ends.length;
    ends[lane] = Math.max(ends[lane] || 0, bar.end);
    bar.lane = lanes.length + lane;
    bars.push(bar);
  }
  ends.forEach((_, place) => lanes.push({ title: place ? "" : title, first: place === 0 }));
}

// The machine's load comes first: two curves of percent over the same axis.
const HOST = [[1, "CPU", "cpu"], [2, "memory", "memory"]];
if (data.host.length) HOST.forEach(([place, label, name]) => lanes.push({ title: "host " + label, first: place === 1, curve: place, name }));

const nodeless = (what) => (what.includes("::") ? what.slice(what.indexOf("::") + 2) : what);
const spoken = (name) => name.replace(/^(.*::)?test_/, "");
packed("critical path", data.path.map(([what, kind, start, length]) => ({
  start, end: start + length, label: spoken(nodeless(what)), parts: [[start, start + length, kind === "gap" ? "gap" : "path"]],
  about: "critical path: " + what + "\n" + duration(length) + " from " + duration(start),
})));
const marks = [];
data.tests.forEach((test, place) => {
  if (colourOf(outcomeOf(test)) === "bad") marks.push({ start: test[T.start] + lengthOf(test), end: test[T.start] + lengthOf(test), mark: true, place, parts: [], label: "" });
});
if (marks.length) {
  marks.forEach((mark) => { mark.lane = lanes.length; bars.push(mark); });
  lanes.push({ title: "failures", first: true });
}
packed("set-up", data.steps.map(([name, status, start, length, error]) => ({
  start, end: start + length, label: name, parts: [[start, start + length, status === "failed" || status === "unfinished" ? "bad" : status === "done" ? "step" : "setup"]],
  about: "set-up: " + name + "\n" + status + " after " + duration(length) + (error ? "\n" + error : ""),
})));
packed("containers", data.containers.map(([name, image, test, start, ready, end]) => ({
  start, end, label: name.replace(/^sct-[0-9a-f]+-/, ""), parts: ready < 0 ? [[start, end, "boot"]] : [[start, ready, "boot"], [ready, end, "up"]],
  about: name + "\n" + image + "\n" + (ready < 0 ? "never ready" : "ready in " + duration(ready - start)) + ", there for " + duration(end - start) + (test ? "\nmade for " + test : ""),
})));
const waits = new Map(), byWorker = new Map(), barOf = new Map();
for (const [place, start, length] of data.waits) waits.set(place, [...(waits.get(place) || []), [start, start + length, "wait"]]);
data.tests.forEach((test, place) => {
  const worker = data.workers[test[T.worker]], colour = colourOf(outcomeOf(test));
  const start = test[T.start], body = start + test[T.setup], over = body + test[T.call], end = start + lengthOf(test);
  const inside = test[T.call] || !(test[T.setup] + test[T.teardown]);
  const parts = inside ? [[start, body, "setup"], [body, over, colour], [over, end, "setup"]] : [[start, end, colour]];
  const bar = { start, end, label: spoken(shortOf(test)), place, parts: [...parts, ...(waits.get(place) || [])], bad: colour === "bad" };
  if (!byWorker.has(worker)) byWorker.set(worker, []);
  byWorker.get(worker).push(bar);
  barOf.set(place, bar);
});
for (const [worker, items] of [...byWorker].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true }))) packed(worker || "tests", items);

const aboutBar = (bar) => (bar.place === undefined ? bar.about : aboutTest(data.tests[bar.place]));
const x = (ms) => LABEL() + ((ms - from) / span) * (wide - LABEL() - 8);
const tops = [];
let below = AXIS;
for (const lane of lanes) { below += lane.first ? GAP : 0; tops.push(below); below += LANE; }
const height = below + GAP;

function striped(colour) {
  const tile = document.createElement("canvas"), ink = tile.getContext("2d");
  tile.width = tile.height = 6;
  ink.fillStyle = colour("bar-setup");
  ink.fillRect(0, 0, 6, 6);
  ink.strokeStyle = colour("bar-boot");
  ink.lineWidth = 2;
  ink.beginPath();
  for (const by of [-6, 0, 6]) { ink.moveTo(by - 1, 7); ink.lineTo(by + 7, -1); }
  ink.stroke();
  return pen.createPattern(tile, "repeat");
}

function draw() {
  wide = chart.clientWidth;
  const width = wide, ratio = devicePixelRatio || 1, style = getComputedStyle(document.documentElement), known = {};
  const colour = (name) => (known[name] = known[name] || style.getPropertyValue("--" + name));
  chart.width = width * ratio;
  chart.height = height * ratio;
  chart.style.height = height + "px";
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
  pen.textBaseline = "middle";
  axis(width, colour);
  const left = LABEL(), right = width - 8;
  curves(colour, left, right);
  known["bar-wait"] = striped(colour);
  const seen = bars.filter((bar) => bar.end >= from && bar.start <= from + span);
  // Failures last: however short they are, they lie above what surrounds them.
  for (const bar of [...seen.filter((each) => !each.bad), ...seen.filter((each) => each.bad)]) drawBar(bar, colour, left, right);
  if (current && current.end >= from && current.start <= from + span) {
    const a = Math.max(left, x(current.start)), b = Math.min(right, x(current.end));
    pen.strokeStyle = colour("text");
    pen.lineWidth = 2;
    pen.strokeRect(a - (current.mark ? 7 : 1), tops[current.lane] + 1, Math.max(b - a, current.mark ? 12 : 2) + 2, LANE - 2);
  }
  chart.dataset.bars = seen.length;
}

function drawBar(bar, colour, left, right) {
  const top = tops[bar.lane], a = Math.max(left, x(bar.start)), b = Math.min(right, x(bar.end));
  if (bar.mark) {
    pen.fillStyle = colour("bad");
    pen.beginPath();
    for (const [dx, dy] of [[0, 3], [6, LANE / 2], [0, LANE - 3], [-6, LANE / 2]]) pen.lineTo(a + dx, top + dy);
    pen.fill();
    return;
  }
  for (const [start, end, name] of bar.parts) {
    const s = Math.max(left, x(start)), e = Math.min(right, x(end));
    if (end <= start || e < left || s > right) continue;
    pen.fillStyle = colour("bar-" + name);
    pen.fillRect(s, top + 2, Math.max(e - s - (e - s > 3 ? 0.5 : 0), name === "bad" ? 3 : 0.8), LANE - 4);
  }
  const letters = Math.floor((b - a - 8) / LETTER);
  if (letters < Math.min(6, bar.label.length) || !letters) return;
  pen.fillStyle = colour("text");
  pen.fillText(bar.label.length > letters ? bar.label.slice(0, letters - 1) + "…" : bar.label, a + 4, top + LANE / 2);
}

function curves(colour, left, right) {
  const seen = data.host.filter((each) => each[0] >= from - span / 20 && each[0] <= from + span * 1.05);
  lanes.forEach((lane, place) => {
    if (!lane.curve || !seen.length) return;
    const low = tops[place] + LANE - 1, at = (each) => Math.min(right, Math.max(left, x(each[0])));
    pen.beginPath();
    pen.moveTo(at(seen[0]), low);
    for (const each of seen) pen.lineTo(at(each), low - (Math.min(100, each[lane.curve]) / 100) * (LANE - 3));
    pen.lineTo(at(seen[seen.length - 1]), low);
    pen.closePath();
    pen.fillStyle = colour("bar-" + lane.name);
    pen.fill();
  });
  chart.dataset.samples = seen.length;
}

function axis(width, colour) {
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = colour("quiet");
  lanes.forEach((lane, place) => lane.title && pen.fillText(lane.title.slice(0, Math.floor((LABEL() - 8) / LETTER)), 8, tops[place] + LANE / 2));
  const wanted = span / Math.max(2, (width - LABEL()) / 110);
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000].find((each) => each >= wanted) || 7200000;
  pen.strokeStyle = colour("line");
  pen.lineWidth = 1;
  for (let at = Math.ceil(from / step) * step; at <= from + span; at += step) {
    pen.beginPath();
    pen.moveTo(x(at), AXIS - 4);
    pen.lineTo(x(at), height);
    pen.stroke();
    const told = step < 1000 ? (at / 1000).toFixed(3) + " s" : at < 120000 ? Math.round(at / 1000) + " s" : Math.floor(at / 60000) + ":" + String(Math.round(at / 1000) % 60).padStart(2, "0");
    if (x(at) + told.length * LETTER < width) pen.fillText(told, x(at) + 3, AXIS / 2);
  }
}
