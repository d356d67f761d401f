//! Any text as a scenario: reading it never panics, and one that is sound can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;

fuzz_target!(|text: &str| {
    let source = Source::new("fuzzed.ron", text);
    let problems = Diagnostics::new();
    let scenario = Scenario::parse(&source, &Registry::standard(), &problems);
    assert!(problems.is_empty() || !problems.render(&source, false).is_empty());
    match scenario.filter(|_| !problems.has_errors()) {
        None => assert!(!problems.is_empty(), "a scenario that cannot be read has a reason"),
        Some(scenario) => {
            let written = scenario.to_ron();
            let again = Scenario::from_ron(&written, &Registry::standard()).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(again.to_ron(), written);
        }
    }
});
