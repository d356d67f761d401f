//! The page about a run, in a real browser: drawn, gone through by buttons, keys and hand, filtered and printed, without an error.

#![cfg(all(feature = "cli", unix))]

use std::fs;
use std::process::{Command, Stdio};

use crate::page::{FRAME, admitting, browse, chromium, go_through};
use crate::runs::scenario;

/// What the browser does with the page.
const STEPS: &str = include_str!("run_page.js");

struct Case {
    name: &'static str,
    scenario: String,
    settings: &'static [&'static str],
    violated: bool,
    records: (u32, u32),
}

fn cases() -> Vec<Case> {
    let case = |name, scenario, settings, violated, records| Case { name, scenario, settings, violated, records };
    let vote = || scenario("raft/bugs/forgets-vote");
    vec![
        case(
            "a few records",
            scenario("raft/leader-crash"),
            &["duration=1us", "settle=0s", "workload.clients=1", "faults=[]"],
            false,
            (5, 30),
        ),
        case("one that holds", scenario("raft/leader-crash"), &["duration=600ms", "settle=200ms", "faults=[]"], false, (100, 5_000)),
        case("a failure", vote(), &["duration=400ms", "settle=0s"], true, (50, 10_000)),
        case("many records", vote(), &[], true, (50_000, 100_000)),
    ]
}

#[test]
fn the_page_of_a_run_is_drawn_gone_through_and_printed() {
    let Some(chromium) = chromium() else {
        println!("skipped: there is no Chromium here, and the variable CHROMIUM names none");
        return;
    };
    for Case { name, scenario, settings, violated, records } in cases() {
        let home = tempfile::tempdir().expect("a folder");
        let page = home.path().join("page.html");
        let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.args(["run", &scenario, "--seed", "1", "--report"]).arg(&page).stdout(Stdio::null());
        for setting in settings {
            command.args(["--set", setting]);
        }
        let code = command.status().expect("the command can be started").code();
        assert_eq!(code == Some(1), violated, "{name}: {code:?}");
        let (least, most) = records;
        let constants = format!("const VIOLATED = {violated}, LEAST = {least}, MOST = {most}; // {name}");
        for arguments in [&["--window-size=1280,900"][..], &["--window-size=500,900", "--blink-settings=preferredColorScheme=0"]] {
            go_through(&chromium, &page, &constants, STEPS, arguments);
        }
        let printed = home.path().join("page.pdf");
        browse(&chromium, home.path(), &[&format!("--print-to-pdf={}", printed.display())], &page);
        let printed = fs::read(&printed).unwrap_or_else(|error| panic!("{name}: nothing was printed: {error}"));
        let pages = String::from_utf8_lossy(&printed).matches("/Type /Page\n").count();
        assert!(printed.starts_with(b"%PDF") && (1..=20).contains(&pages), "{name}: {pages} pages");
    }
}

/// Whether what passes stands beside what fails, or below it; and whether the page is no wider than the window.
const SIDES: &str = "<script nonce=\"driver\">setTimeout(() => {
  const seen = (side) => [...document.querySelectorAll(`.sides td.${side}`)].filter((cell) => cell.textContent && cell.offsetParent);
  const [fails, passes] = [seen('fails')[0], seen('passes').at(-1)].map((cell) => cell.getBoundingClientRect());
  const fits = document.documentElement.scrollWidth <= innerWidth;
  parent.postMessage(JSON.stringify({ beside: passes.left >= fails.right, below: passes.left === fails.left && passes.top >= fails.bottom, fits }), '*');
}, 400)</script></body>";

#[test]
fn what_passes_stands_beside_what_fails_or_on_a_phone_below_it() {
    let home = tempfile::tempdir().expect("a folder");
    let page = home.path().join("page.html");
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runs/shrunk/commit/yes-before-durable.ron");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.args(["why", small, "--jobs", "1", "--report"]).arg(&page);
    let done = command.output().expect("the command can be started");
    let (out, page) = (String::from_utf8_lossy(&done.stdout), fs::read_to_string(&page).expect("a page"));
    let heads = out.lines().find(|line| line.contains("the run that fails")).unwrap_or_else(|| panic!("{out}"));
    assert!(heads.contains(" │ the run that passes"), "{heads}");
    assert!(page.contains("class=\"sides\"") && page.contains("The nearest run that passes"));
    let Some(chromium) = chromium() else {
        println!("skipped: there is no Chromium here, and the variable CHROMIUM names none");
        return;
    };
    fs::write(home.path().join("driven.html"), admitting(&page).replace("</body>", SIDES)).expect("a file");
    let frame = home.path().join("frame.html");
    for (width, beside) in [("390", false), ("1000", true)] {
        let expected = format!("{{\"beside\":{beside},\"below\":{},\"fits\":true}}", !beside);
        fs::write(&frame, FRAME.replace("390", width)).expect("a file");
        let dom = browse(&chromium, home.path(), &["--window-size=1100,900", "--dump-dom"], &frame);
        assert!(dom.contains(&expected), "{width}: {dom}");
    }
}
