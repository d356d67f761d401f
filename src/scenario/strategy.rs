//! Fault plans for property tests: legal ones, which shrink to fewer, earlier and simpler faults.
//!
//! ```no_run
//! use proptest::prelude::*;
//! use stormglass::scenario::{Scenario, strategy};
//!
//! /// A scenario of your own: `Scenario::from_ron("Scenario(…)", &registry).unwrap()`.
//! fn scenario() -> Scenario {
//! #   unimplemented!()
//! }
//!
//! proptest! {
//!     // #[test]
//!     fn survives_every_storm(faults in strategy::fault_plan(&scenario()), seed: u64) {
//!         scenario().with_faults(faults).assert_holds(seed);
//!     }
//! }
//! # survives_every_storm();
//! ```

use proptest::collection::vec;
use proptest::prelude::*;

use super::Scenario;
use crate::fault::{Draw, Ends, FaultPlan, Kind};

/// Plans for this scenario: up to eight steps, most of them at given times, some again and again, some set off by a message. A plan shrinks
/// to fewer steps, earlier times and shorter lengths, and where it can, from roles to named nodes. All its faults are over when the faults
/// of the run end.
pub fn fault_plan(scenario: &Scenario) -> BoxedStrategy<FaultPlan> {
    fault_plan_of(scenario, |kind| kind.ends != Ends::Never)
}

/// The same with those kinds of faults only that are wanted, such as what nothing ends (`Destroy`), which a system need not survive.
///
/// # Panics
/// If none is wanted.
pub fn fault_plan_of(scenario: &Scenario, is_wanted: impl Fn(&Kind) -> bool) -> BoxedStrategy<FaultPlan> {
    let (roster, conditions) = (scenario.roster(), &scenario.conditions);
    let draw = Draw::new(roster.population.servers, roster.roles.clone(), roster.kinds, conditions.duration);
    let wanted: Vec<&Kind> = Kind::ALL.iter().filter(|kind| is_wanted(kind)).collect();
    vec(draw.step(&wanted), 0..=8).prop_map(FaultPlan::new).boxed()
}
