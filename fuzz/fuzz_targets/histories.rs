//! Any bytes as a history of any model: judging never panics, and every verdict can be told.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stormglass::check::consistency::Guarantee;
use stormglass::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
use stormglass::check::model::ModelName;
use stormglass::check::recorded::Reading;
use stormglass::check::{CheckOptions, Verdict, run_check};
use stormglass::report::{history_json, history_text, isolation_text};

fuzz_target!(|data: &[u8]| {
    let [model, options, text @ ..] = data else { return };
    let models = ModelName::ALL;
    let place = usize::from(*model) % (models.len() + 2);
    let Some(model) = models.get(place) else {
        let model = [TransactionModel::ListAppend, TransactionModel::RwRegister][place - models.len()];
        let report = check_text(text, &FileOptions { budget: 2_000.into(), ..FileOptions::new(model) });
        if let Ok(report) = report {
            assert!(!isolation_text(&report.report).is_empty());
        }
        return;
    };
    let options = CheckOptions {
        reading: Reading { observe_failures: options & 1 == 1, nil_reads_unknown: options & 2 == 2 },
        strongest: options & 2 == 2,
        witness: true,
        drawing: true,
        guarantee: Guarantee::ALL[usize::from(options >> 2) % Guarantee::ALL.len()],
        budget: 2_000.into(),
        ..CheckOptions::default()
    };
    match run_check(text, model.name(), &options) {
        Ok(report) => {
            assert!(!history_text(&report, true).is_empty() && history_json(&report).is_object());
            let linearizable = options.guarantee == Guarantee::Linearizable;
            assert_eq!(linearizable && report.verdict == Verdict::Violated, !report.explanation.violations.is_empty());
            assert_eq!(linearizable && report.verdict == Verdict::Holds, report.witness.is_some());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
