//! From which value on a property holds, or does not: found by bisection.

use super::axis::{Axis, Tick};
use super::why::Share;
use crate::base::sort_by;

/// Two values between which something changes, near each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// The value nearest to the change at which it is still so, and in how many seeds the property holds there.
    pub still: (Tick, Share),
    /// The one nearest to it at which it is not so any more.
    pub no_more: (Tick, Share),
}

/// Where a property stops to hold along an axis. Between the two, it depends on the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// Where it stops to hold in *all* seeds; nothing if it never does, or does not hold in all at either end.
    pub all: Option<Bracket>,
    /// Where it begins to hold in *no* seed.
    pub none: Option<Bracket>,
    /// Every value that was tried, in order, with the seeds in which the property held.
    pub tried: Vec<(Tick, Share)>,
}

/// How far apart the two values of a bracket may be, as a part of the larger one.
pub const WITHIN: f64 = 0.05;

impl Thresholds {
    /// Finds them: `holds` says of a value in how many of its seeds the property holds, and is asked once for each. Between the ends the
    /// property is taken to hold in ever fewer seeds, or in ever more: all that was tried is told, so that it shows if that is not so.
    ///
    /// # Errors
    /// What `holds` comes to; and if there is no axis to bisect.
    pub fn find<E>(axis: &Axis, mut holds: impl FnMut(&Tick) -> Result<Share, E>) -> Result<Option<Self>, E> {
        let Some([first, last]) = axis.ends() else { return Ok(None) };
        let mut tried = Vec::new();
        let mut ask = |tick: &Tick, tried: &mut Vec<(Tick, Share)>| -> Result<Share, E> {
            if let Some((_, share)) = tried.iter().find(|(known, _): &&(Tick, Share)| known == tick) {
                return Ok(*share);
            }
            let share = holds(tick)?;
            tried.push((tick.clone(), share));
            Ok(share)
        };
        let (one, other) = (ask(&first, &mut tried)?, ask(&last, &mut tried)?);
        // From the end at which it holds more often to the other.
        let (from, to) = if one.part() >= other.part() { (first, last) } else { (last, first) };
        let mut bracket = |is_so: fn(Share) -> bool, tried: &mut Vec<(Tick, Share)>| -> Result<Option<Bracket>, E> {
            // What was tried for the one narrows the other.
            let so = |share: &(Tick, Share)| is_so(share.1);
            let mut known = tried.clone();
            let direction = if to.at >= from.at { 1.0 } else { -1.0 };
            sort_by(&mut known, |one, other| (direction * one.0.at).total_cmp(&(direction * other.0.at)));
            let Some(at) = known.iter().position(|share| !so(share)).filter(|at| *at > 0) else { return Ok(None) };
            let (mut still, mut no_more) = (known[at - 1].clone(), known[at].clone());
            while (no_more.0.at - still.0.at).abs() > WITHIN * no_more.0.at.abs().max(still.0.at.abs()) {
                let middle = axis.at((still.0.at + no_more.0.at) / 2.0);
                if middle == still.0 || middle == no_more.0 {
                    break;
                }
                let share = ask(&middle, tried)?;
                *(if is_so(share) { &mut still } else { &mut no_more }) = (middle, share);
            }
            Ok(Some(Bracket { still, no_more }))
        };
        let all = bracket(|share| share.failed == share.of, &mut tried)?;
        let none = bracket(|share| share.failed > 0, &mut tried)?;
        sort_by(&mut tried, |one, other| one.0.at.total_cmp(&other.0.at));
        Ok(Some(Self { all, none, tried }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(axis: &str, of: u64, chance: impl Fn(f64) -> f64) -> (Thresholds, usize) {
        let mut asked = 0;
        let found = Thresholds::find(&axis.parse().expect("an axis"), |tick| {
            asked += 1;
            Ok::<_, ()>(Share { failed: (chance(tick.at).clamp(0.0, 1.0) * of as f64).round() as u64, of })
        });
        (found.expect("nothing fails").expect("it can be bisected"), asked)
    }

    #[test]
    fn both_thresholds_are_found_within_five_percent() {
        // All hold up to 400, none from 700 on.
        for axis in ["100/s..2000/s", "2000/s..100/s"] {
            let (Thresholds { all, none, tried }, asked) = found(axis, 40, |at| (700.0 - at) / 300.0);
            let (all, none) = (all.expect("there is one"), none.expect("there is one"));
            for (Bracket { still, no_more }, at) in [(&all, 404.0), (&none, 696.0)] {
                assert!(still.0.at <= at + 4.0 && at - 4.0 <= no_more.0.at, "{still:?} {no_more:?}");
                assert!(no_more.0.at - still.0.at <= WITHIN * no_more.0.at);
            }
            assert!(asked < 20 && tried.is_sorted_by(|one, other| one.0.at < other.0.at), "{asked}");
        }
    }

    #[test]
    fn what_grows_with_the_axis_is_found_as_well() {
        let (Thresholds { all, none, .. }, _) = found("1..1000", 40, |at| (at - 200.0) / 100.0);
        let (all, none) = (all.expect("there is one"), none.expect("there is one"));
        assert!(all.still.0.at > all.no_more.0.at && (all.still.0.at - 300.0).abs() < 16.0, "{all:?}");
        assert!(none.still.0.at > none.no_more.0.at && (none.no_more.0.at - 200.0).abs() < 16.0, "{none:?}");
    }

    #[test]
    fn where_nothing_changes_there_is_no_threshold() {
        let (Thresholds { all, none, tried }, _) = found("1..1000", 40, |_| 1.0);
        assert!(all.is_none() && none.is_none() && tried.len() == 2);
        let (Thresholds { all, none, .. }, _) = found("1..1000", 40, |_| 0.5);
        assert!(all.is_none() && none.is_none());
        assert_eq!(Thresholds::find(&"a|b".parse().expect("an axis"), |_| Ok::<_, ()>(Share { failed: 0, of: 1 })), Ok(None));
    }
}
