//! How nodes stand at moments of a run: looking changes nothing, and what is seen is what was.

use stormglass::base::{NodeId, Time};
use stormglass::explore::{course, nodes_after, nodes_at};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};
use stormglass::world::{Moment, NodeState, NodeView, Observer, View};

fn scenario(text: &str) -> Scenario {
    Scenario::from_ron(text, &Registry::standard()).expect("a valid scenario")
}

const STORM: &str = r#"Scenario(
    name: "storm", system: RaftKv(nodes: 3), duration: "2s", settle: "1s",
    network: (latency: Uniform("1ms", "5ms"), loss: "1/50"), clocks: (offset: "20ms", drift: "200ppm"),
    faults: [At("400ms", Crash(node: n1, down: "300ms")), At("900ms", Pause(node: n2, lasting: "200ms"))],
)"#;

/// Looks at everything at every moment, in depth at those that have so many records.
#[derive(Default)]
struct All(Vec<(Moment, Vec<NodeView>)>, Vec<u64>);

impl Observer for All {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        self.0.push((*moment, view.nodes(moment.after, self.1.contains(&moment.records.1))));
    }
}

/// Looks at what processes show of themselves, at some moments.
#[derive(Default)]
struct Inner(u64, bool);

impl Observer for Inner {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        self.0 += 1;
        if self.0.is_multiple_of(5) {
            self.1 |= view.nodes(moment.after, true).iter().any(|view| view.inner.is_some());
        }
    }
}

/// A short run of every system, with its name.
fn every_system() -> Vec<(&'static str, Scenario)> {
    let registry = Registry::standard();
    let short = |system: &'static str| {
        let fields = match system {
            "Detectors" => "nodes: 3, worker: \"100ms\", detectors: [Swim()]",
            "Pipeline" => r#"stages: [Source(name: "in"), Sink(name: "out", from: ["in"])]"#,
            "Services" => r#"services: [Service(name: "gateway")]"#,
            "Omega" | "Supervisor" => r#"nodes: 3, detector: Heartbeat(interval: "20ms", timeout: "100ms")"#,
            _ => "",
        };
        let scenario = format!(r#"Scenario(name: "x", system: {system}({fields}), duration: "300ms", settle: "0s")"#);
        (system, Scenario::from_ron(&scenario, &registry).unwrap_or_else(|problems| panic!("{system}: {problems}")))
    };
    registry.systems().map(|system| short(system.name())).collect()
}

#[test]
fn what_lies_on_disks_is_told_in_words() {
    for (system, scenario) in every_system() {
        let again = |watch: Watch<'_>| scenario.run_watched(1, watch);
        let (_, recording) = scenario.run_recorded(1);
        let writes = || recording.records().iter().filter(|record| record.sort == "write");
        for write in writes() {
            let written = write.entry().written();
            assert!(written.is_some_and(|words| !words.is_empty()), "{system}: {}", write.line(200));
        }
        let last = recording.records().iter().map(|record| record.at).max().expect("something happens");
        let views = nodes_at(&again, last).0.expect("the run lasts").1;
        // What is text can be read as it is.
        let is_binary = |bytes: &[u8]| bytes.iter().any(|byte| *byte != b'\n' && byte.is_ascii_control());
        let has_bytes = |node| writes().any(|write| write.node == Some(node) && write.bytes.as_deref().is_some_and(is_binary));
        for view in views.iter().filter(|view| has_bytes(view.node)) {
            let told = view.disk.written.as_ref().or(view.disk.durable.as_ref());
            assert!(told.is_some_and(|told| !told.is_empty()), "{system}: {:?}", view.disk);
        }
    }
}

#[test]
fn looking_changes_nothing() {
    for (system, scenario) in every_system() {
        let mut inner = Inner::default();
        let looked = scenario.run_watched(1, Watch { observer: Some(&mut inner), ..Watch::default() });
        assert_eq!(looked, scenario.run(1), "{system}");
        assert!(inner.1, "{system} shows no state");
    }
}

#[test]
fn moments_follow_one_another_and_name_who_changes() {
    let mut all = All::default();
    let scenario = scenario(STORM);
    scenario.run_watched(1, Watch { observer: Some(&mut all), ..Watch::default() });
    let mut wake = 0;
    for pair in all.0.windows(2) {
        let [(before, old), (moment, new)] = pair else { unreachable!("a window of two") };
        assert!(before.until == moment.after && before.records.1 == moment.records.0 && !before.is_last);
        for (old, new) in old.iter().zip(new).filter(|(_, new)| moment.node.is_some_and(|node| node != new.node)) {
            let still = NodeView { reads: old.reads, messages: old.messages.clone(), ..new.clone() };
            assert_eq!(&still, old, "only {:?} is at work at {}", moment.node, moment.after);
        }
        wake += u64::from(moment.node.is_none());
    }
    assert!(wake >= 2, "faults strike any node");
    assert!(all.0.last().is_some_and(|(moment, _)| moment.is_last));
}

#[test]
fn nodes_stand_as_what_happened_says() {
    let scenario = scenario(STORM);
    let again = |watch: Watch<'_>| scenario.run_watched(1, watch);
    let at = |millis: u64| nodes_at(&again, Time::from_nanos(millis * 1_000_000)).0.expect("the run lasts").1;
    let state = |millis, node: usize| at(millis)[node].state;
    assert_eq!([399, 400, 699, 700].map(|millis| state(millis, 0)), [NodeState::Up, NodeState::Down, NodeState::Down, NodeState::Up]);
    assert_eq!(
        [899, 900, 1_099, 1_100].map(|millis| state(millis, 1)),
        [NodeState::Up, NodeState::Paused, NodeState::Paused, NodeState::Up]
    );
    let views = at(700);
    assert_eq!((views[0].incarnation.0, views[1].incarnation.0), (2, 1));
    assert!(views[0].disk.durable.as_deref().is_some_and(|disk| disk.starts_with("term ")), "{:?}", views[0].disk);
    assert!(views.iter().any(|view| view.clock.offset() != 0));
    for view in &views {
        assert!(view.messages.iter().all(|message| [message.id.from, message.id.to].contains(&view.node) && message.due >= Time::ZERO));
        assert!(view.timers.iter().all(|(_, due)| *due > Time::from_nanos(700_000_000)), "what is due has fired: {:?}", view.timers);
    }
    let leaders: Vec<NodeId> =
        at(390).iter().filter(|view| view.claim.is_some_and(|claim| claim.role.name == "Leader")).map(|view| view.node).collect();
    assert_eq!(leaders.len(), 1, "{leaders:?}");
}

#[test]
fn a_moment_is_found_again_by_its_records() {
    let scenario = scenario(STORM);
    let again = |watch: Watch<'_>| scenario.run_watched(2, watch);
    let course = course(&again);
    assert_eq!(course.moments.last().map(|moment| moment.records.1), Some(course.recording.records().len() as u64));
    // Some far apart, and some that follow one another.
    let crash = course.moments.partition_point(|moment| moment.after < Time::from_nanos(399_000_000));
    let is_wanted = |place: &usize| place.is_multiple_of(97) || (crash..crash + 40).contains(place);
    let wanted: Vec<u64> = (0..course.moments.len()).filter(is_wanted).map(|place| course.moments[place].records.1).collect();
    let found = nodes_after(&again, &wanted);
    assert_eq!(found.len(), wanted.len());
    let mut all = All(Vec::new(), wanted.clone());
    again(Watch { observer: Some(&mut all), ..Watch::default() });
    for (records, views) in wanted.iter().zip(found) {
        let seen = all.0.iter().find(|(moment, _)| moment.records.1 == *records && moment.records.0 < *records);
        assert_eq!(seen.map(|(_, views)| views), Some(&views));
    }
}
