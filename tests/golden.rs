//! What a seed means is part of the public interface. A change of these digests is a breaking change: note it in CHANGELOG.md.
//!
//! These tests stand apart, so that they are soon built with optimisation too: `cargo test --release --test golden`.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;

fn check(file: &str, seeds: &[u64], expected: &Expect) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
    let text = fs::read_to_string(path).expect("the scenario is there");
    let scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    let digests: Vec<String> = seeds.iter().map(|seed| format!("{:016x}", scenario.run(*seed).digest)).collect();
    expected.assert_eq(&digests.join(" "));
}

#[test]
fn raft() {
    let check = |name: &str, expected: Expect| check(&format!("raft/{name}"), &[1, 7, 4711], &expected);
    check("leader-crash.ron", expect!["fbe6ca7d203c4fe9 423dec8182f9171a ebc653e124018e2b"]);
    check("partition-halves.ron", expect!["7835c40c3f75477c 792938f138876c42 fc3254afb51de280"]);
    check("crash-storm.ron", expect!["a9bf7ac03a37027c 9344d1c4a625232a 9ed99238821e774d"]);
}

#[test]
fn commit() {
    let check = |name: &str, expected: Expect| check(&format!("commit/{name}"), &[1, 7, 4711], &expected);
    check("bank.ron", expect!["b9c85a81940e30ba 84ce57984beb160f 860c55a4afc04fb9"]);
    check("storm.ron", expect!["adbd6e1bdc57d8db e2e2bf3f08c8d7da 21cdd14633d8d598"]);
    check("presumed-commit.ron", expect!["ad54c3620eea8100 a637cea8b7260534 106a38e80facfc62"]);
}

#[test]
fn commit_relatives() {
    let check = |name: &str, expected: Expect| check(&format!("commit/{name}"), &[1, 7], &expected);
    check("paxos-commit.ron", expect!["b58db4fbebf96a54 58fe54a167ccf803"]);
    check("three-phase.ron", expect!["a0b9a7c15f3b0e9f d098649bbb7e58fa"]);
    check("three-phase-partition.ron", expect!["f10f8b33ac9b66dc dcd1728b0cb7d2e2"]);
}
