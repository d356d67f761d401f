//! How long faults last is said by them: in place of a cure, such as `Heal`, what it ended ends by itself; and two strikes of one kind on
//! the same nodes are one that lasts longer.

use crate::base::{SortedMap, Time};
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::with_steps;
use crate::fault::{Ends, Fault, FaultStep, Moment};
use crate::scenario::Scenario;
use crate::world::Outcome;

pub(super) fn pass(search: &mut Search<'_>) {
    while search.scenario().conditions.faults.steps().len() <= MOST
        && search.attempt(shorter(search.scenario(), &search.best.outcome)).is_some()
    {}
}

/// Of more steps than this there are too many pairs.
const MOST: usize = 60;

/// The scenario, whose run came to this, with fewer steps: without cures, all of them first, and with two strikes in one.
fn shorter(scenario: &Scenario, outcome: &Outcome) -> Vec<Scenario> {
    let plan = Plan::of(scenario, outcome);
    let cures: Vec<usize> = (0..plan.steps.len()).filter(|place| plan.is_cure(*place)).collect();
    let all = (cures.len() > 1).then(|| plan.without_cures(&cures));
    let cured = all.into_iter().chain(cures.iter().map(|cure| plan.without_cures(&[*cure])));
    let places = 0..plan.steps.len();
    let joined = places.clone().flat_map(|first| places.clone().filter_map(move |second| Some((first, second)).filter(|(a, b)| a != b)));
    let joined = joined.filter_map(|(first, second)| plan.joined(first, second));
    cured.chain(joined).map(|steps| with_steps(scenario, steps)).collect()
}

/// The steps of a plan, with what they struck in a run.
struct Plan<'a> {
    steps: &'a [FaultStep],
    /// When each struck, and how it was resolved; nothing if it did not strike, or strikes again and again.
    struck: Vec<Option<(Time, &'a Fault)>>,
    end: Time,
}

impl<'a> Plan<'a> {
    fn of(scenario: &'a Scenario, outcome: &'a Outcome) -> Self {
        let steps = scenario.conditions.faults.steps();
        let timed =
            |step: &'a FaultStep| if let Moment::At { time } = step.moment { Some((step.name(), (time, &step.fault))) } else { None };
        let struck: SortedMap<&str, (Time, &Fault)> = outcome.struck.steps().iter().filter_map(timed).collect();
        let end = outcome.sim_time;
        Self { steps, struck: steps.iter().map(|step| struck.get(step.name()).copied()).collect(), end }
    }

    /// Whether it ends others and does nothing else.
    fn is_cure(&self, place: usize) -> bool {
        self.struck[place].is_some() && self.steps.iter().any(|other| is_ended_by(&other.fault, &self.steps[place].fault))
    }

    /// Those that are left without these, where what they ended ends by itself then.
    fn without_cures(&self, cures: &[usize]) -> Vec<FaultStep> {
        let left = (0..self.steps.len()).filter(|place| !cures.contains(place));
        left.map(|place| {
            let mut step = self.steps[place].clone();
            let Some((at, _)) = self.struck[place] else { return step };
            let cured = cures.iter().filter(|cure| is_ended_by(&step.fault, &self.steps[**cure].fault));
            let cured = cured.filter_map(|cure| self.struck[*cure]).map(|(time, _)| time).filter(|time| *time > at).min();
            if let (Some(cured), Some(lasting)) = (cured, step.fault.lasting_mut())
                && lasting.as_ref().is_none_or(|lasting| at + lasting.longest() > cured)
            {
                *lasting = Some(cured.since(at).into());
                step = unnamed(step);
            }
            step
        })
        .collect()
    }

    /// Those that are left without the second, where the first one lasts until that would be over; nothing if they strike differently.
    fn joined(&self, first: usize, second: usize) -> Option<Vec<FaultStep>> {
        let ((at, one), (later, other)) = (self.struck[first]?, self.struck[second]?);
        let (mut one, mut other) = (one.clone(), other.clone());
        let (_, lasting) = (one.lasting_mut()?.take(), other.lasting_mut()?.take());
        if one != other || later < at {
            return None;
        }
        let until = lasting.map_or(self.end, |lasting| later + lasting.longest());
        let mut steps = self.steps.to_vec();
        *steps[first].fault.lasting_mut()? = Some(until.since(at).into());
        steps[first] = unnamed(steps[first].clone());
        steps.remove(second);
        Some(steps)
    }
}

/// One that is called by what it says is called by what it says now.
fn unnamed(step: FaultStep) -> FaultStep {
    FaultStep::new(step.moment, step.fault)
}

fn is_ended_by(fault: &Fault, cure: &Fault) -> bool {
    let name = cure.kind().map(|kind| kind.name);
    fault.kind().is_some_and(|kind| matches!(kind.ends, Ends::By(ends) if name == Some(ends)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::Registry;

    /// What is left of a plan in each way, of which the run is the same but for that.
    #[test]
    fn cures_are_said_by_what_they_end_and_two_strikes_by_one() {
        let text = r#"Scenario(name: "three", system: RaftKv(nodes: 3), duration: "2s", settle: "0s", faults: [
            At("100ms", Pause(node: n3)), At("1s", Partition(Isolate(n1))), At("1300ms", Heal), At("1400ms", Resume(node: n3)),
            At("1500ms", Partition(cut: Isolate(n1), lasting: "300ms")),
        ])"#;
        let scenario = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
        let outcome = scenario.run(1);
        let shorter = shorter(&scenario, &outcome);
        let plans: Vec<String> = shorter.iter().map(|shorter| shorter.conditions.faults.to_string()).collect();
        assert_eq!(plans.len(), 4, "without both cures, without each, and with both cuts in one: {plans:?}");
        assert!(plans[0].contains("lasting: \"1.3s\"") && plans[0].matches("lasting: \"300ms\"").count() == 2, "{}", plans[0]);
        assert!(!plans[0].contains("Heal") && !plans[0].contains("Resume"), "{}", plans[0]);
        let again = shorter[0].run(1);
        assert_eq!((again.messages, again.operations), (outcome.messages, outcome.operations), "all goes as before");
        assert!(plans[3].contains("lasting: \"800ms\"") && !plans[3].contains("1.5s"), "{}", plans[3]);
    }
}
