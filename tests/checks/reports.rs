//! Small inputs on which the right answer is known, made from what people report about tools of this kind: read where they lie.

use std::path::{Path, PathBuf};

use stormglass::check::isolation::Level;
use stormglass::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
use stormglass::check::recorded::{ImportError, Reading};
use stormglass::check::{CheckError, CheckOptions, CheckReport, Verdict, run_check_again};
use stormglass::history::formats::Value;
use stormglass::report::history_text;

/// The right answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Is(Verdict),
    /// Exit code 3; a problem tells of both these lines.
    Contradicted(u64, u64),
}

const HOLDS: Answer = Answer::Is(Verdict::Holds);
const VIOLATED: Answer = Answer::Is(Verdict::Violated);
const UNKNOWN: Answer = Answer::Is(Verdict::Unknown);

/// Each input for `check`, by which model, and the answer that its table gives.
const INPUTS: &[(&str, &str, Answer)] = &[
    ("02-run-unknown.edn", "kv", HOLDS),
    ("03-json-bigint.json", "register", VIOLATED),
    ("04-list-equals-vector.edn", "register", HOLDS),
    ("05-log-error-text.log", "grow-set", HOLDS),
    ("06-object-hex.edn", "register", HOLDS),
    ("07-txn-without-f.edn", "list-append", HOLDS),
    ("08-json-array.json", "register", HOLDS),
    ("09-vacuous-all-info.edn", "register", UNKNOWN),
    ("09-vacuous-all-info.edn", "cas-register", UNKNOWN),
    ("10-set-duplicates.edn", "grow-set", VIOLATED),
    ("11-keyed-set.edn", "grow-set", HOLDS),
    ("13-session-registers.edn", "rw-register --level strong-session-serializable", VIOLATED),
    ("14-out-of-order-index.edn", "register", Answer::Contradicted(2, 3)),
    ("16-cas-triple.edn", "kv", HOLDS),
    ("17-unknown-initial.edn", "kv --initial-unknown", HOLDS),
    ("20-type-as-text.edn", "register", HOLDS),
    ("22-multi-register.edn", "rw-register --initial {:x 0 :y 0}", VIOLATED),
    ("31-queue-of-21-operations.edn", "queue", VIOLATED),
    ("32-registers-snapshot.edn", "rw-register --level snapshot-isolation", VIOLATED),
    ("33-registers-session.edn", "rw-register --level strong-session-serializable", VIOLATED),
    ("34-lists-snapshot.edn", "list-append --level snapshot-isolation", VIOLATED),
    ("35-counter-of-unknown-additions.edn", "counter", VIOLATED),
    ("36-appends-explained.edn", "kv --initial \"\"", VIOLATED),
    ("37-counter-prefix.edn", "counter", VIOLATED),
];

/// Those of which the answer is not right yet. One whose answer is right has no place here.
const NOT_MET_YET: &[&str] = &[];

fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reports");
    if !path.is_dir() {
        println!("skipped: there are no reports in ../shared/reports");
        return None;
    }
    Some(path)
}

/// A small budget: what is decided is decided with little.
const STATES: u64 = 200_000;

fn judged(file: &Path, how: &str) -> Result<CheckReport, CheckError> {
    let (model, option) = how.split_once(" --").unwrap_or((how, ""));
    let initial = option.strip_prefix("initial ").map(|text| text.parse::<Value>().expect("a value"));
    let options = CheckOptions { initial, initial_unknown: option == "initial-unknown", budget: STATES.into(), ..CheckOptions::default() };
    run_check_again(|| std::fs::File::open(file), model, &options)
}

fn answer(file: &Path, how: &str) -> Answer {
    let (name, option) = how.split_once(" --").unwrap_or((how, ""));
    let verdict = match TransactionModel::named(name) {
        Some(model) => {
            let level = option.strip_prefix("level ").map_or(Level::StrictSerializable, |level| Level::named(level).expect("a level"));
            let initial = option.strip_prefix("initial ").map(|text| text.parse().expect("a value"));
            let options = FileOptions { level, initial, ..FileOptions::new(model) };
            check_text(std::fs::File::open(file).expect("a file"), &options).map(|report| report.verdict)
        }
        None => judged(file, how).map(|report| report.verdict),
    };
    match verdict {
        Ok(verdict) => Answer::Is(verdict),
        Err(CheckError::Import(ImportError::Lines(problems))) => {
            let [problem] = problems.shown() else { panic!("{}: {problems}", file.display()) };
            let other = problem.message.split("on line ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
            Answer::Contradicted(other.unwrap_or_default(), problem.line)
        }
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

#[test]
fn every_report_gets_its_answer() {
    let Some(folder) = folder() else { return };
    let mut surprising = Vec::new();
    for (file, how, right) in INPUTS {
        let found = answer(&folder.join(file), how);
        match (found == *right, NOT_MET_YET.contains(file)) {
            (true, true) => surprising.push(format!("{file}: {found:?} is right, so it has no place among those that are not met yet")),
            (false, false) => surprising.push(format!("{file} by {how}: {found:?}, where {right:?} is right")),
            (true, false) | (false, true) => {}
        }
    }
    assert!(surprising.is_empty(), "{surprising:#?}");
    let tried = |file: &String| INPUTS.iter().any(|(known, ..)| known == file) || file.ends_with(".ron") || file.ends_with(".md");
    let files =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let untried: Vec<String> = files.filter(|file| !tried(file)).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

/// A read of nil need not have seen that there was nothing.
#[test]
fn a_read_of_nil_may_have_seen_nothing() {
    let text = "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n\
                {:process 0, :type :invoke, :f :read, :value nil}\n{:process 0, :type :ok, :f :read, :value nil}\n";
    let judged = |nil_reads_unknown| {
        let options = CheckOptions { reading: Reading { nil_reads_unknown, ..Reading::default() }, ..CheckOptions::default() };
        let keyed = text.replace(":value", ":key :x, :value");
        let kv = run_check_again(|| Ok(keyed.as_bytes()), "kv", &options).expect("a history").verdict;
        (run_check_again(|| Ok(text.as_bytes()), "register", &options).expect("a history").verdict, kv)
    };
    assert_eq!(judged(false), (Verdict::Violated, Verdict::Violated));
    assert_eq!(judged(true), (Verdict::Holds, Verdict::Holds));
    let transactions = "{:process 0, :type :invoke, :f :txn, :value [[:w :x 1]]}\n{:process 0, :type :ok, :f :txn, :value [[:w :x 1]]}\n\
                        {:process 0, :type :invoke, :f :txn, :value [[:r :x nil] [:r :x nil]]}\n\
                        {:process 0, :type :ok, :f :txn, :value [[:r :x nil] [:r :x 1]]}\n";
    for (nil_reads_unknown, verdict) in [(false, Verdict::Violated), (true, Verdict::Holds)] {
        let options = FileOptions { nil_reads_unknown, ..FileOptions::new(TransactionModel::RwRegister) };
        assert_eq!(check_text(transactions.as_bytes(), &options).expect("a history").verdict, verdict);
    }
}

/// What is told of two of them.
#[test]
fn what_is_told_of_reports() {
    let Some(folder) = folder() else { return };
    let appends = judged(&folder.join("36-appends-explained.edn"), "kv --initial \"\"").expect("a history");
    assert_eq!(appends.explanation.violations[0].excess.as_deref(), Some("it holds one \"a\" more than was appended, and one \"b\" fewer"));
    assert!(history_text(&appends, false).contains("fits in no order: it holds one \"a\" more than was appended, and one \"b\" fewer."));
    let counter = judged(&folder.join("37-counter-prefix.edn"), "counter").expect("a history");
    assert_eq!(counter.explanation.violations[0].line, Some(5));
}
