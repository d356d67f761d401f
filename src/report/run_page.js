"use strict";
// Draws a run: nodes as lanes, messages as arrows, what clients did as bars, all on one axis; and how nodes stood at the cursor. Only what is
// seen is drawn, so that length costs little.
(async () => {
  const data = await read($("run-data"));

  async function read(box) {
    if (box.dataset.form !== "deflate") return JSON.parse(box.textContent);
    const packed = Uint8Array.from(atob(box.textContent.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  // ---- What there is.

  const { strings, nodes, records } = data, count = records.sort.length;
  $("told").open = false;
  if (!count) { $("run").hidden = $("run-records").hidden = true; return; }
  const at = new Float64Array(count), cause = new Int32Array(count).fill(-1);
  for (let i = 0, time = 0; i < count; i++) {
    at[i] = time += records.after_ns[i];
    if (records.cause[i] > 0) cause[i] = i - records.cause[i];
  }
  const sortOf = (i) => strings[records.sort[i]];
  const isMessage = (i) => records.peer[i] >= 0;
  const kindOf = (i) => (isMessage(i) ? strings[records.what[i]].split(",")[0] : sortOf(i));
  const lost = new Set(records.lost), named = new Set(data.named);
  const BEGINS = new Set(["boot", "crash", "pause", "resume", "deliver", "discard", "timer", "synced", "fault", "lift", "settle"]);
  // The first record of the event that this one is of.
  const begin = (i) => { while (i > 0 && at[i] === at[i - 1] && !BEGINS.has(sortOf(i))) i--; return i; };
  // What came of each: a list in two arrays.
  const firstEffect = new Int32Array(count).fill(-1), nextEffect = new Int32Array(count).fill(-1);
  for (let i = count - 1; i >= 0; i--) {
    if (cause[i] < 0) continue;
    nextEffect[i] = firstEffect[cause[i]];
    firstEffect[cause[i]] = i;
  }
  const effects = (i) => { const all = []; for (let j = firstEffect[i]; j >= 0; j = nextEffect[j]) all.push(j); return all; };
  // Where each message arrives: the record, or nothing.
  const arrives = new Int32Array(count).fill(-1);
  for (let i = 0; i < count; i++) if (isMessage(i) && sortOf(i) !== "send" && cause[i] >= 0) arrives[cause[i]] = i;
  // The earliest sending of what arrives at this record or later.
  const reach = new Int32Array(count + 1).fill(count);
  for (let i = count - 1; i >= 0; i--) {
    const from = isMessage(i) && sortOf(i) !== "send" && cause[i] >= 0 ? cause[i] : i;
    reach[i] = Math.min(reach[i + 1], from);
  }

  const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  function time(nanos, digits = 9) {
    if (nanos === 0) return "0s";
    const [unit, size] = UNITS.find(([, size]) => Math.abs(nanos) >= size) || UNITS[3];
    return `${Number((nanos / size).toFixed(digits))}${unit}`;
  }
  const subject = (i) => {
    if (!isMessage(i)) return records.node[i] < 0 ? "" : nodes[records.node[i]];
    const [from, to] = sortOf(i) === "send" ? [records.node[i], records.peer[i]] : [records.peer[i], records.node[i]];
    return `${nodes[from]} ${lost.has(i) ? "✗" : sortOf(i) === "send" ? "⇢" : "→"} ${nodes[to] ?? "?"}`;
  };
  const what = (i) => {
    const text = strings[records.what[i]];
    if (sortOf(i) === "fault") return "fault";
    if (!isMessage(i)) return text;
    const [kind, ...fate] = text.split(",");
    return `${kind} #${records.count[i]}${fate.length ? `,${fate.join(",")}` : ""}`;
  };
  const detail = (i) => strings[records.detail[i]];
  const said = (i) => [subject(i), what(i), detail(i)].filter(Boolean).join(" ");

  // Spans: when nodes are down or stand still, and how long faults last.
  const last = count - 1;
  const down = nodes.map(() => []), still = nodes.map(() => []), faults = [];
  {
    const since = nodes.map(() => null), stands = nodes.map(() => null);
    for (let i = 0; i < count; i++) {
      const node = records.node[i];
      switch (sortOf(i)) {
        case "crash": since[node] = i; break;
        case "boot": if (since[node] !== null) down[node].push([since[node], i]); since[node] = null; break;
        case "pause": stands[node] = i; break;
        case "resume": if (stands[node] !== null) still[node].push([stands[node], i]); stands[node] = null; break;
        case "fault": faults.push({ from: i, to: null, text: detail(i), nodes: nodes.map((name, place) => (new RegExp(`\\b${name}\\b`).test(detail(i)) ? place : -1)).filter((place) => place >= 0) }); break;
        case "lift": {
          const number = Number((/\d+/.exec(what(i)) || [0])[0]) - 1;
          if (faults[number] && data.first === 0) faults[number].to = i;
          break;
        }
        case "settle": for (const fault of faults) if (fault.to === null && /Partition|Cut|Degrade|Stall|Isolate|OneWay/.test(fault.text)) fault.to = i; break;
      }
    }
    since.forEach((from, node) => { if (from !== null) down[node].push([from, null]); });
    stands.forEach((from, node) => { if (from !== null) still[node].push([from, null]); });
    // A crash or a pause lasts as long as what it did to its node.
    for (const fault of faults) {
      if (fault.to !== null) continue;
      const spans = fault.nodes.flatMap((node) => [...down[node], ...still[node]]).filter(([from]) => from > fault.from && at[from] === at[fault.from]);
      if (spans.length) fault.to = spans.some(([, to]) => to === null) ? last : Math.max(...spans.map(([, to]) => to));
    }
    const free = [];
    for (const fault of faults) {
      let row = free.findIndex((end) => end <= fault.from);
      if (row < 0) row = Math.min(free.length, 4);
      fault.last = true;
      const before = faults.findLast((other) => other.row === row);
      if (before) { before.last = false; before.room = fault.from; }
      free[row] = fault.to ?? fault.from + 1;
      fault.row = row;
    }
  }
  const faultRows = faults.length ? Math.max(...faults.map((fault) => fault.row)) + 1 : 0;

  // Roles, in the order of their importance for the eye: the one that is held longest comes last.
  const roleNames = [...new Set(data.states.flatMap((track) => track.roles.filter(([, claim]) => claim).map(([, claim]) => claim[0])))];
  const held = new Map(roleNames.map((name) => [name, 0]));
  for (const track of data.states) track.roles.forEach(([from, claim], place) => {
    if (claim) held.set(claim[0], held.get(claim[0]) + ((track.roles[place + 1] || [count])[0] - from));
  });
  roleNames.sort((a, b) => held.get(a) - held.get(b));

  // Bars of clients: each node's are stacked where they overlap.
  const bars = data.operations.bars.map(([node, text, from, to, known]) => ({ node, text, from, to, known, row: 0 }));
  const stack = nodes.map(() => 0);
  {
    const free = nodes.map(() => []);
    for (const bar of bars) {
      if (bar.node < 0) continue;
      const rows = free[bar.node];
      let row = rows.findIndex((end) => end < bar.from);
      if (row < 0) row = rows.length < 4 ? rows.length : rows.indexOf(Math.min(...rows));
      rows[row] = bar.to ?? Infinity;
      bar.row = row;
      stack[bar.node] = Math.max(stack[bar.node], row + 1);
    }
  }

  // ---- What is chosen.

  const state = { cursor: 0, zoom: 1, left: 0, spread: true, nodes: new Set(), kinds: new Set(), text: "", shown: null };
  let printing = false;
  const matches = (i) => {
    const of = records.node[i];
    if (state.nodes.size && of >= 0 && !state.nodes.has(of) && !state.nodes.has(records.peer[i])) return false;
    if (state.kinds.size && !state.kinds.has(kindOf(i))) return false;
    return !state.text || `${said(i)} ${sortOf(i)}`.toLowerCase().includes(state.text);
  };
  function filter() {
    const all = !state.nodes.size && !state.kinds.size && !state.text;
    state.shown = all ? null : new Uint8Array(count).map((_, i) => (matches(i) ? 1 : 0));
    list = [];
    for (let i = 0; i < count; i++) if (!state.shown || state.shown[i]) list.push(i);
    $("run-found").textContent = all ? counted(count, "record") : `${list.length.toLocaleString("en")} of ${counted(count, "record")}`;
  }
  let list = [];
  const isShown = (i) => !state.shown || state.shown[i];
  const step = (by) => {
    let i = state.cursor;
    for (let left = Math.abs(by); left > 0;) {
      const next = i + Math.sign(by);
      if (next < 0 || next >= count) break;
      i = next;
      if (isShown(i)) { left--; state.pending = i; }
    }
    if (isShown(i)) return i;
    return state.pending ?? state.cursor;
  };

  // ---- Where things are.

  const spread = new Float64Array(count), scaled = new Float64Array(count);
  {
    let x = 0;
    const end = Math.max(1, at[last] - at[0]);
    for (let i = 0; i < count; i++) {
      if (i) {
        const gap = at[i] - at[i - 1];
        const together = gap === 0 && sortOf(i) === "send" && sortOf(i - 1) === "send" && records.node[i] === records.node[i - 1];
        x += together ? 0 : gap === 0 ? 7 : Math.min(64, 12 + 9 * Math.log10(1 + gap / 1e5));
      }
      spread[i] = x;
    }
    for (let i = 0; i < count; i++) scaled[i] = ((at[i] - at[0]) / end) * x;
  }
  const place = () => (state.spread ? spread : scaled);
  const long = Math.max(1, spread[last]);
  // Where a time lies that no record has.
  function placeOf(nanos) {
    let low = 0, high = last;
    while (low < high) { const middle = (low + high + 1) >> 1; if (at[middle] <= nanos) low = middle; else high = middle - 1; }
    const xs = place();
    if (low === last || at[low] >= nanos) return xs[low];
    return xs[low] + ((nanos - at[low]) / (at[low + 1] - at[low])) * (xs[low + 1] - xs[low]);
  }
  const find = (x) => {
    const xs = place();
    let low = 0, high = last;
    while (low < high) { const middle = (low + high) >> 1; if (xs[middle] < x) low = middle + 1; else high = middle; }
    return low > 0 && Math.abs(xs[low - 1] - x) < Math.abs(xs[low] - x) ? low - 1 : low;
  };

  const canvas = $("run-canvas"), figure = $("run-figure"), pen = canvas.getContext("2d");
  const GUTTER = 58, AXIS = 24, FAULT = 20, BAR = 17, CURVE = data.curve ? 76 : 0;
  let lanes = [], height = 0, width = 0;
  function layOut() {
    const room = nodes.length <= 6 ? 68 : nodes.length <= 12 ? 52 : nodes.length <= 24 ? 34 : 20;
    let y = AXIS + faultRows * FAULT + 8;
    lanes = nodes.map((name, node) => {
      const bars = stack[node] * (BAR + 3), lane = { y: y + bars + room / 2, top: y, bottom: y + bars + room };
      y += bars + room;
      return lane;
    });
    height = y + 8 + CURVE;
    width = figure.clientWidth;
  }
  const least = () => Math.min(1, Math.max(40, width - GUTTER - 24) / long);
  const screen = (x) => GUTTER + 12 + (x - state.left) * state.zoom;
  const world = (pixel) => state.left + (pixel - GUTTER - 12) / state.zoom;
  function clamp() {
    state.zoom = Math.max(least(), Math.min(6, state.zoom));
    const most = Math.max(0, long - (width - GUTTER - 24) / state.zoom);
    state.left = Math.max(0, Math.min(most, state.left));
  }

  // ---- Drawing.

  let colors = {};
  function readColors() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ink", "quiet", "rule", "card", "page", "bar", "bar-edge", "stuck", "stuck-edge", "good", "doubt", "thread", "other", "other-edge", "fault", "role-0", "role-1", "role-2", "role-3", "role-4"]) {
      colors[name] = style.getPropertyValue(`--${name}`).trim();
    }
  }
  const roleColor = (name) => colors[`role-${Math.min(4, roleNames.indexOf(name))}`];
  const MONO = getComputedStyle(document.documentElement).getPropertyValue("--mono");

  function draw() {
    const scale = printing ? 2 : devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `12px ${MONO}`;
    pen.textBaseline = "middle";
    const xs = place();
    const from = Math.max(0, find(world(GUTTER - 40)) - 1), to = Math.min(last, find(world(width + 40)) + 1);
    const dense = to - from > 6000;
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, 0, width - GUTTER, height);
    pen.clip();
    drawFaults(xs);
    drawLanes(xs, from, to);
    drawMessages(xs, from, to, dense);
    drawBars(xs, from, to);
    drawMarks(xs, from, to, dense);
    if (to - from < 420) drawWords(xs, from, to);
    drawCurve(xs, from, to);
    drawAxis(xs);
    drawCursor(xs);
    pen.restore();
    drawGutter();
    drawCharts();
  }

  function drawFaults(xs) {
    for (const fault of faults) {
      const left = screen(xs[fault.from]), right = fault.to === null ? left + 3 : screen(xs[fault.to]);
      if (right < GUTTER - 200 || left > width) continue;
      const y = AXIS + fault.row * FAULT;
      pen.fillStyle = colors.fault;
      pen.globalAlpha = 0.13;
      const touched = fault.nodes.length ? fault.nodes.map((node) => lanes[node]) : [{ top: lanes[0].top, bottom: lanes[lanes.length - 1].bottom }];
      for (const lane of touched) pen.fillRect(left, lane.top + 2, Math.max(2, right - left), lane.bottom - lane.top - 4);
      pen.globalAlpha = 1;
      pen.fillRect(left, y + 2, Math.max(3, right - left), FAULT - 5);
      const text = fault.text;
      const wide = pen.measureText(text).width, inside = right - left > wide + 8;
      pen.fillStyle = inside ? colors.card : colors.ink;
      const visible = Math.max(left, GUTTER);
      const room = fault.last ? Infinity : screen(xs[fault.room]) - right - 8;
      if (inside || wide < room) pen.fillText(text, (inside ? visible : Math.max(right, GUTTER)) + 5, y + FAULT / 2);
    }
  }

  // Where something is written already.
  let written = [];
  function drawLanes(xs, from, to) {
    written = [];
    nodes.forEach((name, node) => {
      const lane = lanes[node], track = data.states[node], faded = state.nodes.size && !state.nodes.has(node);
      pen.globalAlpha = faded ? 0.3 : 1;
      pen.strokeStyle = colors.rule;
      pen.lineWidth = 1;
      line(GUTTER, lane.bottom, width, lane.bottom);
      const spans = track.roles.length ? track.roles : [[0, null]];
      spans.forEach(([begin, claim], place) => {
        const end = (spans[place + 1] || [last])[0];
        if (end < from - 1 || begin > to + 1) return;
        const left = screen(xs[begin]), right = place + 1 < spans.length ? screen(xs[end]) : width;
        pen.strokeStyle = claim ? roleColor(claim[0]) : colors["other-edge"];
        pen.lineWidth = claim ? (claim[0] === roleNames[0] ? 7 : 5) : 2;
        line(left, lane.y, right, lane.y);
        const label = claim ? `${claim[0]}${claim[1] ? ` ${claim[1]}` : ""}` : "";
        if (label && lane.bottom - lane.top > 24 && right - Math.max(left, GUTTER) > pen.measureText(label).width + 10) {
          pen.fillStyle = roleColor(claim[0]);
          const x = Math.max(left, GUTTER + 2) + 3;
          pen.fillText(label, x, lane.bottom - 9);
          written.push([x, lane.bottom - 15, x + pen.measureText(label).width, lane.bottom - 3]);
        }
      });
      gaps(xs, down[node], lane, "down");
      gaps(xs, still[node], lane, "stands still");
      pen.globalAlpha = 1;
    });
  }
  function gaps(xs, spans, lane, text) {
    for (const [begin, end] of spans) {
      const left = screen(xs[begin]), right = end === null ? width : screen(xs[end]);
      if (right < GUTTER || left > width) continue;
      pen.fillStyle = colors.card;
      pen.fillRect(left, lane.y - 6, right - left, 12);
      pen.strokeStyle = text === "down" ? colors["stuck-edge"] : colors.doubt;
      pen.lineWidth = 1.5;
      pen.setLineDash(text === "down" ? [2, 6] : [7, 4]);
      line(left, lane.y, right, lane.y);
      pen.setLineDash([]);
      if (right - Math.max(left, GUTTER) > pen.measureText(text).width + 12) {
        pen.fillStyle = pen.strokeStyle;
        const x = Math.max(left, GUTTER) + 6;
        pen.fillText(text, x, lane.y + 12);
        written.push([x, lane.y + 6, x + pen.measureText(text).width, lane.y + 18]);
      }
    }
  }
  const line = (x1, y1, x2, y2) => { pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke(); };

  // From where to where the arrow of a sending goes.
  function arrow(i, xs) {
    const sender = records.node[i], receiver = records.peer[i], end = arrives[i];
    if (sender < 0 || receiver < 0) return null;
    const x1 = screen(xs[i]), y1 = lanes[sender].y;
    const due = records.due_ns[i];
    let x2 = end >= 0 ? screen(xs[end]) : due !== undefined ? screen(placeOf(due)) : x1 + 26, y2 = lanes[receiver].y;
    const isLost = lost.has(i) || (end >= 0 && lost.has(end));
    if (lost.has(i)) { const share = Math.min(0.55, 60 / Math.max(1, Math.abs(y2 - y1))); y2 = y1 + (y2 - y1) * share; x2 = x1 + 22; }
    return { x1, y1, x2, y2, isLost, isOpen: end < 0 && !isLost };
  }
  function drawMessages(xs, from, to, dense) {
    const chain = new Set(lineage(state.cursor));
    for (const wantLost of [false, true]) {
      pen.strokeStyle = wantLost ? colors["stuck-edge"] : colors["bar-edge"];
      pen.fillStyle = pen.strokeStyle;
      pen.globalAlpha = dense ? (wantLost ? 0.6 : 0.22) : wantLost ? 0.95 : 0.6;
      pen.lineWidth = dense ? 0.7 : 1.2;
      pen.beginPath();
      const heads = [];
      for (let i = Math.min(reach[from], from); i <= to; i++) {
        if (sortOf(i) !== "send" || !isShown(i)) continue;
        const line = arrow(i, xs);
        if (!line || line.isLost !== wantLost || line.x2 < GUTTER || line.x1 > width) continue;
        pen.moveTo(line.x1, line.y1);
        pen.lineTo(line.x2, line.y2);
        if (!dense) heads.push(line);
      }
      pen.stroke();
      for (const line of heads) (line.isLost ? cross : head)(line);
      pen.globalAlpha = 1;
    }
    // What the record at the cursor came of stands out.
    pen.strokeStyle = pen.fillStyle = colors.thread;
    pen.lineWidth = 2.4;
    for (const i of chain) {
      if (sortOf(i) !== "send" || !isShown(i)) continue;
      const one = arrow(i, xs);
      if (!one) continue;
      line(one.x1, one.y1, one.x2, one.y2);
      (one.isLost ? cross : head)(one);
    }
  }
  function head({ x1, y1, x2, y2, isOpen }) {
    if (isOpen) return;
    const angle = Math.atan2(y2 - y1, x2 - x1), size = 7;
    pen.beginPath();
    pen.moveTo(x2, y2);
    pen.lineTo(x2 - size * Math.cos(angle - 0.4), y2 - size * Math.sin(angle - 0.4));
    pen.lineTo(x2 - size * Math.cos(angle + 0.4), y2 - size * Math.sin(angle + 0.4));
    pen.fill();
  }
  function cross({ x2, y2 }) { pen.save(); pen.lineWidth = 2; pen.globalAlpha = 1; line(x2 - 4, y2 - 4, x2 + 4, y2 + 4); line(x2 - 4, y2 + 4, x2 + 4, y2 - 4); pen.restore(); }

  function barBox(bar, xs) {
    const left = screen(xs[bar.from]), right = bar.to === null ? width + 20 : Math.max(left + 6, screen(xs[bar.to]));
    return { left, right, top: lanes[bar.node].top + 4 + bar.row * (BAR + 3) };
  }
  function drawBars(xs, from, to) {
    const stuck = data.operations.stuck, point = new Map(data.operations.points);
    const trail = [];
    bars.forEach((bar, number) => {
      if (bar.node < 0 || bar.from > to || (bar.to !== null && bar.to < from)) return;
      const { left, right, top } = barBox(bar, xs), isStuck = number === stuck, isOrdered = point.has(number);
      if (right < GUTTER || left > width) return;
      pen.globalAlpha = state.nodes.size && !state.nodes.has(bar.node) ? 0.25 : 1;
      pen.fillStyle = isStuck ? colors.stuck : isOrdered || !data.operations.points.length ? colors.bar : colors.other;
      pen.strokeStyle = isStuck ? colors["stuck-edge"] : isOrdered || !data.operations.points.length ? colors["bar-edge"] : colors["other-edge"];
      pen.lineWidth = isStuck ? 2.5 : 1;
      pen.setLineDash(bar.to === null || !bar.known ? [4, 3] : []);
      pen.beginPath();
      pen.roundRect(left, top, right - left, BAR, 4);
      pen.fill();
      pen.stroke();
      pen.setLineDash([]);
      const begin = Math.max(left, GUTTER), room = Math.floor((Math.min(right, width) - begin - 8) / 7.3);
      if (room > 1) {
        pen.fillStyle = colors.ink;
        pen.fillText(bar.text.length <= room ? bar.text : `${bar.text.slice(0, room - 1)}…`, begin + 5, top + BAR / 2 + 0.5);
      }
      pen.globalAlpha = 1;
    });
    for (const [number, nanos] of data.operations.points) {
      const bar = bars[number];
      if (!bar || bar.node < 0) continue;
      trail.push([screen(placeOf(nanos)), barBox(bar, xs).top + BAR]);
    }
    if (trail.length > 1) {
      pen.strokeStyle = colors.thread;
      pen.lineWidth = 1.6;
      pen.beginPath();
      trail.forEach(([x, y], place) => (place ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.stroke();
    }
    pen.fillStyle = colors.thread;
    for (const [x, y] of trail) if (x > GUTTER - 9 && x < width + 9) { pen.beginPath(); pen.arc(x, y, 4, 0, 7); pen.fill(); }
  }

  function drawMarks(xs, from, to, dense) {
    const chain = new Set(lineage(state.cursor));
    for (let i = from; i <= to; i++) {
      const node = records.node[i], sort = sortOf(i);
      if (node < 0 || !isShown(i)) continue;
      const heavy = sort === "crash" || sort === "boot" || sort === "panic" || named.has(i) || chain.has(i);
      if (dense && !heavy) continue;
      const x = screen(xs[i]), y = lanes[node].y;
      pen.fillStyle = pen.strokeStyle = chain.has(i) ? colors.thread : colors.ink;
      pen.lineWidth = 1.6;
      switch (sort) {
        case "synced": pen.strokeStyle = colors.good; pen.lineWidth = 2.5; line(x, y - 9, x, y + 9); break;
        case "write": pen.strokeStyle = colors.quiet; pen.lineWidth = 1; line(x, y + 2, x, y + 8); break;
        case "timer": pen.fillStyle = colors.card; dot(x, y, 4.5); pen.stroke(); break;
        case "note": pen.save(); pen.translate(x, y); pen.rotate(Math.PI / 4); pen.fillRect(-4, -4, 8, 8); pen.restore(); break;
        case "mark": break;
        case "crash": case "panic": pen.strokeStyle = colors["stuck-edge"]; pen.lineWidth = 3.5; line(x - 6, y - 6, x + 6, y + 6); line(x - 6, y + 6, x + 6, y - 6); break;
        case "boot": pen.fillStyle = colors.good; pen.beginPath(); pen.moveTo(x, y - 7); pen.lineTo(x + 9, y); pen.lineTo(x, y + 7); pen.fill(); break;
        case "deliver": case "send": dot(x, y, 2.4); break;
      }
      if (named.has(i)) { pen.strokeStyle = colors["stuck-edge"]; pen.lineWidth = 2.5; pen.beginPath(); pen.arc(x, y, 10, 0, 7); pen.stroke(); }
    }
    const worn = new Map();
    for (const badge of badges) {
      // Steps of one record stand side by side.
      const nth = worn.get(badge.record) ?? 0, x = screen(xs[badge.record]) + nth * 19, node = records.node[badge.record];
      worn.set(badge.record, nth + 1);
      if (x < GUTTER - 20 || x > width + 20 || !isShown(badge.record)) continue;
      const y = node < 0 ? AXIS + 10 : lanes[node].y - 17;
      pen.fillStyle = colors.ink;
      dot(x, y, 8.5);
      pen.fillStyle = colors.page;
      pen.textAlign = "center";
      pen.font = `bold 11px ${MONO}`;
      pen.fillText(badge.number, x, y + 0.5);
      pen.textAlign = "start";
      pen.font = `12px ${MONO}`;
    }
    if (data.violated_ns !== null) {
      const x = screen(placeOf(data.violated_ns));
      pen.strokeStyle = pen.fillStyle = colors["stuck-edge"];
      pen.lineWidth = 1.5;
      line(x, AXIS, x, height);
      pen.save();
      pen.textAlign = x > width - 80 ? "end" : "start";
      pen.fillText(" ✗ violated ", x, height - CURVE - 8);
      pen.restore();
    }
  }
  // What the marks and arrows are, where there is room to say so: first at the cursor, then what is named or told, then all else.
  function drawWords(xs, from, to) {
    const taken = [...written];
    const free = (box) => taken.every((other) => box[0] > other[2] || box[2] < other[0] || box[1] > other[3] || box[3] < other[1]);
    const chain = new Set(lineage(state.cursor)), told = new Set(badges.map((badge) => badge.record));
    for (const badge of badges) if (records.node[badge.record] >= 0) {
      const x = screen(xs[badge.record]), y = lanes[records.node[badge.record]].y - 17;
      taken.push([x - 9, y - 9, x + 9, y + 9]);
    }
    for (const bar of bars) {
      if (bar.node < 0 || bar.from > to || (bar.to !== null && bar.to < from)) continue;
      const { left, right, top } = barBox(bar, xs);
      taken.push([left, top, right, top + BAR]);
    }
    const weight = (i) => (i === state.cursor ? 0 : named.has(i) ? 1 : chain.has(i) ? 2 : told.has(i) ? 3 : sortOf(i) === "note" ? 4 : sortOf(i) === "timer" ? 5 : 6);
    const all = [];
    for (let i = from; i <= to; i++) if (records.node[i] >= 0 && isShown(i) && ["note", "timer", "send"].includes(sortOf(i))) all.push(i);
    all.sort((a, b) => weight(a) - weight(b) || a - b);
    pen.save();
    pen.font = `11px ${MONO}`;
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.strokeStyle = colors.card;
    for (const i of all) {
      const isSend = sortOf(i) === "send", one = isSend ? arrow(i, xs) : null;
      if (isSend && (!one || records.node[i] === records.peer[i])) continue;
      const text = isSend ? kindOf(i) : (/^(?:\w+\((?=[A-Z]))*([\w-]+)/.exec(detail(i)) || ["", ""])[1], wide = pen.measureText(text).width;
      if (!text) continue;
      const places = isSend
        ? [0.5, 0.3, 0.7].map((share) => [one.x1 + (one.x2 - one.x1) * share + 4, one.y1 + (one.y2 - one.y1) * share])
        : [[screen(xs[i]) - 4, lanes[records.node[i]].y - 15], [screen(xs[i]) - 4, lanes[records.node[i]].y - 27], [screen(xs[i]) - 4, lanes[records.node[i]].y + 15]];
      // No message is named on the line of a node that it passes.
      const found = places.find(([x, y]) => (!isSend || lanes.every((lane) => Math.abs(lane.y - y) > 8)) && x > GUTTER && x + wide < width && y - 6 > lanes[0].top && free([x - 2, y - 6, x + wide + 2, y + 6]));
      if (!found) continue;
      const [x, y] = found;
      taken.push([x - 2, y - 6, x + wide + 2, y + 6]);
      pen.strokeText(text, x, y);
      pen.fillStyle = chain.has(i) ? colors.thread : isSend ? (one.isLost ? colors["stuck-edge"] : colors.quiet) : colors.ink;
      pen.fillText(text, x, y);
    }
    pen.restore();
  }
  const dot = (x, y, size) => { pen.beginPath(); pen.arc(x, y, size, 0, 7); pen.fill(); };

  function drawCurve(xs) {
    if (!data.curve) return;
    const top = height - CURVE + 8, low = height - 16, y = (share) => low - (low - top) * share;
    pen.strokeStyle = colors.rule;
    for (const share of [0, 0.5, 1]) line(GUTTER, y(share), width, y(share));
    const points = data.curve.points.map(([record, share, from, to]) => [screen(xs[Math.max(0, Math.min(last, record))]), share, from, to]);
    if (!points.length) return;
    pen.fillStyle = colors.thread;
    pen.globalAlpha = 0.18;
    pen.beginPath();
    points.forEach(([x, , , upper], place) => (place ? pen.lineTo(x, y(upper)) : pen.moveTo(x, y(upper))));
    [...points].reverse().forEach(([x, , lower]) => pen.lineTo(x, y(lower)));
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = colors.thread;
    pen.lineWidth = 2;
    pen.beginPath();
    points.forEach(([x, share], place) => (place ? pen.lineTo(x, y(share)) : pen.moveTo(x, y(share))));
    pen.stroke();
    for (const [x, share] of points) dot(x, y(share), 2.8);
    pen.fillStyle = colors.quiet;
    pen.fillText("how often it fails if all from here on is drawn afresh", GUTTER + 6, height - 7);
  }

  function drawAxis(xs) {
    pen.fillStyle = colors.card;
    pen.fillRect(GUTTER, 0, width - GUTTER, AXIS - 2);
    pen.fillStyle = colors.quiet;
    pen.strokeStyle = colors.rule;
    pen.lineWidth = 1;
    let free = GUTTER;
    for (let x = GUTTER + 14; x < width - 10; x += 96) {
      const i = find(world(x)), where = screen(xs[i]);
      const text = time(at[i], 3), wide = pen.measureText(text).width;
      if (where < free || where + wide > width) continue;
      pen.fillText(text, where + 3, 10);
      line(where, 2, where, AXIS - 4);
      free = where + wide + 20;
    }
    pen.strokeStyle = colors.rule;
    line(GUTTER, AXIS - 2, width, AXIS - 2);
  }
  function drawCursor(xs) {
    const x = screen(xs[state.cursor]);
    pen.strokeStyle = colors.thread;
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 3]);
    line(x, AXIS - 2, x, height);
    pen.setLineDash([]);
    const node = records.node[state.cursor];
    if (node >= 0) { pen.lineWidth = 2.5; pen.beginPath(); pen.arc(x, lanes[node].y, 7.5, 0, 7); pen.stroke(); }
    const text = time(at[state.cursor], 6), wide = pen.measureText(text).width + 10;
    const left = Math.max(GUTTER, Math.min(width - wide, x - wide / 2));
    pen.fillStyle = colors.thread;
    pen.fillRect(left, 0, wide, AXIS - 3);
    pen.fillStyle = colors.page;
    pen.fillText(text, left + 5, 10.5);
  }
  function drawGutter() {
    pen.fillStyle = colors.card;
    pen.fillRect(0, 0, GUTTER, height);
    pen.strokeStyle = colors.rule;
    pen.lineWidth = 1;
    line(GUTTER - 0.5, 0, GUTTER - 0.5, height);
    pen.font = `600 13px ${MONO}`;
    nodes.forEach((name, node) => {
      pen.fillStyle = state.nodes.size && !state.nodes.has(node) ? colors["other-edge"] : colors.ink;
      pen.fillText(name, 10, lanes[node].y);
    });
    pen.font = `12px ${MONO}`;
    pen.fillStyle = colors.quiet;
    if (faultRows) pen.fillText("faults", 8, AXIS + FAULT / 2);
    if (CURVE) { pen.fillText("100 %", 10, height - CURVE + 8); pen.fillText("0 %", 10, height - 16); }
  }

  // ---- What was measured, on the same axis.

  const { charts, tables, after_ns: afters } = data.metrics ?? { charts: [], tables: [], after_ns: [] };
  const sampled = new Float64Array(afters.length);
  for (let s = 0, time = 0; s < afters.length; s++) sampled[s] = time += afters[s];
  const panels = $("run-charts"), panelCanvas = $("run-charts-canvas"), panelPen = panelCanvas.getContext("2d");
  const PANEL = 92, TITLE = 20, wholeButton = $("run-charts-whole");
  // Whether charts show the whole run, and not what the drawing above shows.
  let isWhole = true;
  const runEnd = Math.max(1, sampled.length ? sampled[sampled.length - 1] : 1);
  const wholeX = (nanos) => GUTTER + 12 + (nanos / runEnd) * (width - GUTTER - 24);
  const chartX = (nanos) => (isWhole ? wholeX(nanos) : screen(placeOf(nanos)));
  const chartTime = (x) => Math.max(0, Math.min(runEnd, ((x - GUTTER - 12) / (width - GUTTER - 24)) * runEnd));
  // The last record up to a time.
  const recordAt = (nanos) => { let low = 0, high = last; while (low < high) { const middle = (low + high + 1) >> 1; if (at[middle] <= nanos) low = middle; else high = middle - 1; } return low; };
  // When faults were in force, in the whole run: as it was sampled, since the page may not have all of its records.
  const inForce = [];
  for (const [name, , numbers] of tables.find((table) => table.name === "faults_in_force")?.rows ?? []) {
    for (let s = 1; s < numbers.length; s++) {
      if (!numbers[s]) continue;
      const known = inForce.findLast((band) => band.name === name);
      if (known && known.to === sampled[s - 1]) known.to = sampled[s]; else inForce.push({ name, from: sampled[s - 1], to: sampled[s] });
    }
  }
  // The sample that tells of a time: it is taken at its end. At the start nothing has come yet.
  function sampleAt(nanos) {
    let low = Math.min(1, sampled.length - 1), high = sampled.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (sampled[middle] < nanos) low = middle + 1; else high = middle; }
    return low;
  }
  const amount = (number, unit, more = {}) => {
    if (number === null || number === undefined) return "–";
    if (unit === "seconds") return time(Number((number * 1e9).toPrecision(3)), 3);
    const text = number.toLocaleString("en", { maximumSignificantDigits: 4, ...more });
    return unit.startsWith("/") ? `${text}${unit}` : unit ? `${text} ${unit}` : text;
  };
  const unitOf = (chart) => tables[chart.lines[0][0][0]].rows[chart.lines[0][0][1]][1];
  for (const chart of charts) {
    // Roles have the colours that they have above.
    const tone = (table, name, color) => (tables[table].name === "role_holders" && roleNames.includes(name) ? `role-${Math.min(4, roleNames.indexOf(name))}` : color);
    chart.rows = chart.lines.map(([[table, row], name, color]) => ({ numbers: tables[table].rows[row][2], name, color: tone(table, name, color) }));
    chart.unit = unitOf(chart);
    const all = chart.rows.flatMap((row) => row.numbers.filter((number) => number !== null && number > 0));
    const most = Math.max(...all, Number.MIN_VALUE), least = Math.min(...all, most);
    // Lengths that differ by orders of magnitude are all seen.
    chart.isLog = chart.unit === "seconds" && most / least > 30;
    const size = 10 ** Math.floor(Math.log10(most));
    chart.most = chart.isLog ? 10 ** Math.ceil(Math.log10(most)) : [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((times) => times * size).find((nice) => nice >= most * 0.9999) ?? most;
    chart.least = chart.isLog ? 10 ** Math.floor(Math.log10(least)) : 0;
    chart.share = (number) => Math.max(0, Math.min(1, chart.isLog ? Math.log(Math.max(number, chart.least) / chart.least) / Math.log(chart.most / chart.least) : number / chart.most));
  }
  function drawCharts() {
    if (!charts.length) return;
    const scale = printing ? 2 : devicePixelRatio || 1, high = AXIS + charts.length * PANEL + 6, pen = panelPen;
    panelCanvas.width = Math.round(width * scale);
    panelCanvas.height = Math.round(high * scale);
    panelCanvas.style.width = `${width}px`;
    panelCanvas.style.height = `${high}px`;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, high);
    pen.font = `12px ${MONO}`;
    pen.textBaseline = "middle";
    const xs = place(), where = Float64Array.from(sampled, chartX), now = sampleAt(at[state.cursor]);
    // The samples of which there is something to show.
    const begin = isWhole ? 0 : sampleAt(at[0]) - 1, end = isWhole ? sampled.length - 1 : sampleAt(at[last]);
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, 0, width - GUTTER, high);
    pen.clip();
    drawTicks(pen);
    pen.fillStyle = colors.fault;
    const bands = isWhole ? inForce.map(({ from, to }) => [wholeX(from), wholeX(to)]) : faults.map((fault) => [screen(xs[fault.from]), fault.to === null ? screen(xs[fault.from]) + 3 : screen(xs[fault.to])]);
    pen.globalAlpha = 0.15;
    for (const [left, right] of bands) pen.fillRect(left, AXIS, Math.max(2, right - left), high);
    if (isWhole) {
      // What the drawing above shows.
      const [left, right] = [world(GUTTER), world(width)].map((x) => wholeX(at[find(x)]));
      pen.fillStyle = colors.thread;
      pen.globalAlpha = 0.16;
      pen.fillRect(left, AXIS, Math.max(3, right - left), high);
    }
    pen.globalAlpha = 1;
    charts.forEach((chart, place) => {
      const top = AXIS + place * PANEL + TITLE + 6, low = AXIS + (place + 1) * PANEL - 6, y = (number) => low - (low - top) * chart.share(number);
      pen.lineWidth = 1;
      pen.strokeStyle = colors.rule;
      for (const height of [top, (top + low) / 2, low]) { pen.beginPath(); pen.moveTo(GUTTER, height); pen.lineTo(width, height); pen.stroke(); }
      chart.rows.forEach((row, nth) => {
        pen.strokeStyle = pen.fillStyle = colors[row.color];
        pen.lineWidth = 1.8;
        pen.beginPath();
        // Each number is of the time since the sample before.
        let isOpen = false;
        for (let s = begin + 1; s <= end; s++) {
          const number = row.numbers[s];
          if (number === null) { isOpen = false; continue; }
          if (where[s] < GUTTER - 50 || where[s - 1] > width + 50) { isOpen = false; continue; }
          if (isOpen) pen.lineTo(where[s - 1], y(number)); else pen.moveTo(where[s - 1], y(number));
          pen.lineTo(where[s], y(number));
          isOpen = true;
        }
        pen.stroke();
        if (nth || chart.isLog || chart.unit !== "/s") return;
        pen.globalAlpha = 0.1;
        for (let s = begin + 1; s <= end; s++) if (row.numbers[s] && where[s] > GUTTER && where[s - 1] < width) pen.fillRect(where[s - 1], y(row.numbers[s]), where[s] - where[s - 1], low - y(row.numbers[s]));
        pen.globalAlpha = 1;
      });
    });
    const x = isWhole ? wholeX(at[state.cursor]) : screen(xs[state.cursor]);
    if (data.violated_ns !== null) {
      const violated = chartX(data.violated_ns);
      pen.strokeStyle = colors["stuck-edge"];
      pen.lineWidth = 1.5;
      pen.beginPath(); pen.moveTo(violated, AXIS - 2); pen.lineTo(violated, high); pen.stroke();
    }
    pen.strokeStyle = colors.thread;
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 3]);
    pen.beginPath(); pen.moveTo(x, AXIS - 2); pen.lineTo(x, high); pen.stroke();
    pen.setLineDash([]);
    // Titles and numbers stand on what is drawn.
    charts.forEach((chart, place) => {
      const middle = AXIS + place * PANEL + TITLE / 2 + 4;
      const parts = [[chart.title, colors.ink, 600], ...chart.rows.map((row) => [`${row.name} ${amount(row.numbers[now], chart.unit)}`, colors[row.color], 400])];
      let left = GUTTER + 6;
      pen.lineWidth = 4;
      pen.lineJoin = "round";
      pen.strokeStyle = colors.card;
      for (const [text, color, weight] of parts) {
        pen.font = `${weight} 12px ${MONO}`;
        const isLine = weight === 400;
        if (isLine) { pen.fillStyle = color; pen.fillRect(left, middle - 1.5, 12, 3); left += 17; }
        pen.fillStyle = color;
        pen.strokeText(text, left, middle);
        pen.fillText(text, left, middle);
        left += pen.measureText(text).width + 18;
      }
    });
    pen.restore();
    pen.fillStyle = colors.card;
    pen.fillRect(0, 0, GUTTER, high);
    pen.strokeStyle = colors.rule;
    pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(GUTTER - 0.5, 0); pen.lineTo(GUTTER - 0.5, high); pen.stroke();
    pen.font = `11px ${MONO}`;
    pen.textAlign = "end";
    pen.fillStyle = colors.quiet;
    charts.forEach((chart, place) => {
      const compact = { notation: "compact" };
      pen.fillText(amount(chart.most, chart.unit, compact), GUTTER - 6, AXIS + place * PANEL + TITLE + 6);
      pen.fillText(chart.least ? amount(chart.least, chart.unit, compact) : "0", GUTTER - 6, AXIS + (place + 1) * PANEL - 7);
    });
    pen.textAlign = "start";
  }
  // Times above the charts, and the one at the cursor.
  function drawTicks(pen) {
    pen.fillStyle = colors.quiet;
    pen.strokeStyle = colors.rule;
    pen.lineWidth = 1;
    const size = 10 ** Math.floor(Math.log10(runEnd / 8)), step = [1, 2, 5, 10].map((times) => times * size).find((nice) => runEnd / nice <= 10);
    const ticks = [];
    if (isWhole) for (let nanos = 0; nanos <= runEnd; nanos += step) ticks.push(nanos);
    else for (let x = GUTTER + 14; x < width - 10; x += 96) ticks.push(at[find(world(x))]);
    let free = GUTTER;
    for (const nanos of ticks) {
      const x = chartX(nanos), text = time(nanos, 3), wide = pen.measureText(text).width;
      if (x < free || x + wide + 4 > width) continue;
      pen.fillText(text, x + 3, 11);
      pen.beginPath(); pen.moveTo(x, 2); pen.lineTo(x, AXIS - 4); pen.stroke();
      free = x + wide + 12;
    }
    pen.beginPath(); pen.moveTo(GUTTER, AXIS - 2); pen.lineTo(width, AXIS - 2); pen.stroke();
  }
  function setWhole(whole) {
    isWhole = whole;
    wholeButton.setAttribute("aria-pressed", String(whole));
  }
  wholeButton.addEventListener("click", () => { setWhole(!isWhole); draw(); });
  // The numbers of the table, each with the cell that shows it.
  const cells = [];
  function beginMetrics() {
    panels.hidden = $("run-charts-range").hidden = !charts.length;
    $("run-metrics").hidden = !tables.length;
    for (const { name, about, rows } of tables) {
      const section = element("section", "metric", undefined, $("run-metrics-table"));
      const title = element("h4", "", name, section);
      title.title = about;
      const list = element("dl", "", undefined, section);
      // One that is told apart by nothing stands in the line of its name.
      const isOne = rows.length === 1 && !rows[0][0];
      if (isOne) title.remove();
      for (const [told, unit, numbers] of rows) {
        const label = element("dt", isOne ? "name" : "", isOne ? name : told || "–", list);
        if (isOne) label.title = about;
        cells.push({ cell: element("dd", "", "", list), unit, numbers });
      }
    }
  }
  function tellMetrics() {
    if (!tables.length) return;
    const now = sampleAt(at[state.cursor]), before = now > 0 ? sampled[now - 1] : 0;
    $("run-metrics-when").textContent = `at the cursor: from ${time(before, 3)} to ${time(sampled[now], 3)}; of several nodes the sum`;
    for (const { cell, unit, numbers } of cells) cell.textContent = amount(numbers[now], unit);
  }

  // ---- Causes.

  function lineage(i) { const all = [i]; while (cause[i] >= 0 && all.length < 400) all.push(i = cause[i]); return all; }
  function jump(i, text, parent, className = "jump") {
    const button = element("button", className, undefined, parent);
    button.type = "button";
    element("span", "when", time(at[i], 6), button);
    element("span", "", text, button);
    button.addEventListener("click", () => go(i));
    return button;
  }
  function tellRecord() {
    const i = state.cursor, box = $("run-record");
    const shown = [];
    const head = element("p", "head");
    element("span", "when", `#${(i + data.first).toLocaleString("en")} · ${time(at[i])}`, head);
    element("strong", "", ` ${[subject(i), what(i)].filter(Boolean).join(" ")}`, head);
    shown.push(head);
    if (detail(i)) shown.push(element("pre", "detail", detail(i)));
    const notes = [];
    if (records.clock_ns.length && records.node[i] >= 0) notes.push(`its clock reads ${time(records.clock_ns[i])}`);
    if (isMessage(i) && cause[i] >= 0 && sortOf(i) !== "send") notes.push(`it was sent ${time(at[i] - at[cause[i]], 6)} before`);
    for (const fault of records.blamed[i] || []) notes.push(faults[fault] && data.first === 0 ? `because of ${faults[fault].text}` : `because of fault ${fault + 1}`);
    if (named.has(i)) notes.push("the explanation names it");
    if (notes.length) shown.push(element("p", "notes", `${notes.join("; ")}.`));
    const before = lineage(i).slice(1), after = effects(i);
    for (const [title, all] of [["It came of", before], ["It led to", after]]) {
      if (!all.length) continue;
      shown.push(element("h4", "", title));
      const items = element("ol", "causes");
      for (const other of all.slice(0, 8)) jump(other, said(other).slice(0, 140), element("li", "", undefined, items));
      if (all.length > 8) element("li", "more", `… and ${(all.length - 8).toLocaleString("en")} more`, items);
      shown.push(items);
    }
    box.replaceChildren(...shown);
  }

  // ---- Nodes at the cursor.

  const ORDER = ["is", "role", "status", "timers", "disk", "on disk", "when synced", "waits for it"];
  const stood = data.states.map(() => ({ applied: 0, rows: new Map(), changed: new Set() }));
  function standAt(node, i) {
    const { changes } = data.states[node], known = stood[node];
    if (known.applied > 0 && changes[known.applied - 1][0] > i) { known.applied = 0; known.rows = new Map(); known.changed = new Set(); }
    while (known.applied < changes.length && changes[known.applied][0] <= i) {
      known.changed = new Set();
      for (const [label, value] of changes[known.applied][1]) {
        if (value === null) known.rows.delete(strings[label]); else known.rows.set(strings[label], strings[value]);
        known.changed.add(strings[label]);
      }
      known.applied++;
    }
    const since = known.applied > 0 ? changes[known.applied - 1][0] : -1;
    return { rows: known.rows, changed: since >= begin(i) && known.applied > 1 ? known.changed : new Set() };
  }
  const opened = new Set();
  let cards = [];
  function tellNodes() {
    const i = state.cursor, start = begin(i);
    const arriving = nodes.map(() => []);
    for (let j = reach[Math.min(i + 1, last)]; j <= i; j++) {
      if (sortOf(j) !== "send" || lost.has(j) || arrives[j] >= 0 && arrives[j] <= i) continue;
      if (arrives[j] < 0 && (records.due_ns[j] === undefined || records.due_ns[j] < at[i])) continue;
      if (records.peer[j] >= 0) arriving[records.peer[j]].push(`${kindOf(j)} #${records.count[j]} from ${nodes[records.node[j]]}`);
    }
    if (!cards.length) cards = nodes.map((name, node) => {
      const card = element("section", "node");
      card.setAttribute("aria-label", name);
      card.node = node;
      return card;
    });
    const all = cards.filter((card) => !state.nodes.size || state.nodes.has(card.node));
    for (const card of all) {
      const { rows, changed } = standAt(card.node, i);
      const title = element("h4", "", nodes[card.node]);
      const role = rows.get("role");
      if (role) { const chip = element("span", "role", role, title); chip.dataset.role = Math.min(4, roleNames.indexOf(role.split(" ")[0])); }
      if (rows.get("is") !== "up") element("span", "is", rows.get("is") || "not started", title);
      card.classList.toggle("at-work", records.node[i] === card.node || records.node[start] === card.node);
      card.classList.toggle("down", (rows.get("is") || "").startsWith("down"));
      const table = element("dl");
      const row = (label, value, isNew) => {
        const name = element("dt", isNew ? "new" : "", label.replace(/^\./, ""), table);
        if (isNew) name.title = "changed just now";
        element("dd", isNew ? "new" : "", value, table);
      };
      for (const label of ORDER) if (rows.has(label) && label !== "role" && (label !== "is" || changed.has("is"))) row(label, rows.get(label), changed.has(label));
      if (changed.has("role") && role) row("role", role, true);
      const clock = data.states[card.node].clock;
      if (clock) row("clock", clock, false);
      if (arriving[card.node].length) row("to arrive", `${arriving[card.node].slice(0, 5).join(", ")}${arriving[card.node].length > 5 ? `, and ${arriving[card.node].length - 5} more` : ""}`, false);
      const inner = [...rows.keys()].filter((label) => label.startsWith("."));
      // When all is new, nothing stands out.
      const fresh = inner.filter((label) => changed.has(label)), few = fresh.length <= 5 ? fresh : [];
      for (const label of few) row(label, rows.get(label), true);
      const parts = [title, table];
      const rest = inner.filter((label) => !few.includes(label));
      if (rest.length) {
        const more = element("details");
        more.open = opened.has(card.node);
        element("summary", "", few.length ? "the rest of its state" : "its state", more);
        const within = element("dl", "", undefined, more);
        for (const label of rest) { element("dt", "", label.slice(1) || "·", within); element("dd", "", rows.get(label), within); }
        more.addEventListener("toggle", () => (more.open ? opened.add(card.node) : opened.delete(card.node)));
        parts.push(more);
      }
      card.replaceChildren(...parts);
    }
    $("run-nodes").replaceChildren(...all);
  }

  // ---- The records, of which only those in sight are there.

  const ROW = 27, log = $("run-log"), space = $("run-space");
  const whereInList = (i) => { let low = 0, high = list.length; while (low < high) { const middle = (low + high) >> 1; if (list[middle] < i) low = middle + 1; else high = middle; } return low; };
  function row(i) {
    const item = element("div", "row");
    item.id = `run-row-${i}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(i === state.cursor));
    if (lost.has(i)) item.classList.add("lost");
    if (named.has(i)) item.classList.add("named");
    if (["fault", "crash", "panic", "settle", "lift"].includes(sortOf(i))) item.classList.add("heavy");
    element("span", "number", (i + data.first).toLocaleString("en"), item);
    element("span", "when", time(at[i]), item);
    element("span", "who", subject(i), item);
    element("span", "what", sortOf(i) === "fault" ? `FAULT ${detail(i)}` : what(i), item);
    element("span", "detail", sortOf(i) === "fault" ? "" : detail(i), item);
    item.addEventListener("click", () => go(i));
    return item;
  }
  function tellLog() {
    if (printing) {
      const middle = whereInList(state.cursor), from = list.length <= 400 ? 0 : Math.max(0, middle - 300);
      space.style.height = "auto";
      space.style.paddingTop = "0";
      space.replaceChildren(...list.slice(from, from + 400).map(row));
      return;
    }
    const from = Math.max(0, Math.floor(log.scrollTop / ROW) - 8), to = Math.min(list.length, from + Math.ceil(log.clientHeight / ROW) + 16);
    space.style.height = `${list.length * ROW}px`;
    space.style.paddingTop = `${from * ROW}px`;
    space.replaceChildren(...list.slice(from, to).map(row));
    log.setAttribute("aria-activedescendant", `run-row-${state.cursor}`);
  }
  function revealRow() {
    const y = whereInList(state.cursor) * ROW;
    if (y < log.scrollTop + ROW || y > log.scrollTop + log.clientHeight - 2 * ROW) log.scrollTop = y - log.clientHeight / 2;
  }

  // ---- Going about.

  const badges = [];
  document.querySelectorAll("[data-record]").forEach((button) => {
    const record = Number(button.dataset.record) - data.first;
    if (record < 0 || record >= count) return;
    if (button.dataset.badge) badges.push({ record, number: button.dataset.badge });
    button.addEventListener("click", () => { go(record); figure.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" }); });
  });
  const violation = () => {
    if (data.violated_ns === null) return last;
    const known = data.named.filter((i) => i >= 0 && i < count && at[i] <= data.violated_ns);
    if (known.length) return Math.max(...known);
    let i = last;
    while (i > 0 && at[i] > data.violated_ns) i--;
    return i;
  };
  function reveal() {
    const x = screen(place()[state.cursor]);
    if (x < GUTTER + 40 || x > width - 60) state.left = place()[state.cursor] - (width - GUTTER) * 0.6 / state.zoom;
    clamp();
  }
  function tell() {
    const i = state.cursor;
    $("run-step").textContent = `${(i + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`;
    $("run-now").textContent = `${time(at[i])}: ${said(i)}`;
    for (const [id, off] of [["run-first", i <= 0], ["run-back", i <= 0], ["run-on", i >= last], ["run-last", i >= last]]) $(id).disabled = off;
    document.querySelectorAll("[data-record]").forEach((button) => {
      const isHere = Number(button.dataset.record) - data.first === i;
      if (isHere) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    });
    tellRecord();
    tellNodes();
    tellMetrics();
    tellLog();
    revealRow();
    tellLog();
  }
  function go(i) {
    state.cursor = Math.max(0, Math.min(last, i));
    reveal();
    tell();
    draw();
  }
  function zoomTo(factor, pixel = screen(place()[state.cursor])) {
    const x = world(pixel);
    state.zoom *= factor;
    clamp();
    state.left = x - (pixel - GUTTER - 12) / state.zoom;
    clamp();
    draw();
  }
  let asked = false;
  const again = () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; draw(); }); } };

  $("run-first").addEventListener("click", () => go(list[0] ?? 0));
  $("run-last").addEventListener("click", () => go(list[list.length - 1] ?? last));
  $("run-back").addEventListener("click", () => go(step(-1)));
  $("run-on").addEventListener("click", () => go(step(1)));
  $("run-violation")?.addEventListener("click", () => go(violation()));
  $("run-out").addEventListener("click", () => zoomTo(1 / 1.6));
  $("run-in").addEventListener("click", () => zoomTo(1.6));
  $("run-all").addEventListener("click", () => { state.zoom = least(); clamp(); draw(); });
  $("run-scale").addEventListener("click", () => {
    state.spread = !state.spread;
    $("run-scale").setAttribute("aria-pressed", String(!state.spread));
    reveal();
    draw();
  });
  $("run-copy")?.addEventListener("click", async (event) => {
    try { await navigator.clipboard.writeText($("run-command").textContent); event.target.textContent = "copied"; } catch { getSelection().selectAllChildren($("run-command")); }
  });
  document.addEventListener("keydown", (event) => {
    const inside = event.target.closest("#run, #run-records");
    if (!inside || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, summary, pre")) return;
    const inLog = event.target.closest("#run-log"), size = Math.max(1, Math.floor(log.clientHeight / ROW) - 2);
    const keys = {
      ArrowLeft: () => go(step(-1)), ArrowRight: () => go(step(1)), Home: () => go(list[0] ?? 0), End: () => go(list[list.length - 1] ?? last),
      "+": () => zoomTo(1.6), "=": () => zoomTo(1.6), "-": () => zoomTo(1 / 1.6), v: () => go(violation()),
      ...(inLog ? { ArrowUp: () => go(step(-1)), ArrowDown: () => go(step(1)), PageUp: () => go(step(-size)), PageDown: () => go(step(size)) } : {}),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    keys[event.key]();
  });

  let dragged = null;
  canvas.addEventListener("pointerdown", (event) => { dragged = { x: event.clientX, left: state.left, moved: false }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (dragged) {
      const by = event.clientX - dragged.x;
      if (Math.abs(by) > 4) dragged.moved = true;
      if (dragged.moved) { state.left = dragged.left - by / state.zoom; clamp(); again(); }
    } else hover(event);
  });
  canvas.addEventListener("pointerup", (event) => {
    const was = dragged;
    dragged = null;
    if (was && !was.moved) { const found = hit(event.offsetX, event.offsetY); if (found !== null) go(found); }
  });
  canvas.addEventListener("pointercancel", () => { dragged = null; });
  panelCanvas.addEventListener("pointerdown", (event) => { dragged = { x: event.clientX, left: state.left, moved: false }; panelCanvas.setPointerCapture(event.pointerId); });
  panelCanvas.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const by = event.clientX - dragged.x;
    if (Math.abs(by) > 4) dragged.moved = true;
    if (dragged.moved && !isWhole) { state.left = dragged.left - by / state.zoom; clamp(); again(); }
  });
  panelCanvas.addEventListener("pointerup", (event) => {
    const was = dragged;
    dragged = null;
    if (was && !was.moved) go(isWhole ? recordAt(chartTime(event.offsetX)) : find(world(event.offsetX)));
  });
  panelCanvas.addEventListener("pointercancel", () => { dragged = null; });
  canvas.addEventListener("pointerleave", () => { $("run-tip").hidden = true; });
  for (const drawing of [figure, panels]) drawing.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.altKey) { event.preventDefault(); zoomTo(Math.exp(-event.deltaY / 240), event.offsetX); return; }
    const by = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (!by) return;
    event.preventDefault();
    state.left += by / state.zoom;
    clamp();
    again();
  }, { passive: false });

  // The record that is meant by a place in the drawing.
  function hit(x, y, strict = false) {
    const xs = place();
    const from = find(world(x - 14)), to = find(world(x + 14));
    let best = null, nearest = 14 * 14;
    for (let i = from; i <= to; i++) {
      if (records.node[i] < 0 || !isShown(i)) continue;
      const distance = (screen(xs[i]) - x) ** 2 + (lanes[records.node[i]].y - y) ** 2;
      if (distance < nearest) [best, nearest] = [i, distance];
    }
    if (best !== null) return best;
    for (const bar of bars) {
      if (bar.node < 0) continue;
      const { left, right, top } = barBox(bar, xs);
      if (x >= left && x <= right && y >= top && y <= top + BAR) return bar.from;
    }
    nearest = 6;
    const right = Math.min(last, find(world(x)) + 1);
    for (let i = Math.max(reach[Math.max(0, right - 1)], right - 4000); i <= right; i++) {
      if (sortOf(i) !== "send" || !isShown(i)) continue;
      const one = arrow(i, xs);
      if (!one || x < Math.min(one.x1, one.x2) - 6 || x > Math.max(one.x1, one.x2) + 6) continue;
      const length = Math.hypot(one.x2 - one.x1, one.y2 - one.y1) || 1;
      const along = Math.max(0, Math.min(1, ((x - one.x1) * (one.x2 - one.x1) + (y - one.y1) * (one.y2 - one.y1)) / length ** 2));
      const distance = Math.hypot(one.x1 + along * (one.x2 - one.x1) - x, one.y1 + along * (one.y2 - one.y1) - y);
      if (distance < nearest) [best, nearest] = [i, distance];
    }
    if (best !== null || strict) return best;
    const fault = faults.find((fault) => y > AXIS + fault.row * FAULT && y < AXIS + (fault.row + 1) * FAULT && x >= screen(xs[fault.from]) - 4 && x <= (fault.to === null ? screen(xs[fault.from]) + 120 : screen(xs[fault.to])));
    return fault ? fault.from : find(world(x));
  }
  function hover(event) {
    const tip = $("run-tip"), found = hit(event.offsetX, event.offsetY, true);
    tip.hidden = found === null;
    if (found === null) return;
    tip.textContent = `${time(at[found], 6)}  ${said(found).slice(0, 220)}`;
    const left = Math.min(event.offsetX + 14, width - 280);
    tip.style.transform = `translate(${Math.max(4, left)}px, ${event.offsetY + 16}px)`;
  }

  // Filters: one button for each node and each kind.
  function chips(box, values, chosen) {
    for (const [value, text] of values) {
      const chip = element("button", "chip", text, box);
      chip.type = "button";
      chip.setAttribute("aria-pressed", "false");
      chip.addEventListener("click", () => {
        if (chosen.has(value)) chosen.delete(value); else chosen.add(value);
        chip.setAttribute("aria-pressed", String(chosen.has(value)));
        filter();
        tell();
        draw();
      });
    }
  }
  chips($("run-by-node"), nodes.map((name, node) => [node, name]), state.nodes);
  {
    const tally = new Map();
    for (let i = 0; i < count; i++) tally.set(kindOf(i), (tally.get(kindOf(i)) || 0) + 1);
    const kinds = [...tally].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    chips($("run-by-kind"), kinds.map(([kind, many]) => [kind, `${kind} ${many.toLocaleString("en")}`]), state.kinds);
  }
  let typing = 0;
  $("run-text").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => { state.text = event.target.value.trim().toLowerCase(); filter(); log.scrollTop = 0; tellLog(); draw(); }, 120);
  });
  log.addEventListener("scroll", () => requestAnimationFrame(tellLog), { passive: true });

  // What the colours stand for.
  for (const [place, name] of roleNames.entries()) {
    const item = element("span", "role", name, $("run-roles"));
    item.dataset.role = Math.min(4, place);
  }

  const isNarrow = () => width < 560;
  function begins() {
    readColors();
    layOut();
    filter();
    beginMetrics();
    state.cursor = data.violated_ns === null && !badges.length ? 0 : violation();
    const first = badges.length ? Math.min(...badges.map((badge) => badge.record)) : null;
    setWhole((width - GUTTER - 24) / long < 0.72);
    // All of a short run; of a longer one what leads to the violation.
    const fits = (width - GUTTER - 24) / long;
    state.zoom = fits > 0.72 || long < 60 ? Math.min(1.6, fits) : isNarrow() ? 0.8 : 1;
    if (first !== null && (spread[state.cursor] - spread[first]) * state.zoom < width - GUTTER - 160) state.left = spread[first] - 40;
    else state.left = spread[state.cursor] - (width - GUTTER) * 0.75 / state.zoom;
    clamp();
    reveal();
    tell();
    draw();
    document.documentElement.dataset.drawn = "run";
  }
  addEventListener("resize", () => { if (figure.clientWidth !== width && !printing) { layOut(); clamp(); reveal(); draw(); tellLog(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColors(); draw(); });
  let kept = null;
  addEventListener("beforeprint", () => {
    printing = true;
    kept = { zoom: state.zoom, left: state.left };
    const light = { ink: "#000", quiet: "#333", rule: "#bbb", card: "#fff", page: "#fff", bar: "#e8eef5", "bar-edge": "#3f5f7f", stuck: "#ffe1dc", "stuck-edge": "#b3261e", good: "#1b6b3a", doubt: "#8a5300", thread: "#1f5fa8", other: "#f4f4f2", "other-edge": "#777", fault: "#8a5300", "role-0": "#a3195b", "role-1": "#8a5300", "role-2": "#1f5fa8", "role-3": "#1b6b3a", "role-4": "#5b3fa0" };
    colors = light;
    width = 1080;
    if (long * 0.5 <= width - GUTTER) { state.zoom = least(); state.left = 0; } else { state.zoom = 0.8; state.left = spread[state.cursor] - (width - GUTTER) * 0.8 / 0.8; clamp(); }
    draw();
    tellLog();
  });
  addEventListener("afterprint", () => {
    printing = false;
    Object.assign(state, kept);
    readColors();
    layOut();
    clamp();
    draw();
    tellLog();
  });
  if (data.states_cut) element("p", "hint", "There was not room for all of how the nodes stood.", $("run-nodes").parentNode);
  begins();
})();
