//! Whatever a scenario can name can be looked up: `explain` knows it, and `list` shows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stormglass::fault::{Cut, Fault, Happening, Moment, Target};

use super::Done;

/// What came of the installed command.
fn shipped(arguments: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// All files of this folder and of those within.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("there is such a folder").map(|entry| entry.expect("it can be read").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The words of a scenario that mean something to Stormglass: names of fields and values, and of texts those that name a mutant, a mark,
/// a property or a kind of message.
fn words(text: &str) -> BTreeSet<String> {
    let (mut words, mut last) = (BTreeSet::new(), String::new());
    for line in text.lines() {
        for (place, part) in code(line).split('"').enumerate() {
            if place % 2 == 1 {
                if ["mutant", "kind", "mark", "Sometimes", "Violates"].contains(&last.as_str()) {
                    words.insert(part.to_owned());
                }
                continue;
            }
            for word in part.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| !word.is_empty()) {
                last = word.to_owned();
                if !word.starts_with(|letter: char| letter.is_ascii_digit()) {
                    words.insert(last.clone());
                }
            }
        }
    }
    words
}

/// A line without its comment.
fn code(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(place, _)| line[..*place].matches('"').count().is_multiple_of(2));
    comment.map_or(line, |(place, _)| &line[..place])
}

fn is_node(word: &str) -> bool {
    word.starts_with(['n', 'c']) && word[1..].parse::<u32>().is_ok()
}

/// What is known of a name: whether `explain` does, and whether `list` shows it.
fn demand(names: impl IntoIterator<Item = String>) {
    let listed = shipped(&["list"]).out;
    let listed: BTreeSet<&str> = listed.lines().filter_map(|line| line.trim().split("  ").next()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let asked: Vec<&str> = std::iter::once("explain").chain(names.iter().map(String::as_str)).collect();
    let mut missing: Vec<String> = shipped(&asked).err.lines().map(str::to_owned).collect();
    for name in names {
        let is_another_node = is_node(&name) && name != "n1" && name != "c1";
        if !is_another_node && !listed.contains(name.as_str()) {
            missing.push(format!("`list` does not show {name}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_word_of_every_scenario_can_be_looked_up() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let texts = files(&folder).into_iter().map(|path| fs::read_to_string(path).expect("a text"));
    let words: BTreeSet<String> = texts.flat_map(|text| words(&text)).collect();
    // Of nodes, some stand for all.
    let words: BTreeSet<String> = words.into_iter().filter(|word| !is_node(word) || word.len() == 2).collect();
    assert!(words.len() > 150 && words.contains("Scenario") && words.contains("raft/forgets-vote"), "{words:?}");
    demand(words);
}

#[test]
fn everything_declared_can_be_looked_up() {
    let variants = [Moment::VARIANTS, Fault::VARIANTS, Cut::VARIANTS, Target::VARIANTS, Happening::VARIANTS].concat();
    let fields = variants.iter().flat_map(|variant| variant.fields()).map(|field| field.name);
    let names = variants.iter().map(|variant| variant.name).chain(fields);
    let others = [
        "Lists",
        "Registers",
        "Bank",
        "Swim",
        "Heartbeat",
        "PhiAccrual",
        "Freshness",
        "Uniform",
        "Constant",
        "Exponential",
        "Zipf",
        "Sometimes",
        "Violates",
        "Holds",
        "Lost",
        "Deliver",
        "Duplicate",
        "Ring",
        "All",
        "Push",
        "Ping",
        "Node",
        "Work",
        "Akka",
        "Cassandra",
        "Normal",
        "PresumedAbort",
        "PresumedCommit",
        "PresumedNothing",
        "WaitDie",
        "WoundWait",
        "Scenario",
        "deterministic",
        "settle",
        "leader deposed",
        "recurrence",
        "cas",
        "audit",
        "transfer",
        "append",
        "states",
        "kv",
        "causal",
        "serializable",
        "0",
        "5",
        "130",
    ];
    demand(names.chain(others).map(str::to_owned));
}

#[test]
fn paths_as_set_takes_them_can_be_looked_up() {
    for (path, meaning) in [
        ("budget.states", "How many states the judging"),
        ("system.heartbeat", "How often a leader"),
        ("workload.load.accounts", "How many accounts"),
        ("workload.mix.cas", "compare"),
        ("network.links[3].loss", "is lost"),
        ("faults[0][1].down", "How long the node is down"),
        ("faults[2].fault.node", "Whom it strikes"),
        ("faults[0][1][0][2].node", "Whom it strikes"),
        ("system.detectors[1].requires.detection", "from a crash"),
    ] {
        let explained = shipped(&["explain", path]);
        assert!(explained.code == Some(0) && explained.out.contains(meaning), "{path}: {}{}", explained.out, explained.err);
    }
    assert!(shipped(&["explain", "budget.sates"]).err.contains("budget.states"));
}

/// What a property promises depends on the settings: those of a scenario are told with its number.
#[test]
fn bounds_are_told_by_the_settings_of_a_scenario() {
    let explained = |within: &[&str]| shipped(&[&["explain", "dead-gone"], within].concat());
    assert!(!explained(&[]).out.contains("promised by this scenario"));
    for (scenario, bound) in [("registry/calm.ron", "within 4.8s"), ("registry/bugs/forgets-the-silent.ron", "within 6.8s")] {
        let explained = explained(&["--within", &format!("{}/scenarios/{scenario}", env!("CARGO_MANIFEST_DIR"))]);
        assert!(explained.code == Some(0) && explained.out.contains(bound), "{scenario}: {}{}", explained.out, explained.err);
    }
    assert_eq!(explained(&["--within", "nowhere.ron"]).code, Some(74));
}

/// What locks guard is a node, and no server of theirs.
#[test]
fn a_resource_is_no_server() {
    let scenario = format!("{}/scenarios/lock/one-node.ron", env!("CARGO_MANIFEST_DIR"));
    let ran = shipped(&["run", &scenario, "--seed", "1", "--set", "duration=1s"]);
    assert!(ran.out.contains("TtlLock · 1 server, 1 resource, "), "{}", ran.out);
}

#[test]
fn all_meanings_of_a_name_are_told() {
    let explained = shipped(&["explain", "Heartbeat"]).out;
    for meaning in ["Heartbeat: a detector", "heartbeat: a field"] {
        assert!(explained.contains(meaning), "{meaning}: {explained}");
    }
    let explained = shipped(&["explain", "All"]).out;
    for meaning in ["All: whom a fault may strike", "All: who watches whom"] {
        assert!(explained.contains(meaning), "{meaning}: {explained}");
    }
    let explained = shipped(&["explain", "Failure"]).out;
    for field in ["scenario", "seed", "version", "fingerprint", "digest"] {
        assert!(explained.lines().any(|line| line.trim_start().starts_with(field)), "{field}: {explained}");
    }
}

/// What the installed command says of this value, set in this scenario.
fn said(scenario: &str, value: &str) -> String {
    let file = format!("{}/scenarios/{scenario}.ron", env!("CARGO_MANIFEST_DIR"));
    let done = shipped(&["run", &file, "--seed", "1", "--set", value]);
    assert_eq!(done.code, Some(3), "{value}: {}{}", done.out, done.err);
    done.err
}

#[test]
fn values_that_are_set_get_the_nearest_spelling() {
    for (scenario, value, meant) in [
        ("commit/lists", "system.variant=PresumedAbrot", "did you mean `PresumedAbort`?"),
        ("commit/lists", "system.locking=wait-die", "did you mean `WaitDie`?"),
        ("commit/lists", "system.cooperative=tru", "did you mean `true`?"),
        ("raft/leader-crash", "network.latency=Constnt(1ms)", "did you mean `Constant`?"),
        ("raft/leader-crash", "faults[0][1].node=\"Leadr\"", "did you mean `Leader`?"),
        ("raft/leader-crash", "outcome=Violates(progres)", "did you mean \"progress\"?"),
        ("raft/leader-crash", "expect=[Sometimes(leader_lst)]", "did you mean \"leader lost\"?"),
        ("raft/leader-crash", "budgt.states=5", "did you mean `budget`?"),
        ("raft/leader-crash", "budget.sates=5", "did you mean `states`?"),
    ] {
        let said = said(scenario, value);
        assert!(said.contains(meant), "{value}: {said}");
    }
}

#[test]
fn what_a_file_does_not_have_can_be_set() {
    let file = format!("{}/scenarios/raft/leader-crash.ron", env!("CARGO_MANIFEST_DIR"));
    assert!(!fs::read_to_string(&file).unwrap().contains("budget"));
    let done = shipped(&["run", &file, "--seed", "1", "--set", "budget.events=10", "--set", "budget.states=7"]);
    assert!(done.code == Some(4), "{}{}", done.out, done.err);
    let registers = format!("{}/scenarios/three-phase/bugs/votes-early.ron", env!("CARGO_MANIFEST_DIR"));
    let run = ["run", &registers, "--seed", "1", "--set", "mutant=none", "--set", "budget.state_bytes"];
    let [plenty, none] = ["=1000000000", "=1"].map(|bytes| {
        let mut run = run.map(str::to_owned);
        run[7] += bytes;
        shipped(&run.each_ref().map(String::as_str))
    });
    assert_eq!(plenty.code, Some(0), "{}{}", plenty.out, plenty.err);
    assert!(none.code == Some(4) && none.out.contains("of state: more room would help"), "{}{}", none.out, none.err);
}

#[test]
fn a_file_that_is_no_scenario_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let said = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let done = shipped(&["run", path.to_str().unwrap()]);
        assert_eq!(done.code, Some(3), "{}", done.err);
        done.err
    };
    let edn = "{:process 0, :type :invoke, :f :read, :value nil}\n";
    let json = "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":null}\n";
    for (name, text) in [("h.edn", edn), ("h.jsonl", json), ("h.log", "INFO  jepsen.util - 0 :invoke :read nil\n")] {
        let said = said(name, text.as_bytes());
        assert!(said.contains("this is no scenario") && said.contains("`check`"), "{said}");
    }
    for text in ["# Stormglass\n\nA simulator.\n", "[workspace]\nmembers = []\n", "import os\nos.exit(1)\n", "{\"a\": 5"] {
        let said = said("other", text.as_bytes());
        assert!(said.contains("this is no scenario") && !said.contains("check"), "{said}");
    }
    // What begins as one is one, and its syntax is wrong.
    assert!(!said("cut.ron", b"// Calm.\nScenario(name: \"calm\"").contains("no scenario"));
}
