// Goes through the page as a reader would, and writes down what is not as it should be.
goThrough(async () => {
  const svg = () => document.querySelector("#scroller svg");
  const bars = () => svg().querySelectorAll(".bar").length;
  const dots = () => svg().querySelectorAll(".dot").length;
  const drawn = (what) => {
    check(bars() > 0, `${what}: no bars`);
    check(svg().querySelectorAll("*").length < 3000, `${what}: more is drawn than can be seen`);
    check([...svg().querySelectorAll("path, polyline, rect, line, text, circle")].every((node) => !/NaN|undefined|Infinity/.test(node.outerHTML)),
      `${what}: a number is missing`);
  };
  const violated = document.querySelector(".verdict").classList.contains("violated");
  drawn("at first");
  check(text("what").length > 10 && text("status").length > 10, "nothing is said");
  if (violated) {
    check(text("status").includes("Stuck") && text("status").includes("only 1000000 could have been read"), `stuck: ${text("status")}`);
    check(svg().querySelectorAll(".bar.stuck").length === 1, "the stuck operation is not marked");
    check(document.querySelectorAll("#rows tr.stuck").length === 1, "the table does not mark it");
  }
  const total = Number(/of ([\d,]+)/.exec(text("step"))[1].replaceAll(",", ""));
  check(total >= (violated ? 2 : EXPECTED), `steps: ${total}`);
  // By buttons.
  $("first").click();
  check(text("step").startsWith("step 0 of") && dots() === 0 && $("back").disabled, "the first step");
  $("on").click();
  check(text("step").startsWith("step 1 of") && dots() === 1 && text("status").includes("takes effect"), `one step on: ${text("status")}`);
  $("back").click();
  $("last").click();
  check(text("step").startsWith(`step ${total} of`) && $("on").disabled, "the last step");
  // By keys.
  key("ArrowLeft");
  check(text("step").startsWith(`step ${total - 1} of`), "the left arrow");
  key("ArrowRight");
  check(text("step").startsWith(`step ${total} of`), "the right arrow");
  key("Home");
  check(text("step").startsWith("step 0 of"), "the key Home");
  key("End");
  check(text("step").startsWith(`step ${total} of`), "the key End");
  key("ArrowDown");
  key("ArrowUp");
  // By the list.
  document.querySelector("#order button").click();
  check(document.querySelectorAll("#order [aria-current]").length === 1, "the list does not show the step");
  if (violated) {
    const small = bars();
    document.querySelectorAll("#parts button")[1].click();
    await settled();
    drawn("the whole history");
    check(text("parts").includes(`(${EXPECTED.toLocaleString("en")})`), `the whole history is not offered: ${text("parts")}`);
    check(svg().querySelectorAll(".bar.stuck").length === 1, "the stuck operation is out of sight");
    check(bars() >= small || EXPECTED > 100, "the whole history has fewer bars");
    const whole = /of ([\d,]+)/.exec(text("step"))[1];
    check(Number(whole.replaceAll(",", "")) === total, `steps in the whole history: ${whole}, not ${total} as in the explanation`);
    for (let step = 0; step < 200; step++) key("ArrowLeft");
    await settled();
    drawn("200 steps back");
    check(EXPECTED < 100 || $("scroller").scrollLeft < $("scroller").scrollWidth - 1.5 * $("scroller").clientWidth, "the drawing does not follow the steps");
    $("scroller").scrollLeft = 0;
    await settled();
    drawn("scrolled to the start");
    for (const zoom of ["out", "out", "out", "in", "in", "in", "in"]) { $(zoom).click(); drawn(`zoom ${zoom}`); }
    document.querySelectorAll("#parts button")[0].click();
  }
  const keys = $("key");
  if (keys) {
    for (const option of keys.options) {
      keys.value = option.value;
      keys.dispatchEvent(new Event("change", { bubbles: true }));
      drawn(`key ${option.textContent}`);
      check(text("why").includes(option.textContent.split(" ")[0]), `the key is not told: ${text("why")}`);
    }
  }
  dispatchEvent(new Event("beforeprint"));
  drawn("printed");
  dispatchEvent(new Event("afterprint"));
  drawn("after printing");
  checkPage(["ink page", "ink card", "ink bar", "ink other", "ink stuck", "quiet page", "quiet card", "stuck-edge page", "stuck-edge card", "good page", "doubt page", "page ink"]);
});
