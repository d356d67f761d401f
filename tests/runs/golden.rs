//! What a seed means is part of the public interface. A change of these digests is a breaking change: note it in CHANGELOG.md.

use std::fs;
use std::path::Path;

use expect_test::expect_file;
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;

/// Each line of the table names a scenario, a seed and the digest. `.ci/run` holds the optimised command against the same table.
#[test]
fn golden_digests() {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runs/golden.txt")).expect("the table is there");
    let fresh: String = table.lines().map(fresh).collect();
    assert!(!fresh.is_empty());
    expect_file!["golden.txt"].assert_eq(&fresh);
}

fn fresh(line: &str) -> String {
    let [file, seed, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}: not a scenario, a seed and a digest") };
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the scenario is there");
    let scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    format!("{file} {seed} {:016x}\n", scenario.run(seed.parse().expect("a seed")).digest)
}
