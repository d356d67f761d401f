//! Readers for recorded histories, and a verifier of witnesses, for the tests of the checker.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod reference;

use std::path::{Path, PathBuf};

use stormglass::base::{ClientId, Time};
use stormglass::check::model::kv::{KvOp, KvResult};
use stormglass::check::model::register::{RegisterOp, RegisterResult};
use stormglass::check::model::{Key, Model};
use stormglass::history::{History, Outcome};

pub(crate) type CasHistory = History<RegisterOp<i64>, RegisterResult<i64>>;
pub(crate) type TextHistory = History<KvOp<String, String>, KvResult<String>>;

/// Where recorded histories lie, if they do.
pub(crate) fn recorded() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/histories");
    path.join("verdicts.tsv").exists().then_some(path)
}

/// File, model, and whether it is linearizable.
pub(crate) fn verdicts(folder: &Path) -> Vec<(String, String, bool)> {
    let table = std::fs::read_to_string(folder.join("verdicts.tsv")).expect("a table of verdicts");
    table
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            (fields[0].to_owned(), fields[1].to_owned(), fields[2].parse().expect("true or false"))
        })
        .collect()
}

/// Reads Jepsen's log lines: `INFO  jepsen.util - PROCESS :TYPE :F VALUE`.
pub(crate) fn read_log(text: &str) -> CasHistory {
    let mut history = History::new();
    for (line, fields) in text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).enumerate() {
        let at = Time::from_nanos(line as u64);
        let number = |text: &str| text.trim_matches(['[', ']']).parse::<i64>().expect("a number");
        let client = ClientId::new(fields[3].parse().expect("a process"));
        match (fields[4], fields[5]) {
            (":invoke", function) => {
                let op = match function {
                    ":read" => RegisterOp::Read,
                    ":write" => RegisterOp::Write(number(fields[6])),
                    ":cas" => RegisterOp::Cas { expect: Some(number(fields[6])), new: number(fields[7]) },
                    other => panic!("line {line}: {other}"),
                };
                history.invoke(at, client, op).expect("an invocation");
            }
            (kind, function) => {
                let outcome = match (kind, function) {
                    (":ok", ":read") => Outcome::Done(RegisterResult::Value((fields[6] != "nil").then(|| number(fields[6])))),
                    (":ok", ":write") => Outcome::Done(RegisterResult::Written),
                    (":ok", ":cas") => Outcome::Done(RegisterResult::Swapped),
                    (":fail", _) => Outcome::Failed,
                    (":info", _) => Outcome::Unknown,
                    other => panic!("line {line}: {other:?}"),
                };
                history.complete(at, client, outcome).expect("a completion");
            }
        }
    }
    history
}

/// Reads maps, one a line: `{:process 9, :type :invoke, :f :append, :key "0", :value "x 9 0 y"}`.
pub(crate) fn read_maps(text: &str) -> TextHistory {
    let mut history = History::new();
    for (line, text) in text.lines().enumerate() {
        let at = Time::from_nanos(line as u64);
        let field = |name: &str| {
            let rest = text.split_once(&format!(":{name} ")).unwrap_or_else(|| panic!("line {line}: no {name}")).1;
            match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').expect("a closing quote").0.to_owned(),
                None => rest.split([',', '}']).next().expect("a value").to_owned(),
            }
        };
        let client = ClientId::new(field("process").parse().expect("a process"));
        let (key, value) = (field("key"), field("value"));
        if field("type") == ":invoke" {
            let op = match field("f").as_str() {
                ":get" => KvOp::Read { key },
                ":put" => KvOp::Write { key, value },
                ":append" => KvOp::Append { key, value },
                other => panic!("line {line}: {other}"),
            };
            history.invoke(at, client, op).expect("an invocation");
        } else {
            let result = if field("f") == ":get" { KvResult::Value(Some(value)) } else { KvResult::Written };
            history.complete(at, client, Outcome::Done(result)).expect("a completion");
        }
    }
    history
}

/// Whether the witness is an order of all operations known to have taken effect, and some of unknown outcome, that keeps to real time and
/// in which the object gives the recorded answers. Shares nothing with the checker but the model.
pub(crate) fn verify<M: Model>(model: &M, history: &History<M::Op, M::Ret>, witness: &[usize]) -> Result<(), String> {
    let mut places = vec![None; history.len()];
    for (place, index) in witness.iter().enumerate() {
        if places[*index].replace(place).is_some() {
            return Err(format!("operation {index} takes effect twice"));
        }
    }
    for (index, operation) in history.operations().iter().enumerate() {
        match (&operation.outcome, places[index]) {
            (Outcome::Done(_), None) => return Err(format!("operation {index} is left out")),
            (Outcome::Failed, Some(_)) => return Err(format!("operation {index} failed, but takes effect")),
            _ => {}
        }
    }
    // Of those invoked too late to stand before anything ordered earlier: the latest invocation so far, and for each client the last.
    for (place, index) in witness.iter().enumerate() {
        let window = if history.len() > 2_000 { place.saturating_sub(200) } else { 0 };
        if let Some(late) = witness[window..place].iter().find(|earlier| history.precedes(*index, **earlier)) {
            return Err(format!("operation {index} precedes operation {late}, but comes later"));
        }
    }
    let mut states: std::collections::BTreeMap<Key<'_>, Vec<M::State>> = std::collections::BTreeMap::new();
    for index in witness {
        let operation = &history.operations()[*index];
        let states = states.entry(model.key(&operation.op)).or_insert_with(|| vec![model.initial()]);
        *states = states.iter().flat_map(|state| model.step(state, &operation.op, operation.result()).states(state)).collect();
        if states.is_empty() {
            return Err(format!("operation {index} is illegal in its place"));
        }
    }
    Ok(())
}
