//! Stormglass under proptest: whatever goes wrong, Raft holds, and what fails prints the scenario and the command that replays it.

use proptest::prelude::*;
use stormglass::scenario::{Scenario, strategy::fault_plan};
use stormglass::systems::Registry;

fn scenario(mutant: &str) -> Scenario {
    let text = format!(
        r#"Scenario(
            name: "whatever may come",
            system: RaftKv(nodes: 3, election_timeout: "150ms..300ms", heartbeat: "50ms"),
            {mutant}
            network: (latency: Uniform("1ms", "5ms"), loss: "1/200", duplicate: "1/200"),
            disk: (sync: Uniform("1ms", "10ms")),
            workload: (clients: 3, keys: 2, rate: "50/s"),
            duration: "3s",
            settle: "10s",
        )"#
    );
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_of_faults_breaks_raft(plan in fault_plan(&scenario("")), seed: u64) {
        scenario("").with_faults(plan).assert_holds(seed);
    }
}

/// What a person sees of a failure: the property, the scenario as a file with its few faults, and the command.
#[test]
fn a_failure_prints_the_scenario_and_the_command() {
    const MUTANT: &str = r#"mutant: "raft/forgets-vote","#;
    let planted = scenario(MUTANT);
    let said = std::panic::catch_unwind(|| scenario(MUTANT).assert_holds(5)).expect_err("the planted bug is found");
    let said = said.downcast_ref::<String>().expect("a text");
    assert!(said.contains("persist-before-answer is violated at "), "{said}");
    assert!(said.contains("stormglass replay SCENARIO.ron --seed 5"), "{said}");
    let start = said.find("Scenario(").expect("the scenario is printed");
    let end = said.rfind("\nstormglass replay").expect("the command follows");
    let printed = Scenario::from_ron(&said[start..end], &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(printed.run(5).digest, planted.run(5).digest);
}
