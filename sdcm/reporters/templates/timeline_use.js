// What a reader does with the timeline, by pointer and by keyboard.
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
function show(bar) {
  current = bar;
  if (bar.end < from || bar.start > from + span) from = bar.start - span / 2;
  move(0);
}

function aboutHost(at) {
  let best = null;
  for (const each of data.host) if (!best || Math.abs(each[0] - at) < Math.abs(best[0] - at)) best = each;
  return best && "at " + duration(best[0]) + ": CPU " + best[1] + " %, memory " + best[2] + " % (" + best[3] + " MiB)";
}

// What is under the pointer: the shortest bar there, and which others lie over one another.
function under(event) {
  const box = chart.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  const pixel = span / Math.max(1, wide - LABEL() - 8), at = from + (px - LABEL()) * pixel;
  const there = (bar) => py >= tops[bar.lane] && py <= tops[bar.lane] + LANE && at >= bar.start - (bar.mark ? 7 : 3) * pixel && at <= bar.end + (bar.mark ? 7 : 3) * pixel;
  const off = (bar) => Math.max(0, bar.start - at, at - bar.end);
  const found = px < LABEL() ? [] : bars.filter(there).sort((a, b) => off(a) - off(b) || a.end - a.start - (b.end - b.start));
  return { bar: found[0] || null, also: found.slice(1).filter((bar) => bar.place === undefined), at, px, py };
}
function hint({ bar, also, at, px, py }) {
  const host = lanes.some((lane, place) => lane.curve && py >= tops[place] && py <= tops[place] + LANE) && px >= LABEL() ? aboutHost(at) : "";
  if (!bar && !host) { tip.hidden = true; return; }
  tell(host || [bar, ...also.slice(0, 4)].map(aboutBar).join("\n\n") + (also.length > 4 ? "\n\nand " + (also.length - 4) + " more" : ""), px, py + 16);
}
function tell(words, px, py) {
  tip.hidden = false;
  tip.textContent = words;
  tip.style.top = py + "px";
  if (px > wide / 2) { tip.style.left = "auto"; tip.style.right = Math.max(0, wide - px + 8) + "px"; } else { tip.style.right = "auto"; tip.style.left = px + 8 + "px"; }
}
function pick(bar) {
  if (bar.place !== undefined) { document.dispatchEvent(new CustomEvent("chosen", { detail: bar.place })); return; }
  current = bar;
  element("picked").textContent = bar.about;
  redraw();
}

// Bars in the order in which they are read, for the keyboard.
const inOrder = [...bars].sort((a, b) => a.lane - b.lane || a.start - b.start);
function step(by) {
  const next = current === null ? inOrder[0] : inOrder[Math.min(Math.max(0, inOrder.indexOf(current) + by), inOrder.length - 1)];
  if (next) reach(next);
}
function stepLane(by) {
  const lane = current === null ? -1 : current.lane;
  const next = by > 0 ? inOrder.find((bar) => bar.lane > lane) : inOrder.find((bar) => bar.lane === Math.max(...inOrder.filter((each) => each.lane < lane).map((each) => each.lane)));
  if (next) reach(next);
}
function reach(bar) {
  show(bar);
  tell(aboutBar(bar), Math.max(LABEL(), x(bar.start)), tops[bar.lane] + LANE + 2);
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
  move(((held.x - event.clientX) / (wide - LABEL())) * span);
});
chart.addEventListener("pointerup", (event) => {
  const moved = held && held.moved;
  held = null;
  const { bar } = under(event);
  if (!moved && bar) pick(bar);
});
chart.addEventListener("pointercancel", () => { held = null; });
chart.addEventListener("pointerleave", () => { tip.hidden = true; });
chart.addEventListener("blur", () => { tip.hidden = true; });
chart.addEventListener("wheel", (event) => {
  // A page that is scrolled past the chart must not zoom it: it takes the wheel once it has been clicked.
  if (!event.ctrlKey && !event.metaKey && document.activeElement !== chart) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.8 : 1.25, under(event).at);
}, { passive: false });
chart.addEventListener("keydown", (event) => {
  const doing = {
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => move(-span / 5), ArrowRight: () => move(span / 5), Home: all, 0: all,
    ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => stepLane(1), PageUp: () => stepLane(-1),
    Enter: () => current && pick(current), Escape: () => { tip.hidden = true; },
  }[event.key];
  if (!doing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  doing();
});
addEventListener("resize", redraw);
document.addEventListener("theme", redraw);
document.addEventListener("chosen", (event) => show(barOf.get(event.detail)));
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest("a[data-test]");
  if (!link) return;
  // The page goes to the timeline, which shows the test large enough to be seen.
  const bar = barOf.get(Number(link.dataset.test)), length = Math.max(bar.end - bar.start, 1);
  if (length < span / 20) { span = Math.min(data.total, length * 20); from = bar.start - span / 2; }
  pick(bar);
});
draw();
