//! Watermarks of several inputs as one: the least of those that are not idle (Akidau et al. 2015; Flink's `StatusWatermarkValve`).

use serde::{Deserialize, Serialize};

use super::Rules;
use super::event::NO_WATERMARK;

/// What is known of each input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermarks {
    /// Of each input the watermark, and whether it is idle.
    inputs: Vec<(i64, bool)>,
    /// That of all together. It never goes back.
    current: i64,
    /// Whether all are idle.
    is_idle: bool,
}

/// What became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The watermark is this now.
    To(i64),
    /// All inputs are idle.
    Idle,
}

impl Watermarks {
    /// Of so many inputs nothing is known.
    pub fn new(inputs: usize) -> Self {
        Self { inputs: vec![(NO_WATERMARK, false); inputs], current: NO_WATERMARK, is_idle: false }
    }

    /// That of all together.
    pub fn current(&self) -> i64 {
        self.current
    }

    /// Something has come through this input: it is not idle.
    pub fn is_active(&mut self, input: usize) {
        if let Some((_, idle)) = self.inputs.get_mut(input) {
            *idle = false;
        }
        self.is_idle = false;
    }

    /// The watermark of an input is this.
    pub fn reaches(&mut self, input: usize, watermark: i64, rules: &dyn Rules) -> Option<Advance> {
        self.is_active(input);
        let (known, _) = self.inputs.get_mut(input)?;
        *known = watermark.max(*known);
        self.advance(rules)
    }

    /// An input is idle.
    pub fn idles(&mut self, input: usize, rules: &dyn Rules) -> Option<Advance> {
        let (_, idle) = self.inputs.get_mut(input)?;
        *idle = rules.heeds_idleness();
        if self.inputs.iter().all(|(_, idle)| *idle) {
            let was = std::mem::replace(&mut self.is_idle, true);
            return (!was).then_some(Advance::Idle);
        }
        self.advance(rules)
    }

    fn advance(&mut self, rules: &dyn Rules) -> Option<Advance> {
        let active = self.inputs.iter().filter(|(_, idle)| !idle).map(|(watermark, _)| *watermark);
        let (least, greatest) = active.fold((i64::MAX, i64::MIN), |(least, most), one| (least.min(one), most.max(one)));
        let together = rules.watermark_of_all(least, greatest);
        if together <= self.current {
            return None;
        }
        self.current = together;
        Some(Advance::To(together))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocols::pipeline::Correct;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Reaches(usize, i64),
        Idles(usize),
        Event(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..3_usize, 0..50_i64).prop_map(|(input, watermark)| Step::Reaches(input, watermark)),
            (0..3_usize).prop_map(Step::Idles),
            (0..3_usize).prop_map(Step::Event),
        ]
    }

    proptest! {
        /// After each step, the watermark is the greatest that the least of the inputs that were not idle has been.
        #[test]
        fn it_is_the_least_of_those_that_are_not_idle(steps in prop::collection::vec(step(), 1..60)) {
            let mut fast = Watermarks::new(3);
            let mut told = NO_WATERMARK;
            for end in 1..=steps.len() {
                let advance = match steps[end - 1] {
                    Step::Reaches(input, watermark) => fast.reaches(input, watermark, &Correct),
                    Step::Idles(input) => fast.idles(input, &Correct),
                    Step::Event(input) => {
                        fast.is_active(input);
                        None
                    }
                };
                if let Some(Advance::To(watermark)) = advance {
                    prop_assert!(watermark > told, "it goes on");
                    told = watermark;
                }
                prop_assert_eq!(told, slow(&steps[..end]));
            }
        }
    }

    /// What all of these steps have come to, from the beginning for each of them.
    fn slow(steps: &[Step]) -> i64 {
        let mut best = NO_WATERMARK;
        for end in 1..=steps.len() {
            if matches!(steps[end - 1], Step::Event(_)) {
                continue;
            }
            let of = |input: usize| {
                let mine = |step: &&Step| matches!(step, Step::Reaches(at, _) | Step::Idles(at) | Step::Event(at) if *at == input);
                let idle = matches!(steps[..end].iter().rev().find(mine), Some(Step::Idles(_)));
                let reached = steps[..end].iter().filter_map(|step| match step {
                    Step::Reaches(at, watermark) if *at == input => Some(*watermark),
                    _ => None,
                });
                (!idle).then(|| reached.max().unwrap_or(NO_WATERMARK))
            };
            best = best.max((0..3).filter_map(of).min().unwrap_or(NO_WATERMARK));
        }
        best
    }
}
