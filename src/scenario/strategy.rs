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
use crate::fault::{Draw, Ends, FaultKind, FaultPlan};

/// Plans for this scenario: up to eight steps, most of them at given times, some again and again, some set off by what happens. A plan
/// shrinks to fewer steps, earlier times and shorter lengths, and where it can, from roles to named nodes. All its faults are over when the
/// faults of the run end; but where nothing is demanded afterwards, since `settle` is zero, some are for good (`Destroy`).
pub fn fault_plan(scenario: &Scenario) -> BoxedStrategy<FaultPlan> {
    let need_not_settle = scenario.conditions.settle.is_zero();
    fault_plan_of(scenario, |kind| need_not_settle || kind.ends != Ends::Never)
}

/// The same with those kinds of faults only that are wanted, such as what nothing ends (`Destroy`), which a system need not survive.
///
/// # Panics
/// If none is wanted.
pub fn fault_plan_of(scenario: &Scenario, is_wanted: impl Fn(&FaultKind) -> bool) -> BoxedStrategy<FaultPlan> {
    let roster = scenario.roster();
    let draw = Draw {
        wanted: FaultKind::ALL.iter().filter(|kind| is_wanted(kind)).collect(),
        servers: roster.population.servers.max(1),
        roles: roster.roles.clone(),
        kinds: roster.kinds,
        marks: roster.marks.clone(),
        duration: scenario.conditions.duration,
    };
    vec(draw.step(), 0..=8).prop_map(FaultPlan::new).boxed()
}
