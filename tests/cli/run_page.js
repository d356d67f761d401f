// Goes through the page of a run as a reader would, and writes down what is not as it should be.
goThrough(async () => {
  const place = () => Number(text("run-step").split(" of ")[0].replaceAll(",", ""));
  const inked = (name = "run-canvas") => {
    const canvas = $(name), pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colors = new Set();
    for (let at = 0; at < pixels.length; at += 4 * 7) colors.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
    return colors.size;
  };
  for (let waits = 0; waits < 60 && document.documentElement.dataset.drawn !== "run"; waits++) await settled();
  check(document.documentElement.dataset.drawn === "run", "the run is not drawn");
  check(inked() > 8, `the drawing is blank: ${inked()} colours`);
  check(!$("told").open && text("told").includes("digest"), "the text is there, and closed");
  const total = Number(text("run-step").split(" of ")[1].replaceAll(",", ""));
  check(total >= LEAST && total <= MOST, `records: ${total}`);
  // By buttons.
  $("run-first").click();
  check(place() === 1 && $("run-back").disabled, `the first record: ${text("run-step")}`);
  $("run-on").click();
  check(place() === 2 && text("run-now").length > 5 && text("run-record").includes("#1 "), `one on: ${text("run-record")}`);
  $("run-last").click();
  check(place() === total && $("run-on").disabled, "the last record");
  // By keys.
  key("ArrowLeft");
  check(place() === total - 1, "one back by a key");
  key("Home");
  check(place() === 1, "the first by a key");
  key("ArrowDown", "run-log");
  check(place() === 2, "the list by a key");
  key("PageDown", "run-log");
  check(place() > 2, "a page of the list by a key");
  key("End");
  check(place() === total, "the last by a key");
  for (const name of ["+", "+", "-"]) key(name);
  check(inked() > 3, "zoomed");
  $("run-scale").click();
  check($("run-scale").getAttribute("aria-pressed") === "true" && inked() > 3, "time to scale");
  $("run-scale").click();
  $("run-all").click();
  check(inked() > 8, "all of it");
  // How nodes stand, and what came of what.
  check(document.querySelectorAll("#run-nodes .node").length === document.querySelectorAll("#run-by-node .chip").length, "a card for each node");
  check([...document.querySelectorAll("#run-nodes dt")].some((label) => label.textContent === "status"), "nodes say where they stand");
  const came = document.querySelector("#run-record .jump");
  if (came) {
    came.click();
    check(place() < total || total < 3, "a cause leads to its record");
  }
  check(document.querySelectorAll("#run-space .row").length <= 80, "only the records in sight are there");
  check(document.querySelectorAll("#run-space .row[aria-selected=true]").length === 1, "the record at the cursor is marked in the list");
  // Charts, of the whole run and on the axis above, and the numbers at the cursor.
  const numbers = () => [...document.querySelectorAll("#run-metrics dd")].map((cell) => cell.textContent);
  check(!$("run-charts").hidden && !$("run-metrics").hidden && inked("run-charts-canvas") > 8, `charts: ${inked("run-charts-canvas")} colours`);
  check(numbers().length > (total > 100 ? 10 : 0) && numbers().some((number) => /\d/.test(number)), `numbers at the cursor: ${numbers().length}`);
  const whole = $("run-charts-whole").getAttribute("aria-pressed");
  $("run-charts-whole").click();
  check($("run-charts-whole").getAttribute("aria-pressed") !== whole && inked("run-charts-canvas") > 3, "charts over the other range");
  $("run-charts-whole").click();
  if (total > 100) {
    $("run-first").click();
    const [atFirst, when] = [numbers().join(), text("run-metrics-when")];
    $("run-last").click();
    check(numbers().join() !== atFirst && text("run-metrics-when") !== when, "the numbers are those of the cursor");
  }
  const panels = $("run-charts-canvas").getBoundingClientRect();
  for (const kind of ["pointerdown", "pointerup"]) {
    $("run-charts-canvas").dispatchEvent(new PointerEvent(kind, { clientX: panels.left + 70, clientY: panels.top + 60, bubbles: true, pointerId: 1 }));
  }
  check(place() <= total, "a place in the charts leads to a record");
  // The story.
  const steps = [...document.querySelectorAll("button.step[data-badge]")];
  check(!VIOLATED || steps.length >= 2 && steps.length <= 12, `steps of the story: ${steps.length}`);
  for (const step of steps) {
    step.click();
    check(place() === Number(step.dataset.record) + 1 && step.getAttribute("aria-current") === "step", `a step leads to its record: ${step.textContent}`);
  }
  if (VIOLATED) {
    $("run-first").click();
    key("v");
    const known = place();
    $("run-violation").click();
    check(place() === known && known > 1, "to the violation");
  }
  // Filters.
  const chip = document.querySelector("#run-by-node .chip");
  chip.click();
  check(chip.getAttribute("aria-pressed") === "true" && text("run-found").includes(" of ") && document.querySelectorAll("#run-nodes .node").length === 1, "one node");
  $("run-first").click();
  key("ArrowRight");
  check(text("run-now").includes(chip.textContent), `only its records: ${text("run-now")}`);
  chip.click();
  const kind = document.querySelector("#run-by-kind .chip");
  kind.click();
  check(text("run-found").includes(" of "), "one kind");
  kind.click();
  check(!text("run-found").includes(" of "), "all again");
  $("run-text").value = "starts";
  $("run-text").dispatchEvent(new Event("input", { bubbles: true }));
  await settled(300);
  check(document.querySelectorAll("#run-space .row").length > 0 && [...document.querySelectorAll("#run-space .row")].every((row) => row.textContent.includes("starts")), "text is found");
  $("run-text").value = "";
  $("run-text").dispatchEvent(new Event("input", { bubbles: true }));
  await settled(300);
  // By hand.
  const box = $("run-canvas").getBoundingClientRect();
  for (const kind of ["pointermove", "pointerdown", "pointerup"]) {
    $("run-canvas").dispatchEvent(new PointerEvent(kind, { clientX: box.left + box.width * 0.6, clientY: box.top + 60, bubbles: true, pointerId: 1 }));
  }
  $("run-figure").dispatchEvent(new WheelEvent("wheel", { deltaY: -120, ctrlKey: true, bubbles: true, cancelable: true }));
  $("run-figure").dispatchEvent(new WheelEvent("wheel", { deltaX: 120, bubbles: true, cancelable: true }));
  await settled();
  check(inked() > 3, "moved by hand");
  // The order of focus is that of the page.
  const focusable = [...document.querySelectorAll("button, input, select, summary, [tabindex]")].filter((node) => node.offsetParent && !node.disabled);
  check(focusable.every((node) => node.tabIndex === 0) && focusable.includes($("run-figure")) && focusable.includes($("run-log")), "all can be reached by keys");
  dispatchEvent(new Event("beforeprint"));
  check(inked() > 8 && document.querySelectorAll("#run-space .row").length <= 400, "printed");
  dispatchEvent(new Event("afterprint"));
  check(inked() > 3 && document.querySelectorAll("#run-space .row").length <= 80, "after printing");
  checkPage(["role-0 card", "role-1 card", "role-2 card", "role-3 card", "role-4 card", "role-2 page", "fault card", "thread card", "page thread", "page ink", "card fault", "good card", "doubt card"]);
});
