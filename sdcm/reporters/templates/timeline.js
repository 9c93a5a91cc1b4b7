// The timeline: one canvas; lanes of steps, containers and workers over one axis of time.
const chart = element("chart"), tip = element("tip"), pen = chart.getContext("2d");
const LANE = 20, AXIS = 22, GAP = 8;
const LABEL = () => (chart.clientWidth < 600 ? 90 : 170);
const bars = [], lanes = [];
let from = 0, span = Math.max(data.total, 1), chosenTest = -1;

function packed(title, items) {
  // Things that overlap get lanes of their own; those that do not share one.
  const ends = [];
  for (const bar of items.sort((a, b) => a.start - b.start)) {
    let lane = ends.findIndex((end) => end <= bar.start);
    if (lane < 0) lane = ends.length;
    ends[lane] = bar.end;
    bar.lane = lanes.length + lane;
    bars.push(bar);
  }
  ends.forEach((_, place) => lanes.push({ title: place ? "" : title, first: place === 0 }));
}

// The machine's load comes first: two curves of percent over the same axis.
const HOST = [[1, "CPU", "cpu"], [2, "memory", "memory"]];
if (data.host.length) HOST.forEach(([place, label, name]) => lanes.push({ title: "host " + label, first: place === 1, curve: place, name }));

packed("set-up", data.steps.map(([name, status, start, length, error]) => ({
  start, end: start + length, label: name, parts: [[start, start + length, status === "failed" || status === "unfinished" ? "bad" : status === "done" ? "step" : "setup"]],
  about: "set-up: " + name + "\n" + status + " after " + duration(length) + (error ? "\n" + error : ""),
})));
packed("containers", data.containers.map(([name, image, test, start, ready, end]) => ({
  start, end, label: name, parts: ready < 0 ? [[start, end, "boot"]] : [[start, ready, "boot"], [ready, end, "up"]],
  about: name + "\n" + image + "\n" + (ready < 0 ? "never ready" : "ready in " + duration(ready - start)) + ", there for " + duration(end - start) + (test ? "\nmade for " + test : ""),
})));
const byWorker = new Map();
data.tests.forEach((test, place) => {
  const worker = data.workers[test[T.worker]];
  const start = test[T.start], body = start + test[T.setup], over = body + test[T.call], end = start + lengthOf(test);
  const bar = { start, end, label: test[T.name] || data.files[test[T.file]], place, about: null,
    parts: [[start, body, "setup"], [body, over, colourOf(outcomeOf(test))], [over, end, "setup"]] };
  if (test[T.setup] + test[T.teardown] > 0 && test[T.call] === 0) bar.parts = [[start, end, colourOf(outcomeOf(test))]];
  if (!byWorker.has(worker)) byWorker.set(worker, []);
  byWorker.get(worker).push(bar);
});
for (const [worker, items] of [...byWorker].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true }))) packed(worker || "tests", items);

const x = (ms) => LABEL() + ((ms - from) / span) * (chart.clientWidth - LABEL() - 8);
const top_ = (lane) => AXIS + lanes.slice(0, lane + 1).filter((each) => each.first).length * GAP + lane * LANE;
const tops = lanes.map((_, lane) => top_(lane));
const height = AXIS + lanes.filter((each) => each.first).length * GAP + lanes.length * LANE + GAP;

function draw() {
  const width = chart.clientWidth, ratio = devicePixelRatio || 1, style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue("--" + name);
  chart.width = width * ratio;
  chart.height = height * ratio;
  chart.style.height = height + "px";
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
  pen.textBaseline = "middle";
  axis(width, colour);
  const left = LABEL(), right = width - 8;
  curves(colour, left, right);
  let drawn = 0;
  for (const bar of bars) {
    if (bar.end < from || bar.start > from + span) continue;
    drawn++;
    for (const [start, end, name] of bar.parts) {
      const a = Math.max(left, x(start)), b = Math.min(right, x(end));
      if (end <= start || b < left || a > right) continue;
      pen.fillStyle = colour("bar-" + name);
      pen.fillRect(a, tops[bar.lane] + 2, Math.max(b - a - (b - a > 3 ? 0.5 : 0), 0.8), LANE - 4);
    }
    const a = Math.max(left, x(bar.start)), b = Math.min(right, x(bar.end));
    if (bar.place === chosenTest) { pen.strokeStyle = colour("text"); pen.lineWidth = 2; pen.strokeRect(a, tops[bar.lane] + 1, Math.max(b - a, 2), LANE - 2); }
    const letters = Math.floor((b - a - 8) / 7.3);
    if (letters >= 4) {
      pen.fillStyle = colour("text");
      pen.fillText(bar.label.length > letters ? bar.label.slice(0, letters - 1) + "…" : bar.label, a + 4, tops[bar.lane] + LANE / 2);
    }
  }
  chart.dataset.bars = drawn;
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
function aboutHost(at) {
  let best = null;
  for (const each of data.host) if (!best || Math.abs(each[0] - at) < Math.abs(best[0] - at)) best = each;
  return best && "at " + duration(best[0]) + ": CPU " + best[1] + " %, memory " + best[2] + " % (" + best[3] + " MiB)";
}

function axis(width, colour) {
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = colour("quiet");
  lanes.forEach((lane, place) => lane.title && pen.fillText(lane.title.slice(0, Math.floor(LABEL() / 7.5)), 8, tops[place] + LANE / 2));
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
    if (x(at) + told.length * 7.3 < width) pen.fillText(told, x(at) + 3, AXIS / 2);
  }
}

let due = 0;
const redraw = () => { cancelAnimationFrame(due); due = requestAnimationFrame(draw); };

function zoom(factor, around) {
  const middle = around === undefined ? from + span / 2 : around, before = span;
  span = Math.min(data.total || 1, Math.max(10, span * factor));
  from = middle - ((middle - from) * span) / before;
  move(0);
}
function move(by) { from = Math.min(Math.max(0, from + by), Math.max(0, data.total - span)); redraw(); }
function all() { from = 0; span = Math.max(data.total, 1); redraw(); }
function showTest(place) {
  const test = data.tests[place];
  chosenTest = place;
  if (test[T.start] < from || test[T.start] > from + span) { from = test[T.start] - span / 2; }
  move(0);
}

function under(event) {
  const box = chart.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  const at = from + ((px - LABEL()) / (chart.clientWidth - LABEL() - 8)) * span, near = (3 / chart.clientWidth) * span;
  let best = null;
  if (px >= LABEL()) {
    for (const bar of bars) {
      if (py < tops[bar.lane] || py > tops[bar.lane] + LANE || at < bar.start - near || at > bar.end + near) continue;
      if (!best || bar.end - bar.start < best.end - best.start) best = bar;
    }
  }
  return { bar: best, at, px, py };
}
function hint({ bar, at, px, py }) {
  const host = lanes.some((lane, place) => lane.curve && py >= tops[place] && py <= tops[place] + LANE) && px >= LABEL() ? aboutHost(at) : "";
  tip.hidden = !bar && !host;
  if (tip.hidden) return;
  tip.textContent = host || (bar.place === undefined ? bar.about : aboutTest(data.tests[bar.place]));
  tip.style.top = py + 16 + "px";
  if (px > chart.clientWidth / 2) { tip.style.left = "auto"; tip.style.right = chart.clientWidth - px + 8 + "px"; } else { tip.style.right = "auto"; tip.style.left = px + 8 + "px"; }
}

element("nearer").addEventListener("click", () => zoom(0.5));
element("farther").addEventListener("click", () => zoom(2));
element("whole").addEventListener("click", all);
let held = null;
chart.addEventListener("pointerdown", (event) => { held = { x: event.clientX, from, moved: false }; chart.setPointerCapture(event.pointerId); });
chart.addEventListener("pointermove", (event) => {
  if (!held) { hint(under(event)); return; }
  if (Math.abs(event.clientX - held.x) > 3) held.moved = true;
  from = held.from;
  move(((held.x - event.clientX) / (chart.clientWidth - LABEL())) * span);
});
chart.addEventListener("pointerup", (event) => {
  const moved = held && held.moved;
  held = null;
  const { bar } = under(event);
  if (!moved && bar && bar.place !== undefined) document.dispatchEvent(new CustomEvent("chosen", { detail: bar.place }));
});
chart.addEventListener("pointercancel", () => { held = null; });
chart.addEventListener("pointerleave", () => { tip.hidden = true; });
chart.addEventListener("wheel", (event) => {
  // A page that is scrolled past the chart must not zoom it: it takes the wheel once it has been clicked.
  if (!event.ctrlKey && !event.metaKey && document.activeElement !== chart) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.8 : 1.25, under(event).at);
}, { passive: false });
chart.addEventListener("keydown", (event) => {
  const doing = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => move(-span / 5), ArrowRight: () => move(span / 5), Home: all, 0: all }[event.key];
  if (!doing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  doing();
});
addEventListener("resize", redraw);
document.addEventListener("theme", redraw);
document.addEventListener("chosen", (event) => showTest(event.detail));
draw();
