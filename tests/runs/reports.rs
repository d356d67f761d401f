//! Small inputs from reports of users, with the answers that are right, in ../shared/reports: those for `run`. `check`'s are judged
//! elsewhere. What 12 asks for cannot be said yet: that operations complete while a fault lasts.

use std::path::Path;

use stormglass::base::{Fate, Loss, NodeId, Time};
use stormglass::check::{Explanation, Verdict};
use stormglass::fault::{Cut, Fault, Target};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};
use stormglass::trace::{Sink, UntypedRecord};

/// One of them; nothing where they are absent.
fn report(name: &str) -> Option<Scenario> {
    let Ok(text) = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reports").join(name)) else {
        println!("skipped: there are no reports in ../shared/reports");
        return None;
    };
    Some(Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{name}: {problems}")))
}

/// All that servers sent each other, with what became of it.
#[derive(Default)]
struct Sent(Vec<(Time, NodeId, NodeId, Fate)>);

impl Sink for Sent {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if let (Some((id, _)), Some(fate)) = (entry.message, entry.fate)
            && !id.from.is_client()
            && !id.to.is_client()
        {
            self.0.push((entry.at, id.from, id.to, fate));
        }
    }
}

#[test]
fn a_cut_from_all_to_the_leader_strikes() {
    let Some(scenario) = report("01-oneway-from-all.ron") else { return };
    for seed in 0..3 {
        let mut sent = Sent::default();
        let outcome = scenario.run_watched(seed, Watch { judged: false, sinks: vec![&mut sent], ..Watch::default() });
        assert_eq!((outcome.steps[0].strikes, outcome.steps[0].bites), (1, 1));
        let Fault::Partition { cut: Cut::OneWay { to: Target::Nodes(leader), .. }, .. } = &outcome.struck.steps()[0].fault else {
            panic!("it is a cut one way")
        };
        let seconds = |count: u64| Time::ZERO + stormglass::base::Duration::from_secs(count);
        let during = sent.0.iter().filter(|(at, ..)| *at > seconds(2) && *at < seconds(22));
        for (at, from, to, fate) in during {
            assert_eq!(*fate == Fate::Lost(Loss::Partition), leader.contains(to), "{from} to {to} at {at}");
        }
    }
}

/// A cluster of two, of which one is cut off, has many writes of unknown outcome: they are judged all the same.
#[test]
fn a_history_of_many_unknown_outcomes_is_judged() {
    let Some(scenario) = report("02-run-unknown.ron") else { return };
    [13, 122].into_iter().for_each(|seed| scenario.assert_holds(seed));
}

/// Servers that cannot keep up lag, and do not disagree: it is told who lags, behind whom, and by how much.
#[test]
fn servers_that_lag_do_not_disagree() {
    let Some(scenario) = report("24-overload-lag.ron") else { return };
    for seed in 0..3 {
        let outcome = scenario.run(seed);
        let violated = outcome.properties.iter().filter(|report| report.verdict != Verdict::Holds);
        for found in violated {
            let Some(Explanation::Pending(pending)) = &found.explanation else { panic!("{}", scenario.describe_failure(&outcome)) };
            assert!(!pending.disagree, "{}", scenario.describe_failure(&outcome));
            assert!(pending.lagging.iter().all(|lag| lag.by > 0 && lag.before.is_some()), "{pending:?}");
        }
    }
}
