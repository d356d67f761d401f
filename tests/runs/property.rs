//! Stormglass under proptest: whatever goes wrong, Raft holds, and what fails prints the scenario and the command that replays it.

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use stormglass::explore::{fingerprint, first_violated};
use stormglass::scenario::{Failure, Scenario, strategy::fault_plan};
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
        scenario("").with_faults(plan).holds(seed)?;
    }
}

/// What proptest prints of a failure: what is left after shrinking, once, as it is written in a scenario.
#[test]
fn a_property_that_fails_prints_what_is_left_of_it() {
    let config = ProptestConfig { cases: 8, max_shrink_iters: 24, failure_persistence: None, ..ProptestConfig::default() };
    let planted = scenario(r#"mutant: "raft/forgets-vote","#);
    let any = (fault_plan(&planted), any::<u64>());
    let failed = TestRunner::new(config).run(&any, |(plan, seed)| Ok(planted.clone().with_faults(plan).holds(seed)?));
    let said = failed.expect_err("the planted bug is found").to_string();
    assert!(said.contains("the same, shrunk"), "{said}");
    assert!(said.lines().count() < 140 && !said.contains("FaultStep"), "{said}");
    assert!(said.contains("persist-before-answer is violated at ") && said.contains("\nScenario(\n"), "{said}");
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
    let end = said.find("\nstormglass replay").expect("the command follows");
    let printed = Scenario::from_ron(&said[start..end], &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(printed.run(5).digest, planted.run(5).digest);
    let (_, small) = said.split_once("\n// the same, shrunk; `shrink` may find less\n").expect("it is shrunk");
    let small = Scenario::from_ron(small, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(small.run(small.seed.expect("it names its seed")).violates("persist-before-answer"));
    assert!(small.conditions.duration < planted.conditions.duration, "{small:?}");
}

#[test]
#[ignore = "it is run by the test below, in a process of its own"]
fn a_seed_that_fails() {
    scenario(r#"mutant: "raft/forgets-vote","#).assert_holds(5);
}

#[test]
#[ignore = "it is run by the test below, in a process of its own"]
fn a_scenario_that_holds() {
    scenario("").assert_holds(1);
}

/// A failure of a scenario of this name that lies in the folder is run before anything else.
#[test]
fn failures_that_were_saved_run_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = || {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--include-ignored", "--exact", "property::a_scenario_that_holds"]).current_dir(folder.path());
        let output = command.output().expect("it can be started");
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    assert!(run().0, "there is no such folder");
    let planted = scenario(r#"mutant: "raft/forgets-vote","#);
    let outcome = planted.run(5);
    let first = first_violated(&outcome).expect("the planted bug is found");
    let regressions = folder.path().join("stormglass-regressions");
    fs::create_dir(&regressions).expect("a folder");
    fs::write(regressions.join("one.ron"), Failure::new(&planted, &outcome, fingerprint(first)).to_ron()).expect("a file");
    let (held, said) = run();
    assert!(!held && said.contains("1 of 1 failures in stormglass-regressions are not mended"), "{said}");
    assert!(said.contains("persist-before-answer is violated at ") && said.contains("it is as it was saved"), "{said}");
}

/// The line that a failure prints last, carried out, shows that seed in the same test.
#[test]
fn a_failure_can_be_replayed_in_its_test() {
    let run = |seed: &str, arguments: &[&str]| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--include-ignored", "--nocapture"]).args(arguments).env("STORMGLASS_SEED", seed);
        let output = command.output().expect("it can be started");
        assert!(!output.status.success());
        String::from_utf8(output.stdout).expect("text") + &String::from_utf8(output.stderr).expect("text")
    };
    let said = run("77", &["property::a_seed_that_fails", "--exact"]);
    let line = said.lines().find(|line| line.starts_with("STORMGLASS_SEED=")).unwrap_or_else(|| panic!("{said}"));
    let (seed, filter) = line["STORMGLASS_SEED=".len()..].split_once(" cargo test ").expect("a command");
    assert_eq!((seed, filter), ("77", "property::a_seed_that_fails -- --exact"));
    let filter: Vec<&str> = filter.split_whitespace().filter(|word| *word != "--").collect();
    for said in [said.clone(), run(seed, &filter)] {
        assert!(said.contains("is violated under seed 77\n") && said.contains("persist-before-answer is violated"), "{said}");
    }
    assert!(run("soon", &filter).contains("STORMGLASS_SEED=soon names no seed"));
}
