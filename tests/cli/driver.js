// What goes through a page as a reader would has at hand: it writes down what is not as it should be.
let checks = 0;
const check = (holds, what) => { checks++; if (!holds) problems.push(what); };
const text = (id) => $(id).textContent;
const settled = (long = 60) => new Promise((done) => setTimeout(done, long));
const key = (name, where = document.querySelector("figure").id) => $(where).dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));

// What is so on every page: it is no wider than the window, each button has a name, and text stands out: 4.5 in contrast, after WCAG 2.
function checkPage(pairs) {
  check(document.documentElement.scrollWidth <= innerWidth + 1, "the page is wider than the window");
  check([...document.querySelectorAll("button")].filter((button) => button.offsetParent).every((button) => (button.ariaLabel || button.textContent).trim()), "a button without a name");
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue(`--${name}`).trim().slice(1);
    const part = (at) => { const value = parseInt(hex.slice(at, at + 2), 16) / 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4);
  };
  for (const pair of pairs) {
    const [a, b] = pair.split(" ").map(light).sort((one, other) => other - one);
    check((a + 0.05) / (b + 0.05) >= 4.5, `contrast of ${pair}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
}

async function goThrough(steps) {
  try {
    await steps();
  } catch (error) {
    problems.push(`${error.message} ${error.stack}`);
  }
  const outcome = document.createElement("output");
  outcome.id = "outcome";
  outcome.textContent = JSON.stringify({ problems, checks });
  document.body.append(outcome);
}
