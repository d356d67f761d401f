//! The checker against histories that nobody on this project made.

use stormglass::check::model::Model;
use stormglass::check::model::kv::Kv;
use stormglass::check::model::register::Register;
use stormglass::check::{Verdict, linearizability};
use stormglass::history::History;

use crate::support;

#[test]
fn every_recorded_history_gets_its_verdict() {
    let Some(folder) = support::recorded() else {
        println!("skipped: there are no recorded histories in ../shared/histories");
        return;
    };
    let mut wrong = Vec::new();
    for (file, model, linearizable) in support::verdicts(&folder) {
        let text = std::fs::read_to_string(folder.join(&file)).expect("a readable file");
        let verdict = match model.as_str() {
            "cas-register" => judge(&Register::empty(), &support::read_log(&text)),
            "kv" => judge(&Kv::holding(String::new()), &support::read_maps(&text)),
            other => panic!("{file}: no model {other}"),
        };
        if verdict != (if linearizable { Verdict::Holds } else { Verdict::Violated }) {
            wrong.push(format!("{file}: {verdict}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn judge<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> Verdict {
    let report = linearizability::check(model, history);
    if let linearizability::Judgement::Holds { witness } = &report.judgement {
        support::verify(model, history, witness).expect("a witness that can be verified");
    }
    report.verdict()
}
