//! `--format junit` and `--format github`: what CI systems read.

use std::fs;

use roxmltree::{Document, Node};
use serde_json::{Value, json};

use super::Desk;

/// A case: its name, what became of it, and what it says. What failed or is in error has the type of that.
type Case = (String, String, String);

/// Three lines are wrong; of two it is known what to try.
const MALFORMED: &str = "\
{:process 0, :type :invoke, :f :wriet, :value 1}
{:process 1, :type :ok, :f :read, :value 1}
  {:process 1, :type :oj, :f :read, :value 1}
";

/// What is wrong with the lines of a history is told of each, in every format: where, what, and what to try.
#[test]
fn a_malformed_history_is_told_line_by_line() {
    let desk = Desk::new();
    fs::write(desk.path("bad.edn"), MALFORMED).unwrap();
    let check = |format: &str| {
        let done = desk.expect(3, &["check", "bad.edn", "--model", "register", "--format", format]);
        assert_eq!(done.err, "", "all is told in the document");
        done.out
    };
    let wrong = "\"wriet\" is no operation of this model%3A there are read%2C write";
    let annotations = format!(
        "::error file=bad.edn,line=1,title={wrong}::{}%0Adid you mean write?\n\
         ::error file=bad.edn,line=2,title=process 1 ends something%2C but has begun nothing::\
         process 1 ends something, but has begun nothing\n\
         ::error file=bad.edn,line=3,col=22,title=%3Aoj is no type of event%3A there are invoke%2C ok%2C fail and info::\
         :oj is no type of event: there are invoke, ok, fail and info%0Adid you mean ok?\n",
        wrong.replace("%3A", ":").replace("%2C", ",")
    );
    assert_eq!(check("github"), annotations);

    let json: Value = serde_json::from_str(&check("json")).unwrap();
    let problems: Vec<_> = json["problems"].as_array().unwrap().iter().map(|one| (&one["line"], &one["column"], &one["help"])).collect();
    let told = |line: u64, column: Option<u64>, help: Option<&str>| (json!(line), json!(column), json!(help));
    let expected = [told(1, None, Some("did you mean write?")), told(2, None, None), told(3, Some(22), Some("did you mean ok?"))];
    assert_eq!(problems, expected.iter().map(|(line, column, help)| (line, column, help)).collect::<Vec<_>>());
    assert_eq!((&json["unread"], &json["problems_left_out"]), (&Value::Null, &json!(0)));

    let found = suites(&check("junit"));
    let (result, text) = case(&found[0].1, "readable");
    assert_eq!(result, "error invalid");
    let as_text = desk.expect(3, &["check", "bad.edn", "--model", "register"]).err;
    assert_eq!(text, format!("{as_text}\ntoy check bad.edn --model register"));

    // Many are told in part, and how many there are besides.
    fs::write(desk.path("bad.edn"), MALFORMED.lines().last().unwrap().repeat(30).replace('}', "}\n")).unwrap();
    let out = check("github");
    assert_eq!(out.lines().count(), 20);
    assert!(out.ends_with("did you mean ok?%0A… and 10 more problems\n"), "{out}");
}

/// A document's suites: name, and cases.
fn suites(text: &str) -> Vec<(String, Vec<Case>)> {
    let document = Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suites: Vec<_> = root.children().filter(Node::is_element).map(|suite| suite_of(&suite)).collect();
    let all: usize = suites.iter().map(|(_, cases)| cases.len()).sum();
    assert_eq!(root.attribute("tests"), Some(&*all.to_string()));
    suites
}

fn suite_of(suite: &Node<'_, '_>) -> (String, Vec<Case>) {
    assert_eq!(suite.tag_name().name(), "testsuite");
    let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).map(|case| case_of(&case)).collect();
    for (counted, result) in [("failures", "failure"), ("errors", "error")] {
        let count = cases.iter().filter(|(_, found, _)| found.starts_with(result)).count();
        assert_eq!(suite.attribute(counted), Some(&*count.to_string()), "{counted}");
    }
    assert_eq!(suite.attribute("tests"), Some(&*cases.len().to_string()));
    (suite.attribute("name").unwrap().to_owned(), cases)
}

fn case_of(case: &Node<'_, '_>) -> Case {
    let name = case.attribute("name").unwrap().to_owned();
    let child = case.children().find(Node::is_element);
    let result = child.map(|child| [child.tag_name().name(), child.attribute("type").unwrap_or_default()].join(" ").trim_end().to_owned());
    let result = result.unwrap_or_default();
    assert!(child.is_none_or(|child| result == "system-out" || !child.attribute("message").unwrap().contains('\n')));
    (name, result, child.and_then(|child| child.text().map(str::to_owned)).unwrap_or_default())
}

fn case<'c>(cases: &'c [Case], name: &str) -> (&'c str, &'c str) {
    let found = cases.iter().find(|(found, ..)| found == name).unwrap_or_else(|| panic!("{name}: {cases:?}"));
    (&found.1, &found.2)
}

#[test]
fn a_run_for_ci() {
    let desk = Desk::new();
    let run = |code, fields: &str, more: &[&str]| {
        desk.scenario("toy.ron", &format!("{fields}, seed: 7"));
        let done = desk.expect(code, &[&["run", "toy.ron", "--format", "junit"], more].concat());
        assert_eq!(done.err, "");
        let mut suites = suites(&done.out);
        assert_eq!((suites.len(), suites[0].0.as_str()), (1, "a toy"));
        suites.remove(0).1
    };
    let cases = run(1, "system: Toy(trouble: Violate)", &[]);
    assert_eq!(cases.len(), 6);
    let (result, text) = case(&cases, "nothing-bad");
    let text = &text.to_owned();
    assert_eq!(
        (result, text.as_str()),
        ("failure violated", "at 11ms\nn1 did something bad\nafter record 8\n\ntoy replay toy.ron --seed 7")
    );
    assert_eq!(case(&cases, "progress"), ("", ""));
    let cases = run(4, "system: Toy(trouble: Unknown)", &[]);
    assert_eq!(case(&cases, "sane-answers").0, "error unknown");
    let bad = "outcome: Violates(\"nothing-bad\")";
    // What is meant is a case of its own, and the first; each property keeps its own.
    let cases = run(0, &format!("system: Toy(trouble: Violate), {bad}"), &["--as-meant"]);
    assert_eq!((cases.len(), cases[0].0.as_str(), case(&cases, "outcome")), (7, "outcome", ("", "")));
    assert_eq!(case(&cases, "nothing-bad"), ("system-out", text.as_str()), "it is green, and still told");
    let cases = run(5, &format!("system: Toy(), {bad}"), &["--as-meant"]);
    let told = "nothing-bad is not violated, as was expected (outcome: Violates(\"nothing-bad\"))\n\ntoy replay toy.ron --seed 7";
    assert_eq!((cases.len(), case(&cases, "outcome"), case(&cases, "nothing-bad")), (7, ("failure never-seen", told), ("", "")));
    let cases = run(1, &format!("system: Toy(trouble: Panic), {bad}"), &["--as-meant"]);
    assert_eq!((case(&cases, "outcome"), case(&cases, "nothing-bad")), (("failure never-seen", told), ("", "")));
    let (result, text) = case(&cases, "no-panic");
    assert_eq!(result, "failure violated");
    assert!(text.starts_with("n1 panicked while it handled Ask #1 from c1 (event "), "when it was is said once: {text}");
    assert!(text.ends_with("\n\ntoy replay toy.ron --seed 7"), "{text}");
}

#[test]
fn a_sweep_for_ci() {
    let desk = Desk::new();
    let sweep = |code, fields: &str, more: &[&str]| {
        desk.scenario("toy.ron", fields);
        let done = desk.expect(code, &[&["sweep", "toy.ron", "--seeds", "30", "--keep-going", "--format", "junit"], more].concat());
        suites(&done.out).remove(0).1
    };
    let cases = sweep(1, "system: Toy(trouble: Violate, odds: 3), expect: [Sometimes(\"never\"), Sometimes(\"asked twice\")]", &[]);
    assert_eq!(cases.len(), 6 + 2, "a seed is no case");
    let (result, text) = case(&cases, "nothing-bad");
    assert_eq!(result, "failure violated");
    assert!(text.starts_with("violated in 15 of 30 seeds\nn1 did something bad\n"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("toy replay toy.ron --seed "), "{text}");
    let again = "toy sweep toy.ron --start 0 --seeds 30 --keep-going";
    assert_eq!(case(&cases, "Sometimes(\"never\")"), ("failure never-seen", &*format!("never seen in 30 seeds\n\n{again}")));
    assert_eq!(case(&cases, "Sometimes(\"asked twice\")").0, "");
    let bad = "expect: [Sometimes(\"never\")], outcome: Violates(\"nothing-bad\")";
    let cases = sweep(5, &format!("system: Toy(), {bad}"), &["--as-meant"]);
    let (result, text) = case(&cases, "outcome");
    assert!(result == "failure never-seen" && text.ends_with(&format!("\n\n{again} --as-meant")), "{text}");
    assert_eq!((case(&cases, "nothing-bad").0, case(&cases, "Sometimes(\"never\")").0), ("", "failure never-seen"));
    let cases = sweep(0, &format!("system: Toy(trouble: Violate, odds: 3), {bad}"), &["--as-meant"]);
    let results = ["outcome", "nothing-bad", "Sometimes(\"never\")"].map(|name| case(&cases, name).0);
    assert_eq!(results, ["", "system-out", "system-out"], "a sweep that ends there need not see what it expects");
    let cases = sweep(70, "system: Toy(trouble: Defect, odds: 3)", &[]);
    let (result, text) = case(&cases, "stormglass");
    assert!(result == "error defect" && text.contains("a row has a cell for each column"), "{text}");
}

#[test]
fn histories_and_scenarios_for_ci() {
    let desk = Desk::new();
    let evil = "]]><failure/>\u{1}&\u{fffe}'\u{1b}[1m";
    let stale = format!(
        "{{:process 0, :type :invoke, :f :write, :value 1}}\n{{:process 0, :type :ok, :f :write}}\n\
         {{:process 0, :type :invoke, :f :read}}\n{{:process 0, :type :ok, :f :read, :value \"{evil}\"}}\n"
    );
    fs::write(desk.path("stale.edn"), stale).unwrap();
    fs::write(desk.path("wrong.edn"), "{:process 0, :type :invoke, :f :wriet}\n").unwrap();
    let check = ["check", "stale.edn", "wrong.edn", "absent.edn", "--model", "register", "--format"];
    let done = desk.expect(74, &[&check[..], &["junit"]].concat());
    assert_eq!(done.err, "", "all is told in the document");
    let found = suites(&done.out);
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["stale.edn", "wrong.edn", "absent.edn"]);
    let (result, text) = case(&found[0].1, "linearizable");
    assert!(result == "failure violated" && text.contains("]]><"), "{text}");
    assert!(text.ends_with("\n\ntoy check stale.edn --model register"), "{text}");
    assert_eq!((case(&found[1].1, "readable").0, case(&found[2].1, "readable").0), ("error invalid", "error invalid"));
    let out = desk.expect(74, &[&check[..], &["github"]].concat()).out;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("::error file=stale.edn,line=4,title=stale.edn%3A linearizable::violated: register"), "{out}");
    assert!(lines.len() == 3 && lines[1].starts_with("::error file=wrong.edn,line=1,title="), "{out}");
    assert!(out.chars().all(|letter| letter == '\n' || !letter.is_control()), "{out:?}");

    desk.scenario("calm.ron", "system: Toy()");
    desk.scenario("wrong.ron", "system: Toy(odds: 0, truble: Calm)");
    let done = desk.expect(3, &["lint", "calm.ron", "wrong.ron", "--format", "junit"]);
    let found = suites(&done.out);
    assert_eq!((case(&found[0].1, "lint").0, case(&found[1].1, "lint").0, done.err.as_str()), ("", "error invalid", ""));
    let out = desk.expect(3, &["lint", "calm.ron", "wrong.ron", "--format", "github"]).out;
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.lines().all(|line| line.starts_with("::error file=wrong.ron,line=5,col=")), "{out}");
}

#[test]
fn a_run_for_github() {
    let desk = Desk::new();
    let comment = "/* what this means:\n    outcome: none\n    */";
    let outcome = "outcome: Violates(\"nothing-bad\"), expect: [\n        Sometimes(\"never\"),\n    ]";
    desk.scenario("toy.ron", &format!("system: Toy(trouble: Violate), {comment} seed: 7, {outcome}"));
    let run = |code, more: &[&str]| desk.expect(code, &[&["run", "toy.ron", "--format", "github"], more].concat()).out;
    let text = fs::read_to_string(desk.path("toy.ron")).unwrap();
    let place = |what: &str| {
        let (line, text) = text.lines().enumerate().find(|(_, line)| line.contains(what)).unwrap();
        format!("file=toy.ron,line={},col={}", line + 1, text.find(what).unwrap() + 1)
    };
    let meant = place("Violates(");
    let told =
        format!("{meant},title=a toy%3A nothing-bad::at 11ms%0An1 did something bad%0Aafter record 8%0A%0Atoy replay toy.ron --seed 7");
    assert_eq!(run(1, &[]), format!("::error {told}\n"));
    assert_eq!(run(0, &["--as-meant"]), format!("::notice {told}\n"));
    assert_eq!(run(0, &["--set", "system.trouble=Calm"]), "");
    let settings = format!("{told} --set duration=5s\n");
    assert_eq!(run(1, &["--set", "duration=5s"]), format!("::error {settings}"), "the place is that in the file, whatever is set");
    let missed = run(5, &["--set", "system.trouble=Calm", "--as-meant"]);
    assert!(missed.starts_with(&format!("::error {meant},title=a toy%3A outcome::nothing-bad is not violated")), "{missed}");
    let sweep = ["sweep", "toy.ron", "--seeds", "2", "--set", "system.trouble=Calm", "--format", "github"];
    let never = desk.expect(5, &sweep).out;
    assert!(never.starts_with(&format!("::error {},title=a toy%3A Sometimes(\"never\")::never seen", place("Sometimes("))), "{never}");
}

/// The page of any run: its verdict, and each property.
#[test]
fn the_page_of_a_run_of_any_system() {
    let desk = Desk::new();
    desk.scenario("toy.ron", "system: Toy(trouble: Violate), seed: 7");
    desk.expect(1, &["run", "toy.ron", "--report", "page.html"]);
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    assert!(page.contains("<title>violated: a toy, seed 7</title>") && page.contains("n1 did something bad"), "{page}");
    assert!(page.contains("toy replay toy.ron --seed 7") && page.contains("id=\"run-data\"") && !page.contains("id=\"data\""), "{page}");
}
