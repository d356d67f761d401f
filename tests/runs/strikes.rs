//! Steps and strikes have identities of their own: taking one away changes nothing for the others.

use stormglass::base::{Duration, Fate, Loss, MessageId, NodeId, Time};
use stormglass::fault::{Cut, Fault, FaultKind, FaultPlan, FaultStep, Moment, Target};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};
use stormglass::trace::{Sink, UntypedRecord};

fn scenario(nodes: u32, faults: &str) -> Scenario {
    let text = format!(
        "Scenario(name: \"storm\", system: RaftKv(nodes: {nodes}), network: (latency: Uniform(\"1ms\", \"5ms\"), loss: \"1/50\"), \
         workload: (clients: 2, rate: \"40/s\"), faults: [{faults}], duration: \"4s\", settle: \"0s\")"
    );
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Every kind of fault, placed by time and chance, and some that a role or a trigger places.
const STORM: &str = r#"
    Every("300ms..900ms", Partition(cut: Halves, lasting: "50ms..200ms")),
    Every("300ms..900ms", Partition(cut: OneWay(from: Any, to: Majority), lasting: "50ms..200ms")),
    Every(gap: "200ms..600ms", fault: OneOf([Heal, Crash(node: Any, down: "20ms..300ms"), Pause(node: Minority, lasting: "10ms..80ms")]), name: "mixed"),
    Every("400ms..900ms", Lose(chance: "1/4", lasting: "50ms..200ms")),
    Every("400ms..900ms", Duplicate(chance: "1/4", lasting: "50ms..200ms")),
    Every("400ms..900ms", Delay(by: "5ms..20ms", node: Any, lasting: "50ms..200ms")),
    Every("400ms..900ms", Reorder(chance: "1/4", by: "5ms..20ms", lasting: "50ms..200ms")),
    Every("700ms..900ms", StallDisk(node: Any, lasting: "20ms..100ms")),
    Every("500ms..900ms", OneOf([Restart(node: Any), Resume(node: Any)])),
    At("1s", Crash(node: All, down: "20ms..400ms")),
    At("2s", Crash(node: Leader, down: "100ms..300ms")),
    At("3.5s", Destroy(node: Any)),
    When(Crashed(nth: 3), Pause(node: Subject, lasting: "30ms..60ms")),
    When(Delivered(kind: "AppendEntries", nth: 90), Crash(node: Receiver, down: "30ms..60ms")),
"#;

const SEEDS: std::ops::Range<u64> = 0..3;

fn struck(scenario: &Scenario, seed: u64) -> FaultPlan {
    scenario.run_watched(seed, Watch { judged: false, ..Watch::default() }).struck
}

fn without(plan: &FaultPlan, step: &FaultStep) -> FaultPlan {
    FaultPlan::new(plan.steps().iter().filter(|other| other.name() != step.name()).cloned().collect())
}

/// Whether a strike belongs to this step.
fn is_of(strike: &FaultStep, step: &FaultStep) -> bool {
    strike.name() == step.name() || strike.name().strip_prefix(step.name()).is_some_and(|rest| rest.starts_with(" #"))
}

fn time_of(strike: &FaultStep) -> Time {
    let Moment::At { time } = strike.moment else { panic!("what struck has a time") };
    time
}

/// Whether neither a role nor a trigger has a say in it.
fn is_placed_by_itself(step: &FaultStep) -> bool {
    let text = step.fault.to_string();
    !matches!(step.moment, Moment::When { .. }) && !text.contains("Leader")
}

#[test]
fn a_step_less_leaves_the_others_as_they_are() {
    let whole = scenario(5, STORM);
    let (mut compared, mut kinds) = (0, std::collections::BTreeSet::new());
    for seed in SEEDS {
        let all = struck(&whole, seed);
        kinds.extend(all.steps().iter().filter_map(|strike| strike.fault.kind()).map(|kind| kind.name));
        let plan = whole.conditions.faults.clone();
        for gone in plan.steps() {
            let less = struck(&whole.clone().with_faults(without(&plan, gone)), seed);
            let first = all.steps().iter().filter(|strike| is_of(strike, gone)).map(time_of).min().unwrap_or(Time::MAX);
            for step in plan.steps().iter().filter(|step| step.name() != gone.name()) {
                let counts = |strike: &&FaultStep| is_of(strike, step) && (is_placed_by_itself(step) || time_of(strike) < first);
                let before: Vec<&FaultStep> = all.steps().iter().filter(counts).collect();
                let after: Vec<&FaultStep> = less.steps().iter().filter(counts).collect();
                assert_eq!(before, after, "{}, without {}, seed {seed}", step.name(), gone.name());
                compared += before.len();
            }
        }
    }
    assert_eq!(kinds.len(), FaultKind::ALL.len(), "every kind has struck: {kinds:?}");
    assert!(compared > 1_000, "{compared}");
}

#[derive(Default)]
struct Sends(Vec<(Time, MessageId, Fate)>);

impl Sink for Sends {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if let (Some((id, _)), Some(fate)) = (entry.message, entry.fate) {
            self.0.push((entry.at, id, fate));
        }
    }
}

fn sends(scenario: &Scenario, seed: u64) -> (FaultPlan, Vec<(Time, MessageId, Fate)>) {
    let mut sends = Sends::default();
    let outcome = scenario.run_watched(seed, Watch { judged: false, sinks: vec![&mut sends], ..Watch::default() });
    (outcome.struck, sends.0)
}

/// The fates of messages stay up to the strike that is gone, and the strikes of the recorded plan altogether.
#[test]
fn a_strike_less_leaves_the_others_as_they_are() {
    let open = scenario(5, STORM);
    let recorded = open.clone().with_faults(struck(&open, 1));
    let (all, sent) = sends(&recorded, 1);
    assert_eq!(all, recorded.conditions.faults);
    for gone in all.steps() {
        let (less, sent_less) = sends(&recorded.clone().with_faults(without(&all, gone)), 1);
        assert_eq!(less, without(&all, gone));
        let before = |sent: &[(Time, MessageId, Fate)]| sent.iter().filter(|(at, ..)| *at <= time_of(gone)).copied().collect::<Vec<_>>();
        assert_eq!(before(&sent_less), before(&sent), "without {gone}");
    }
}

/// What strikes and changes nothing changes no fate of any message either, whatever degradations are in force.
#[test]
fn a_strike_that_changes_nothing_can_go() {
    let idle = r#"At(time: "200ms", fault: Resume(node: n1), name: "idle"),"#;
    let storm = r#"Every("300ms..900ms", Lose(chance: "1/4", lasting: "50ms..200ms")),
        Every("300ms..900ms", Duplicate(chance: "1/4", lasting: "50ms..200ms")),
        Every("300ms..900ms", Delay(by: "5ms..20ms", lasting: "50ms..200ms")),"#;
    for seed in SEEDS {
        let ((more, sent), (less, sent_less)) = (sends(&scenario(5, &format!("{idle}{storm}")), seed), sends(&scenario(5, storm), seed));
        assert_eq!(more.steps().len(), less.steps().len() + 1);
        assert!(sent == sent_less, "seed {seed}");
    }
}

#[test]
fn a_server_more_changes_a_choice_only_if_it_is_chosen() {
    let storm = r#"Every("100ms..300ms", Resume(node: Any)), Every("100ms..300ms", Resume(node: Minority))"#;
    let news = NodeId::server(5);
    let (mut same, mut new) = (0, 0);
    for seed in SEEDS {
        let (five, six) = (struck(&scenario(5, storm), seed), struck(&scenario(6, storm), seed));
        assert_eq!(five.steps().len(), six.steps().len());
        for (five, six) in five.steps().iter().zip(six.steps()) {
            let (before, after) = (nodes(five), nodes(six));
            let stays = before.iter().filter(|node| after.contains(node)).count();
            assert!(before == after || after.contains(&news) && stays + 1 == before.len(), "{five}, {six}");
            *if before == after { &mut same } else { &mut new } += 1;
        }
    }
    assert!(same > new && new > 5, "{same}, {new}");
}

/// A cut one way loses what any of its senders sends to any other of its receivers, however the two overlap.
#[test]
fn a_cut_one_way_strikes_whoever_it_names() {
    #[derive(Default)]
    struct Parted(Vec<(NodeId, NodeId, bool)>);
    impl Sink for Parted {
        fn record(&mut self, entry: &UntypedRecord<'_>) {
            if let (Some((id, _)), Some(fate)) = (entry.message, entry.fate)
                && entry.at > Time::ZERO + Duration::from_secs(1)
            {
                self.0.push((id.from, id.to, fate == Fate::Lost(Loss::Partition)));
            }
        }
    }
    let targets = ["All", "Leader", "Follower", "n1", "[n1, n2]", "[n2, n3]", "Majority"];
    let (mut lost, mut silent) = (0, Vec::new());
    for (from, to) in targets.iter().flat_map(|from| targets.map(|to| (from, to))) {
        let cut = scenario(3, &format!("At(\"1s\", Partition(OneWay(from: {from}, to: {to})))"));
        let mut parted = Parted::default();
        let outcome = cut.run_watched(1, Watch { judged: false, sinks: vec![&mut parted], ..Watch::default() });
        let struck = outcome.struck.steps().first().map(|step| &step.fault);
        let Some(Fault::Partition { cut: Cut::OneWay { from: Target::Nodes(senders), to: Target::Nodes(receivers) }, .. }) = struck else {
            silent.push(format!("{from} to {to}"));
            continue;
        };
        let bites = u64::from(parted.0.iter().any(|(.., is_lost)| *is_lost));
        assert_eq!((outcome.steps[0].strikes, outcome.steps[0].bites), (1, bites), "{from} to {to}");
        for (sender, receiver, is_lost) in parted.0 {
            let is_parted = sender != receiver && senders.contains(&sender) && receivers.contains(&receiver);
            assert_eq!(is_lost, is_parted, "{sender} to {receiver} of a cut from {from} to {to}");
            lost += u32::from(is_lost);
        }
    }
    // n1 leads.
    let themselves = ["Leader to Leader", "Leader to n1", "Follower to Follower", "n1 to Leader", "n1 to n1"];
    assert_eq!(silent, themselves, "no node is cut off from itself");
    assert!(lost > 1_000, "{lost}");
}

fn nodes(strike: &FaultStep) -> Vec<NodeId> {
    match &strike.fault {
        Fault::Resume { node: Target::Node(node) } => vec![*node],
        Fault::Resume { node: Target::Nodes(nodes) } => nodes.clone(),
        other => panic!("{other} has no place here"),
    }
}

/// Links that keep the order by themselves. What is held for a moment is overtaken by nothing; what is held for long is.
#[test]
fn reordering_bites_if_a_message_is_overtaken() {
    let bites = |by: &str| {
        let text = format!(
            "Scenario(name: \"reordered\", system: RaftKv(nodes: 3), workload: (clients: 1, rate: \"20/s\"), duration: \"2s\", settle: \"1s\", \
             faults: [At(\"500ms\", Reorder(chance: 1, by: \"1us\", lasting: \"1ns\")), At(\"1s\", Reorder(chance: \"1/2\", by: {by:?}))])"
        );
        let scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
        let outcome = scenario.run(1);
        assert_eq!(outcome.verdict(), stormglass::check::Verdict::Holds);
        (outcome.faults[0].strikes, outcome.faults[0].bites)
    };
    assert_eq!(bites("1us"), (2, 0));
    assert_eq!(bites("300ms"), (2, 1));
}

#[test]
fn names_are_written_where_a_reader_would_give_others() {
    let plan = scenario(5, r#"At("1s", Heal), At("1s", Heal), At(time: "3s", fault: Heal, name: "last"), At("3s", Partition(Halves)),"#);
    let names = |plan: &FaultPlan| plan.steps().iter().map(|step| step.name().to_owned()).collect::<Vec<_>>();
    let all = &plan.conditions.faults;
    assert_eq!(names(all), [r#"At("1s", Heal)"#, r#"At("1s", Heal) 2"#, "last", r#"At("3s", Partition(Halves))"#]);
    let less = without(all, &all.steps()[0]);
    assert_eq!(names(&less), [r#"At("1s", Heal) 2"#, "last", r#"At("3s", Partition(Halves))"#]);
    assert!(less.to_string().contains(r#"At(time: "1s", fault: Heal, name: "At(\"1s\", Heal) 2"),"#), "{less}");
    for plan in [all, &less] {
        let text = plan.to_string();
        let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
        assert_eq!(&scenario(5, inner).conditions.faults, plan);
    }
}

/// A step without a name is named by all that it says: one that is taken out of a file renames none that says something else.
#[test]
fn a_step_taken_out_of_a_file_leaves_the_others_as_they_are() {
    let crash = |time: &str| format!("At(\"{time}\", Crash(node: Any, down: \"100ms..900ms\")),");
    let both = struck(&scenario(5, &(crash("1s") + &crash("2500ms"))), 3);
    let second = struck(&scenario(5, &crash("2500ms")), 3);
    assert_eq!(both.steps()[1], second.steps()[0]);
}

#[test]
fn a_name_means_one_step() {
    let problems = |faults: &str| {
        let text = format!("Scenario(name: \"names\", system: RaftKv(), faults: [{faults}])");
        Scenario::from_ron(&text, &Registry::standard()).expect_err("the names clash").to_string()
    };
    let twice = problems(r#"At(time: "1s", fault: Heal, name: "a"), At(time: "2s", fault: Heal, name: "a")"#);
    assert!(twice.contains(r#"the name "a" is given twice"#), "{twice}");
    let strike = problems(r#"Every(gap: "1s", fault: Heal, name: "a"), At(time: "2s", fault: Heal, name: "a #1")"#);
    assert!(strike.contains(r#"the name "a #1" is that of a strike of another step"#), "{strike}");
}
