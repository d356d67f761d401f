//! `new`: what it makes, and what it refuses. That what it makes builds and holds is tried by `.ci/run`.

#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;

use expect_test::expect;

use crate::{Desk, check};

#[test]
fn a_crate_is_made() {
    let desk = Desk::new();
    let made = desk.expect(0, &["new", "my-protocol"]);
    check(
        &made.out,
        expect![[r#"
        ./my-protocol: a protocol with a planted bug, two scenarios, and tests

          cd ./my-protocol
          cargo test
          cargo run --release -- run scenarios/storm.ron
    "#]],
    );
    let manifest = fs::read_to_string(desk.path("my-protocol/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"my-protocol\"\n"), "{manifest}");
    assert!(manifest.contains(&format!("stormglass = \"{}\"\n", env!("CARGO_PKG_VERSION"))), "{manifest}");
    let texts = ["README.md", "src/lib.rs", "src/main.rs", "tests/chain.rs", "scenarios/storm.ron", "scenarios/bugs/answers-early.ron"];
    for file in texts {
        let text = fs::read_to_string(desk.path("my-protocol").join(file)).unwrap();
        assert!(!text.is_empty() && !text.contains("{{"), "{file}");
    }
    let left: Vec<_> = fs::read_dir(desk.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["my-protocol"]);
}

#[test]
fn it_may_depend_on_a_checkout() {
    let desk = Desk::new();
    fs::create_dir(desk.path("below")).unwrap();
    desk.expect(0, &["new", "mine", "--path", "below", "--stormglass-path", env!("CARGO_MANIFEST_DIR")]);
    let manifest = fs::read_to_string(desk.path("below/mine/Cargo.toml")).unwrap();
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
    assert!(manifest.ends_with(&format!("stormglass = {{ path = {whole:?} }}\n")), "{manifest}");
}

#[test]
fn what_is_there_is_left_as_it_is() {
    let desk = Desk::new();
    fs::create_dir(desk.path("mine")).unwrap();
    let refused = desk.expect(2, &["new", "mine"]);
    check(
        &refused.err,
        expect![[r#"
        error: ./mine is there already, and is left as it is: give another name, or another folder by --path
    "#]],
    );
    assert_eq!(fs::read_dir(desk.path("mine")).unwrap().count(), 0);
    let nowhere = desk.expect(74, &["new", "other", "--path", "nowhere"]);
    check(
        &nowhere.err,
        expect![[r#"
        error: cannot make nowhere/other: no such file or directory
    "#]],
    );
    let no_checkout = desk.expect(2, &["new", "other", "--stormglass-path", "mine"]);
    check(
        &no_checkout.err,
        expect![[r#"
        error: mine is no checkout of Stormglass: it has no Cargo.toml with that name
    "#]],
    );
    assert!(!desk.path("other").exists());
}

#[test]
fn names_are_those_of_crates() {
    let desk = Desk::new();
    let long = "a".repeat(65);
    let mut complaints = String::new();
    for name in ["", "1st", "-mine", "my protocol", "../mine", "größer", "match", "stormglass", "test", &long] {
        // A name that looks like an option must be said to be none.
        complaints += &desk.expect(2, &["new", "--", name]).err;
    }
    check(
        &complaints,
        expect![[r#"
        error: "" cannot be the name of a crate: give it one, such as my-protocol
        error: "1st" cannot be the name of a crate: it begins with a letter, as in my-protocol
        error: "-mine" cannot be the name of a crate: it begins with a letter, as in my-protocol
        error: "my protocol" cannot be the name of a crate: it has letters, digits, - and _ only, as in my-protocol
        error: "../mine" cannot be the name of a crate: it begins with a letter, as in my-protocol
        error: "größer" cannot be the name of a crate: it has letters, digits, - and _ only, as in my-protocol
        error: "match" cannot be the name of a crate: that name is taken
        error: "stormglass" cannot be the name of a crate: that name is taken
        error: "test" cannot be the name of a crate: that name is taken
        error: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" cannot be the name of a crate: it is longer than 64 letters
    "#]],
    );
    assert_eq!(fs::read_dir(desk.path(".")).unwrap().count(), 0);
}
