//! The page about a history, in a real browser: it is drawn, can be stepped through, and printed, without an error; of transactions, the
//! cycles are drawn.
//!
//! The browser is Chromium: the one that the variable `CHROMIUM` names, or else the first that is found. Without any, nothing is tested,
//! and that is said.

#![cfg(all(feature = "cli", unix))]
#![allow(clippy::disallowed_methods, reason = "one variable says where the browser is, and where programs are found")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::Value;

/// What the browser does with the page; and what it takes to go through any.
const STEPS: &str = include_str!("page.js");
const DRIVER: &str = include_str!("driver.js");

pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// Runs the browser, for a minute at most, and returns what it prints.
pub(crate) fn browse(chromium: &Path, home: &Path, arguments: &[&str], page: &Path) -> String {
    let out = fs::File::create(home.join("out")).expect("a file");
    let mut child = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--virtual-time-budget=5000"])
        .arg(format!("--user-data-dir={}", home.join("profile").display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .expect("the browser can be started");
    let start = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it can be ended");
            panic!("the browser did not finish with {}", page.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::read_to_string(home.join("out")).expect("text")
}

/// A history of writes and reads by a few clients, in which a read near the end finds what the first write left. It has so many operations
/// on each of so many keys.
fn history(operations: usize, clients: usize, keys: usize) -> String {
    let mut text = String::new();
    for key in 0..keys {
        let mut event = |process: usize, kind: &str, f: &str, value: usize| {
            let process = process + key * clients;
            let value = if f == "get" && kind == "invoke" { "nil".to_owned() } else { value.to_string() };
            writeln!(text, "{{:process {process}, :type :{kind}, :f :{f}, :key \"k{key}\", :value {value}}}").expect("a text");
        };
        // All but the last two in rounds: one client writes what the others read.
        let mut done = 0;
        while done + 2 < operations {
            let round = clients.min(operations - 2 - done);
            let f = |process: usize| if process == 0 { "put" } else { "get" };
            (0..round).for_each(|process| event(process, "invoke", f(process), done));
            (0..round).for_each(|process| event(process, "ok", f(process), done));
            done += round;
        }
        event(0, "invoke", "put", 1_000_000);
        event(0, "ok", "put", 1_000_000);
        event(1, "invoke", "get", 0);
        event(1, "ok", "get", 0);
    }
    text
}

struct Case {
    name: &'static str,
    history: String,
    violated: bool,
    operations: usize,
}

/// Writes down what goes wrong from the first on.
pub(crate) const EARLY: &str = "<head><script>window.problems = [];\
    addEventListener('error', (event) => problems.push(event.message));\
    addEventListener('unhandledrejection', (event) => problems.push(String(event.reason)));\
    addEventListener('securitypolicyviolation', (event) => problems.push(event.violatedDirective));</script>";

/// Goes through a page by this script, which is given these constants besides, with these arguments to the browser: nothing is wrong.
pub(crate) fn go_through(chromium: &Path, page: &Path, constants: &str, script: &str, arguments: &[&str]) {
    let (home, plain) = (page.parent().expect("a folder"), fs::read_to_string(page).expect("a page"));
    let driven = home.join("driven.html");
    let late = format!("<script nonce=\"driver\">{constants}\n{DRIVER}{script}</script></body>");
    fs::write(&driven, admitting(&plain).replacen("<head>", EARLY, 1).replace("</body>", &late)).expect("a file");
    let dom = browse(chromium, home, &[arguments, &["--dump-dom"]].concat(), &driven);
    let outcome = dom.rsplit_once("<output id=\"outcome\">").and_then(|(_, rest)| rest.split("</output>").next());
    let outcome = outcome.unwrap_or_else(|| panic!("{constants} with {arguments:?}: the driver did not end\n{dom}"));
    let outcome: Value = serde_json::from_str(&outcome.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")).expect("JSON");
    assert_eq!(outcome["problems"], Value::Array(Vec::new()), "{constants} with {arguments:?}");
    assert!(outcome["checks"].as_u64().is_some_and(|checks| checks > 20), "{constants}: {outcome}");
}

/// The page, where it allows a driver, too, besides its own script.
pub(crate) fn admitting(page: &str) -> String {
    page.replacen("script-src ", "script-src 'nonce-driver' ", 1)
}

fn cases() -> Vec<Case> {
    let violated = |name, operations, clients, keys| Case { name, history: history(operations, clients, keys), violated: true, operations };
    let five = history(6, 2, 1);
    let holding: String = five.lines().take(10).map(|line| format!("{line}\n")).collect();
    let evil = "</script><script>window.problems.push('it ran')</script><img src=x onerror=problems.push(1)>";
    vec![
        violated("five operations", 5, 2, 1),
        violated("five thousand operations", 5_000, 10, 1),
        violated("several keys", 8, 3, 3),
        Case { name: "one that holds", history: holding, violated: false, operations: 5 },
        Case { name: "one that means ill", history: history(5, 2, 1).replace("k0", evil), violated: true, operations: 5 },
    ]
}

#[test]
fn the_page_is_drawn_stepped_through_and_printed() {
    let Some(chromium) = chromium() else {
        println!("skipped: there is no Chromium here, and the variable CHROMIUM names none");
        return;
    };
    for case in cases() {
        let home = tempfile::tempdir().expect("a folder");
        let (recorded, page) = (home.path().join("history.edn"), home.path().join("page.html"));
        fs::write(&recorded, &case.history).expect("a file");
        let status = Command::new(env!("CARGO_BIN_EXE_stormglass"))
            .args(["check", "--model", "kv", "--report"])
            .args([&page, &recorded])
            .stdout(Stdio::null())
            .status()
            .expect("the command can be started");
        assert_eq!(status.code(), Some(i32::from(case.violated)), "{}", case.name);
        for arguments in [&["--window-size=1280,900"][..], &["--window-size=500,900", "--force-dark-mode=1"]] {
            go_through(&chromium, &page, &format!("const EXPECTED = {}; // {}", case.operations, case.name), STEPS, arguments);
        }
        let printed = home.path().join("page.pdf");
        browse(&chromium, home.path(), &[&format!("--print-to-pdf={}", printed.display())], &page);
        let printed = fs::read(&printed).unwrap_or_else(|error| panic!("{}: nothing was printed: {error}", case.name));
        let text = String::from_utf8_lossy(&printed);
        let pages = text.matches("/Type /Page\n").count();
        assert!(printed.starts_with(b"%PDF") && (1..=4).contains(&pages), "{}: {pages} pages", case.name);
    }
}

/// Where the stuck operation is, and the window.
const PHONE: &str = "<script nonce=\"driver\">setTimeout(() => {
  const sides = (box) => [box.left, box.top, box.right, box.bottom].map(Math.round);
  const bar = sides(document.querySelector('#scroller .bar.stuck').getBoundingClientRect());
  const drawing = sides(document.getElementById('scroller').getBoundingClientRect());
  parent.postMessage(JSON.stringify({ window: [0, 0, innerWidth, innerHeight], drawing, bar }), '*');
}, 400)</script></body>";

/// A phone with that page in it: no window of a browser is as narrow.
pub(crate) const FRAME: &str = "<body><output id=\"outcome\"></output><iframe src=\"driven.html\" width=\"390\" height=\"664\"></iframe>\
    <script>addEventListener('message', (event) => outcome.textContent = event.data)</script></body>";

/// One client after the other exchanges what the one before has left, and the last one reads what there was two exchanges earlier.
fn exchanges(clients: usize) -> String {
    let mut text = String::new();
    let mut event = |process: usize, f: &str, value: &str| {
        let asked = if f == "read" { "nil" } else { value };
        writeln!(text, "{{:process {process}, :type :invoke, :f :{f}, :value {asked}}}").expect("a text");
        writeln!(text, "{{:process {process}, :type :ok, :f :{f}, :value {value}}}").expect("a text");
    };
    event(0, "write", "0");
    (1..clients).for_each(|client| event(client, "cas", &format!("[{} {client}]", client - 1)));
    event(clients, "read", &(clients - 2).to_string());
    text
}

#[test]
fn on_a_phone_the_stuck_operation_is_in_view() {
    let Some(chromium) = chromium() else {
        println!("skipped: there is no Chromium here, and the variable CHROMIUM names none");
        return;
    };
    for clients in [2, 5, 9, 20] {
        let home = tempfile::tempdir().expect("a folder");
        let (recorded, page) = (home.path().join("history.edn"), home.path().join("page.html"));
        fs::write(&recorded, exchanges(clients)).expect("a file");
        let status = Command::new(env!("CARGO_BIN_EXE_stormglass"))
            .args(["check", "--model", "cas-register", "--report"])
            .args([&page, &recorded])
            .stdout(Stdio::null())
            .status()
            .expect("the command can be started");
        assert_eq!(status.code(), Some(1));
        let plain = fs::read_to_string(&page).expect("a page");
        fs::write(home.path().join("driven.html"), admitting(&plain).replace("</body>", PHONE)).expect("a file");
        let frame = home.path().join("frame.html");
        fs::write(&frame, FRAME).expect("a file");
        let dom = browse(&chromium, home.path(), &["--window-size=800,900", "--dump-dom"], &frame);
        let outcome = dom.split("<output id=\"outcome\">").nth(1).and_then(|rest| rest.split("</output>").next()).unwrap_or_default();
        let outcome: Value = serde_json::from_str(outcome).unwrap_or_else(|error| panic!("{error}\n{dom}"));
        let side = |what: &str, side: usize| outcome[what][side].as_i64().expect("a number");
        for around in ["window", "drawing"] {
            let is_within = (0..2).all(|near| side(around, near) <= side("bar", near) && side("bar", near + 2) <= side(around, near + 2));
            assert!(is_within, "{clients} clients, {around}: {outcome}");
        }
    }
}

/// Of transactions, each cycle is drawn with an arrow for each step, and why; on a phone, too, nothing runs out of the page.
#[test]
fn cycles_of_transactions_are_drawn() {
    let history = "\
        {:process 0, :type :invoke, :f :txn, :value [[:w :z 1] [:r :y nil] [:r :z nil]]}\n\
        {:process 1, :type :invoke, :f :txn, :value [[:r :z nil] [:w :y 1] [:w :z 2]]}\n\
        {:process 1, :type :ok, :f :txn, :value [[:r :z nil] [:w :y 1] [:w :z 2]]}\n\
        {:process 0, :type :ok, :f :txn, :value [[:w :z 1] [:r :y nil] [:r :z 1]]}\n";
    let home = tempfile::tempdir().expect("a folder");
    let (recorded, page) = (home.path().join("<b>.edn"), home.path().join("page.html"));
    fs::write(&recorded, history).expect("a file");
    let status = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["check", "--model", "rw-register", "--report"])
        .args([&page, &recorded])
        .stdout(Stdio::null())
        .status()
        .expect("the command can be started");
    assert_eq!(status.code(), Some(1));
    let plain = fs::read_to_string(&page).expect("a page");
    assert!(!plain.contains("<b>.edn") && plain.contains("suppose that z held"), "{plain}");
    let drawn: Vec<&str> = plain.split("<svg").skip(1).filter_map(|rest| rest.split("</svg>").next()).collect();
    assert!(drawn.len() >= 2, "a cycle for each case: {plain}");
    for cycle in drawn {
        let label = cycle.split("aria-label=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a label");
        let steps = label.split("; ").count();
        assert_eq!(cycle.matches("class=\"arrow\"").count(), steps, "{label}");
        assert_eq!(cycle.matches("class=\"name\"").count(), steps, "{label}");
    }
    let Some(chromium) = chromium() else {
        println!("skipped: there is no Chromium here, and the variable CHROMIUM names none");
        return;
    };
    let driven = home.path().join("driven.html");
    let late = "<script nonce='driver'>const root = document.documentElement, out = document.createElement('output'); out.id = 'outcome';\
        out.textContent = root.scrollWidth - root.clientWidth; document.body.append(out);</script></body>";
    fs::write(&driven, admitting(&plain).replace("</body>", late)).expect("a file");
    for size in ["--window-size=1280,900", "--window-size=500,900"] {
        let dom = browse(&chromium, home.path(), &[size, "--dump-dom"], &driven);
        assert!(dom.contains("<output id=\"outcome\">0</output>"), "with {size} the page is wider than the window\n{dom}");
    }
}
