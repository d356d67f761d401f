//! Chance drawn afresh: what was drawn before stays, what is not asked for stays, and all else is another run's.

use std::collections::BTreeMap;

use stormglass::base::{Fate, MessageId, NodeId};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;
use stormglass::trace::Recording;
use stormglass::world::{Entity, Redraw, Whose};

const SEED: u64 = 5;
const FRESH: u64 = 1_000;

fn scenario() -> Scenario {
    let text = r#"Scenario(
        name: "all that is drawn",
        system: RaftKv(nodes: 3),
        network: (latency: Uniform("1ms", "5ms"), loss: "1/20", duplicate: "1/20", links: [(from: n1, to: n2, latency: Uniform("1ms", "9ms"))]),
        disk: (sync: Uniform("100us", "2ms")),
        clocks: (offset: "10ms", drift: "100ppm"),
        workload: (clients: 2, rate: "40/s"),
        faults: [Every("300ms..600ms", Crash(node: Any, down: "20ms..90ms")), At("1s", Lose(chance: "1/4", lasting: "200ms"))],
        duration: "2s", settle: "0s",
    )"#;
    Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn run(redraw: Option<(u64, u64, Whose)>) -> Recording {
    let mut scenario = scenario();
    scenario.conditions.redraw = redraw.map(|(seed, after, whose)| Redraw { seed, after, whose });
    scenario.run_recorded(SEED).1
}

fn all() -> Whose {
    Whose::AllBut(Vec::new())
}

/// How many records two runs have in common.
fn common(one: &Recording, other: &Recording) -> u64 {
    one.records().iter().zip(other.records()).take_while(|(one, other)| one.digest == other.digest).count() as u64
}

fn fates(recording: &Recording) -> BTreeMap<MessageId, Fate> {
    recording.records().iter().filter_map(|record| Some((record.message?.0, record.fate?))).collect()
}

#[test]
fn draws_from_the_same_seed_are_the_same_run() {
    let plain = run(None);
    for after in [0, 1, 500] {
        // What a node draws begins anew: only what has no stream stays as it is.
        let nodes = (0..3).map(NodeId::server).chain((0..2).map(NodeId::client));
        let again = run(Some((SEED, after, Whose::AllBut(nodes.map(Entity::Node).collect()))));
        assert_eq!(common(&plain, &again), plain.records().len() as u64, "after {after}");
    }
    assert_eq!(common(&plain, &run(Some((SEED, 0, all())))), plain.records().len() as u64);
}

#[test]
fn all_drawn_afresh_from_the_start_is_the_run_of_the_fresh_seed() {
    let (afresh, other) = (run(Some((FRESH, 0, all()))), scenario().run_recorded(FRESH).1);
    assert_eq!(common(&afresh, &other), other.records().len() as u64);
    assert!(common(&afresh, &run(None)) < 20);
}

#[test]
fn what_was_drawn_before_stays() {
    let plain = run(None);
    for after in [1, 30, 400, 1_000] {
        let afresh = run(Some((FRESH, after, all())));
        let common = common(&plain, &afresh);
        assert!((after..after + 60).contains(&common), "after {after} they part at {common}");
    }
    // Whenever the time comes, a message that is sent then has the fate that the fresh seed has for it.
    let other = fates(&run(Some((FRESH, 0, all()))));
    let afresh = run(Some((FRESH, 400, all())));
    let later: Vec<_> = afresh.records()[460..].iter().filter_map(|record| Some((record.message?.0, record.fate?))).collect();
    let met = later.iter().filter_map(|(id, fate)| Some((other.get(id)?, fate)));
    let (same, all) = met.fold((0, 0), |(same, all), (one, fate)| (same + u32::from(one == fate), all + 1));
    assert!(all > 100 && same * 10 > all * 9, "but for what faults do: {same} of {all}");
}

#[test]
fn only_what_is_asked_for_is_drawn_afresh() {
    let calm = |redraw: Option<(u64, Whose)>| {
        let mut scenario = scenario().with_faults(stormglass::fault::FaultPlan::default());
        scenario.conditions.redraw = redraw.map(|(seed, whose)| Redraw { seed, after: 0, whose });
        scenario.run_recorded(SEED).1
    };
    let (plain, n1, n2) = (fates(&calm(None)), NodeId::server(0), NodeId::server(1));
    for (from, to) in [(n1, n2), (n2, n1)] {
        let whose = Whose::Only(vec![Entity::Link(from, to)]);
        let one = fates(&calm(Some((FRESH, whose))));
        let rest = fates(&calm(Some((FRESH, Whose::AllBut(vec![Entity::Link(from, to)])))));
        let of_link = |id: &MessageId| (id.from, id.to) == (from, to);
        for (id, fate) in &plain {
            if let Some(other) = one.get(id).filter(|_| !of_link(id)) {
                assert_eq!(fate, other, "{id:?} is of another link");
            }
            if let Some(other) = rest.get(id).filter(|_| of_link(id)) {
                assert_eq!(fate, other, "{id:?} is of the link that is kept");
            }
        }
        let differ = plain.iter().filter(|(id, fate)| of_link(id) && one.get(id).is_some_and(|other| other != *fate)).count();
        assert!(differ > 10, "{differ}");
    }
}
