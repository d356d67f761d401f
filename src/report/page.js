"use strict";
// Draws a judged history: lanes, bars, and an order of operations to step through. What is wrong is said by the counterexamples of the
// explanation, as JSON has them. Only what is seen is drawn, so that length costs nothing.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const make = (name, attributes = {}, parent = null, text = null) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== null) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };

  const short = (text) => (text && text.length > 80 ? `${text.slice(0, 40)}…${text.slice(-40)}` : text);
  if (data.operations.length) $("told").open = false;

  const LANE = 40, BAR = 24, TOP = 14, EDGE = 16;
  const ZOOMS = [14, 34, 70, 130, 260, 1300];
  const operations = data.operations;
  const say = (place) => `${operations[place].who} ${operations[place].text}`;
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = `12.5px ${getComputedStyle(document.documentElement).getPropertyValue("--mono")}`;
  const CHARACTER = measure.measureText("0000000000").width / 10 || 7.6;

  // A shape is what can be looked at: some operations, laid out, and the orders that go with them.
  const laidOut = new Map();
  function layout(name, places, zoom, opened) {
    const known = laidOut.get(name);
    if (known) return known;
    const edges = [];
    for (const place of places) {
      const operation = operations[place];
      edges.push([operation.begins, 0, place]);
      if (operation.ends !== null && !opened.has(place)) edges.push([operation.ends, 1, place]);
    }
    edges.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    const names = new Map(places.map((place) => [operations[place].lane, operations[place].who]));
    const lanes = [...names.keys()].sort((a, b) => a - b);
    const row = new Map(lanes.map((lane, index) => [lane, index]));
    const width = (place) => Math.min(ZOOMS[zoom], operations[place].text.length * CHARACTER + 18);
    const bars = new Map(), free = new Map(), openBar = new Map();
    let x = 0, before = null;
    for (const [rank, ends, place] of edges) {
      const client = operations[place].lane;
      if (before !== null && rank !== before) x += zoom < 2 ? 8 : EDGE;
      before = rank;
      if (ends) {
        const bar = bars.get(place);
        x = Math.max(x, bar.left + width(place));
        bar.right = x;
        free.set(client, x + 6);
      } else {
        x = Math.max(x, free.get(client) || 0);
        // A bar stops being drawn where its client goes on: it has no end, or ends in that instant.
        const last = openBar.get(client);
        if (last && last.right === null) last.drawn = Math.max(last.left + 20, x - 6);
        const bar = { place, left: x, right: null, drawn: null, row: row.get(client) };
        bars.set(place, bar);
        openBar.set(client, bar);
        free.set(client, x + width(place) + 6);
      }
    }
    const gutter = Math.max(...[...names.values()].map((name) => name.length), 2) * CHARACTER + 22;
    let end = x;
    for (const bar of bars.values()) end = Math.max(end, bar.right ?? bar.left + width(bar.place));
    for (const bar of bars.values()) if (bar.right === null && bar.drawn === null) bar.drawn = Math.max(bar.left + width(bar.place), end + 24);
    const made = {
      lanes: lanes.map((lane) => names.get(lane)), gutter,
      bars: [...bars.values()].sort((a, b) => a.left - b.left),
      of: bars,
      width: end + 40,
      height: TOP * 2 + lanes.length * LANE,
    };
    laidOut.set(name, made);
    return made;
  }

  // Where each operation of an order takes effect: within its bar, and one after another.
  function points(shape, order) {
    const bars = order.operations.map((place) => shape.of.get(place));
    const latest = new Array(bars.length);
    let bound = Infinity;
    for (let index = bars.length - 1; index >= 0; index--) {
      bound = Math.min(bound, (bars[index]?.right ?? Infinity) - 3);
      latest[index] = bound;
    }
    let x = -Infinity;
    return bars.map((bar, index) => {
      if (!bar) return null;
      x = Math.min(Math.max(x + 9, bar.left + 8), Math.max(latest[index], bar.left + 2, x));
      return { x, y: TOP + bar.row * LANE + LANE / 2, place: bar.place };
    });
  }

  const state = { violation: 0, part: "small", attempt: 0, step: 0, zoom: 3 };
  const holds = data.violations.length === 0;
  const violation = () => data.violations[state.violation];
  const isSmall = () => !holds && state.part === "small";

  function current() {
    if (holds) {
      const places = operations.map((_, place) => place);
      const orders = data.witness ? [data.witness] : [];
      return { places, orders, stuck: null, opened: new Set(), core: new Set(places), name: `all ${state.zoom}` };
    }
    const { counterexample, places, concerned } = violation();
    const orders = counterexample.attempts.map((attempt) => ({ ...attempt, operations: attempt.order.map((index) => places[index]) }));
    const those = (wanted) => new Set(places.filter((_, index) => wanted(counterexample.operations[index])));
    const opened = those((operation) => operation.open), core = those((operation) => !operation.open);
    const name = isSmall() ? `small ${state.violation}` : `whole ${state.violation} ${state.zoom}`;
    return { places: isSmall() ? places : concerned, orders, stuck: places[counterexample.stuck], opened, core, name };
  }

  const scroller = $("scroller"), space = $("space");
  const svg = make("svg", { role: "img" }, space);
  let now, shape, trail, printing = false;

  const order = () => now.orders[state.attempt];
  // The last step shows what is stuck.
  const steps = () => (order() ? order().operations.length + (now.stuck === null ? 0 : 1) : 0);
  const isStuck = () => now.stuck !== null && (steps() === 0 || state.step === steps());

  function show() {
    now = current();
    state.attempt = Math.min(state.attempt, Math.max(0, now.orders.length - 1));
    shape = layout(now.name, now.places, isSmall() ? ZOOMS.length - 1 : state.zoom, now.opened);
    trail = order() ? points(shape, order()) : [];
    state.step = Math.min(state.step, steps());
    space.style.width = `${shape.width + shape.gutter}px`;
    space.style.height = `${shape.height}px`;
    words();
    draw();
  }

  function words() {
    const say_op = (place) => { const node = element("span", "op", say(place)); return node; };
    if (!holds) {
      const { needed, among, minimal, key } = violation().counterexample, { leftOut } = violation();
      $("what").replaceChildren(say_op(now.stuck), " fits in no order");
      const few = needed === among ? `The ${counted(among, "operation")}` : `${needed} of ${counted(among, "operation")}`;
      const each = minimal && needed > 1 ? "; without any one of them there would be an order" : "";
      const on = key === null ? "" : ` on key ${key}`;
      const cut = leftOut ? ` ${counted(leftOut, "operation")} further away ${leftOut === 1 ? "is" : "are"} not on this page.` : "";
      const more = data.violationsLeftOut ? ` ${counted(data.violationsLeftOut, "more key")} not on this page.` : "";
      $("why").textContent = `${few}${on} ${needed === 1 ? "is" : "are"} enough to see it${each}.${cut}${more}`;
    } else {
      $("what").textContent = data.witness ? "An order that explains every answer" : "All operations";
      const cut = data.leftOut ? `The page shows ${counted(operations.length, "operation")} and leaves out ${data.leftOut.toLocaleString("en")}.` : "";
      $("why").textContent = data.furthest.length ? `The search got as far as the marked operations. ${cut}` : cut;
    }
    toggles($("parts"), holds ? [] : [["small", `Smallest part (${violation().counterexample.needed})`], ["whole", `Whole history (${violation().concerned.length.toLocaleString("en")})`]],
      state.part, (part) => { state.part = part; show(); last(); });
    toggles($("attempts"), now.orders.length < 2 ? [] : now.orders.map((_, index) => [index, `Order ${index + 1}`]), state.attempt,
      (attempt) => { state.attempt = attempt; show(); last(); });
    $("zooms").hidden = isSmall();
    $("steps").hidden = steps() === 0;
    status();
    listing();
    table();
  }

  function toggles(group, choices, chosen, choose) {
    group.replaceChildren(...choices.map(([value, text]) => {
      const button = element("button", "", text);
      button.type = "button";
      button.setAttribute("aria-pressed", String(value === chosen));
      button.addEventListener("click", () => {
        choose(value);
        [...group.children].find((other) => other.getAttribute("aria-pressed") === "true")?.focus({ preventScroll: true });
      });
      return button;
    }));
  }

  function status() {
    const box = $("status"), total = steps(), chosen = order();
    const skipped = chosen ? chosen.skipped : 0;
    $("step").textContent = total ? `step ${(state.step + skipped).toLocaleString("en")} of ${(total + skipped).toLocaleString("en")}` : "";
    for (const [id, off] of [["first", state.step <= 0], ["back", state.step <= 0], ["on", state.step >= total], ["last", state.step >= total]]) {
      $(id).disabled = off;
    }
    box.classList.toggle("stuck", isStuck());
    const op = (place) => element("span", "op", say(place));
    if (isStuck()) {
      const expected = chosen ? chosen.expected : "";
      box.replaceChildren("✗ Stuck: ", op(now.stuck), " must have taken effect by its end, and cannot", expected ? ": " : "", element("span", "state", expected), ".");
    } else if (!chosen) {
      box.replaceChildren("No order is known.");
    } else if (state.step === 0) {
      box.replaceChildren(skipped ? `The first ${skipped.toLocaleString("en")} steps are not shown.` : "Nothing has taken effect yet.");
    } else {
      const free = now.opened.has(chosen.operations[state.step - 1]) ? " (its end does not matter here)" : "";
      const after = chosen.states[state.step - 1];
      box.replaceChildren(op(chosen.operations[state.step - 1]), ` takes effect${free}.`, after ? " Then: " : "", element("span", "state", after), after ? "." : "");
    }
  }

  // The steps around the one that is shown.
  function listing() {
    const list = $("order"), chosen = order();
    $("listing").hidden = !chosen;
    if (!chosen) return;
    const around = printing ? 12 : 5, total = steps();
    const start = Math.max(1, Math.min(state.step - around, total - 2 * around)), end = Math.min(total, Math.max(state.step + around, 2 * around + 1));
    const focused = list.contains(document.activeElement);
    const rows = [];
    if (start + chosen.skipped > 1) rows.push(element("li", "more", `… ${(start - 1 + chosen.skipped).toLocaleString("en")} before`));
    for (let step = start; step <= end; step++) {
      const isEnd = now.stuck !== null && step === total, place = isEnd ? now.stuck : chosen.operations[step - 1];
      const item = element("li"), button = element("button", "", undefined, item);
      button.type = "button";
      element("span", "number", isEnd ? "✗" : `${(step + chosen.skipped).toLocaleString("en")}.`, button);
      element("span", "", say(place), button);
      element("span", isEnd ? "after stuck" : "after", short(isEnd ? chosen.expected : chosen.states[step - 1]), button);
      if (step === state.step) button.setAttribute("aria-current", "step");
      button.addEventListener("click", () => go(step));
      rows.push(item);
    }
    if (end < total) rows.push(element("li", "more", `… ${(total - end).toLocaleString("en")} after`));
    list.replaceChildren(...rows);
    if (focused) list.querySelector("[aria-current]")?.focus({ preventScroll: true });
  }

  function table() {
    $("tables").hidden = holds;
    if (holds) return;
    const shown = violation().places.length > 60 ? [...now.core].slice(-60) : violation().places;
    $("enough").textContent = isSmall() ? "What is drawn" : "The smallest part";
    $("rows").replaceChildren(...shown.map((place) => {
      const row = element("tr", place === now.stuck ? "stuck" : ""), operation = operations[place];
      element("td", "", operation.who, row);
      element("td", "", operation.text, row);
      element("td", "", operation.place, row);
      const note = place === now.stuck ? "fits in no order" : now.opened.has(place) ? "at any later time, or never" : "";
      element("td", "", note, row);
      return row;
    }));
  }

  // What lies between these two places, and nothing else.
  function draw() {
    const left = printing ? printed().left : scroller.scrollLeft, top = printing ? 0 : scroller.scrollTop;
    const width = printing ? printed().width : Math.min(scroller.clientWidth, shape.width + shape.gutter);
    const height = printing ? shape.height : Math.min(scroller.clientHeight || shape.height, shape.height);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("aria-label", `${counted(now.places.length, "operation")} by ${counted(shape.lanes.length, "client")}. ${$("status").textContent}`);
    const root = make("g"), moved = make("g", { transform: `translate(${shape.gutter - left} ${-top})` }, root);
    const from = left - shape.gutter - 40, to = left + width;
    shape.lanes.forEach((_, row) => {
      const y = TOP + row * LANE + LANE / 2;
      if (y > top - LANE && y < top + height + LANE) make("line", { class: "lane", x1: left - shape.gutter, x2: to, y1: y, y2: y }, moved);
    });
    const labels = make("g");
    const placed = new Set(order() ? order().operations.slice(0, state.step) : now.places);
    for (const bar of shape.bars) {
      const right = bar.drawn ?? bar.right;
      if (bar.left > to) break;
      if (right < from) continue;
      const y = TOP + bar.row * LANE + (LANE - BAR) / 2;
      if (y > top + height + LANE || y < top - LANE) continue;
      drawBar(moved, labels, bar, right, y, left, placed);
    }
    drawTrail(moved, from, to);
    moved.append(labels);
    make("rect", { class: "gutter", x: 0, y: 0, width: shape.gutter - 8, height }, root);
    shape.lanes.forEach((name, row) => {
      const y = TOP + row * LANE + LANE / 2 - top;
      if (y > -LANE && y < height + LANE) make("text", { class: "who", x: 12, y: y + 4.5 }, root, name);
    });
    svg.replaceChildren(root);
  }

  function drawBar(parent, labels, bar, right, y, left, placed) {
    const { place } = bar, stuck = place === now.stuck;
    const kind = stuck ? "stuck" : now.core.has(place) ? "" : "other";
    const open = bar.right === null, later = !placed.has(place) && !stuck;
    const group = make("g", { class: later ? "operation later" : "operation" }, parent);
    make("title", {}, group, `${say(place)} (${operations[place].place})`);
    const mark = data.furthest.includes(place) ? " furthest" : "";
    // An open bar has no right edge.
    const shapeOf = open
      ? { d: `M ${right} ${y} H ${bar.left + 5} q -5 0 -5 5 v ${BAR - 10} q 0 5 5 5 H ${right}` }
      : { d: `M ${bar.left + 5} ${y} H ${right - 5} q 5 0 5 5 v ${BAR - 10} q 0 5 -5 5 H ${bar.left + 5} q -5 0 -5 -5 v ${10 - BAR} q 0 -5 5 -5 Z` };
    make("path", { class: `bar ${kind}${open ? " open" : ""}${mark}`, ...shapeOf }, group);
    if (stuck && right - bar.left > 16) make("rect", { class: "inner", x: bar.left + 4, y: y + 4, width: right - bar.left - 8, height: BAR - 8, rx: 2 }, group);
    // The label stays in sight while its bar is.
    const start = Math.max(bar.left, Math.min(left, right - 60)) + 9, room = Math.floor((right - start - 5) / CHARACTER);
    const text = operations[place].text;
    if (room >= 2) make("text", { class: `label ${kind}${later ? " later" : ""}`, x: start, y: y + BAR / 2 + 4.5 }, labels, text.length <= room ? text : `${text.slice(0, room - 1)}…`);
  }

  function drawTrail(parent, from, to) {
    const shown = trail.slice(0, state.step).filter(Boolean);
    const seen = shown.filter((point, index) => {
      const near = (other) => other && other.x >= from - 40 && other.x <= to + 40;
      return near(point) || near(shown[index - 1]) || near(shown[index + 1]);
    });
    const below = (point) => `${point.x} ${point.y + BAR / 2}`;
    if (seen.length > 1) make("polyline", { class: "thread", points: seen.map(below).join(" ") }, parent);
    for (const point of seen) {
      const isNow = point === shown[shown.length - 1] && !isStuck();
      make("circle", { class: isNow ? "dot now" : "dot", cx: point.x, cy: point.y + BAR / 2, r: isNow ? 6.5 : 5 }, parent);
    }
    if (isStuck()) {
      const bar = shape.of.get(now.stuck);
      if (!bar) return;
      const x = bar.right ?? bar.left + 20, y = TOP + bar.row * LANE + LANE / 2 + BAR / 2;
      make("path", { class: "cross", d: `M ${x - 5} ${y - 5} l 10 10 m 0 -10 l -10 10` }, parent);
    }
  }

  // Lets the present step be seen.
  function reveal() {
    const place = isStuck() ? now.stuck : order()?.operations[Math.max(0, state.step - 1)];
    const bar = place === undefined || place === null ? null : shape.of.get(place);
    if (!bar) return;
    const x = isStuck() ? bar.right ?? bar.left : trail[Math.max(0, state.step - 1)]?.x ?? bar.left;
    const view = scroller.clientWidth - shape.gutter, at = x - scroller.scrollLeft;
    if (at < 60 || at > view - 60) scroller.scrollLeft = Math.max(0, x - view * 0.65);
    const y = TOP + bar.row * LANE;
    if (y < scroller.scrollTop || y + LANE > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y - scroller.clientHeight / 2;
  }

  // Lets the window show it, too: on a phone much stands above the drawing.
  function uncover() {
    const bar = isStuck() ? shape.of.get(now.stuck) : null;
    if (!bar) return;
    const bottom = scroller.getBoundingClientRect().top + TOP + (bar.row + 1) * LANE - scroller.scrollTop;
    scrollBy(0, Math.max(0, bottom + TOP - innerHeight));
  }

  function go(step) {
    state.step = Math.max(0, Math.min(step, steps()));
    status();
    listing();
    reveal();
    draw();
  }
  const last = () => go(steps());

  $("first").addEventListener("click", () => go(0));
  $("back").addEventListener("click", () => go(state.step - 1));
  $("on").addEventListener("click", () => go(state.step + 1));
  $("last").addEventListener("click", last);
  for (const [id, change] of [["out", -1], ["in", 1]]) {
    $(id).addEventListener("click", () => {
      state.zoom = Math.max(0, Math.min(ZOOMS.length - 1, state.zoom + change));
      show();
      reveal();
      draw();
    });
  }
  $("key")?.addEventListener("change", (event) => { state.violation = Number(event.target.value); state.attempt = 0; show(); last(); });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select, pre, summary")) return;
    const other = (by) => { if (now.orders.length > 1) { state.attempt = (state.attempt + by + now.orders.length) % now.orders.length; show(); last(); } };
    const keys = {
      ArrowLeft: () => go(state.step - 1), ArrowRight: () => go(state.step + 1), Home: () => go(0), End: last,
      ArrowUp: () => other(-1), ArrowDown: () => other(1),
    };
    // Up and down scroll the page unless the drawing has the focus.
    const isUpDown = event.key === "ArrowUp" || event.key === "ArrowDown";
    if (!keys[event.key] || isUpDown && !$("figure").contains(event.target)) return;
    event.preventDefault();
    keys[event.key]();
  });

  let asked = false;
  const again = () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; draw(); }); } };
  scroller.addEventListener("scroll", again, { passive: true });
  let across = scroller.clientWidth;
  addEventListener("resize", () => {
    if (scroller.clientWidth !== across) {
      reveal();
      uncover();
    }
    across = scroller.clientWidth;
    again();
  });

  // On paper: all of the smallest part, or of a long history what surrounds the present step.
  const PAPER = 1400;
  function printed() {
    const all = shape.width + shape.gutter;
    if (all <= PAPER * 1.6) return { left: 0, width: all };
    const bar = shape.of.get(isStuck() ? now.stuck : order()?.operations[Math.max(0, state.step - 1)]);
    const x = bar ? bar.right ?? bar.left : 0;
    return { left: Math.max(0, Math.min(all - PAPER, x - PAPER * 0.7)), width: PAPER };
  }
  addEventListener("beforeprint", () => { printing = true; listing(); draw(); });
  addEventListener("afterprint", () => { printing = false; listing(); draw(); });

  show();
  if (holds) go(Math.min(1, steps())); else last();
  uncover();
})();
