//! Judges are shown forged records: what must be complained of is, and what is measured is what happened.

use expect_test::expect;
use serde::{Deserialize, Serialize};

use super::super::properties::{Bounds, DetectorJudge, LeaderJudge, Observations, Subject};
use super::super::{Note, Observers, Said, State};
use crate::base::{Incarnation, NodeId, Time};
use crate::check::{PropertyReport, Verdict};
use crate::fault::{Parting, Strike};
use crate::process::NoNote;
use crate::trace::{Cell, Event, Judge, Record, Vocabulary};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Silent;

struct Forged;

impl Vocabulary for Forged {
    type Message = Silent;
    type Note = Note;
    type Client = NoNote;
    type ClientNote = ();
}

impl Observations for Forged {
    fn detection(note: &Note) -> Option<Note> {
        Some(*note)
    }

    fn traffic(_: &Silent) -> Option<(u8, u64)> {
        Some((0, 10))
    }
}

/// A judge, and how many records it has seen.
struct Run(DetectorJudge, u64);

fn node(number: u32) -> NodeId {
    NodeId::server(number - 1)
}

fn seconds(at: u64) -> Time {
    Time::from_nanos(at * 1_000_000_000)
}

impl Run {
    fn new(bounds: Bounds, work: bool, doubts: bool) -> Self {
        let subject = Subject { name: "forged".to_owned(), observers: Observers::All, watches_work: work, doubts, bounds };
        Self(DetectorJudge::new(3, vec![subject], crate::base::Duration::ZERO), 0)
    }

    fn show(&mut self, at: u64, event: &Event<'_, Forged>) {
        self.0.observe(&Record { number: self.1, at: seconds(at), event });
        self.1 += 1;
    }

    fn says(&mut self, at: u64, by: u32, member: u32, state: State, incarnation: u32) {
        let note = Note { slot: 0, said: Said::Holds { member: node(member), state, incarnation } };
        self.show(at, &Event::Note { node: node(by), note: &note });
    }

    fn crash(&mut self, at: u64, of: u32) {
        self.show(at, &Event::Crash { node: node(of), unsynced: 0, kept: 0 });
    }

    fn boot(&mut self, at: u64, of: u32) {
        self.show(at, &Event::Boot { node: node(of), incarnation: Incarnation(2), files: &[] });
    }

    fn strike(&mut self, at: u64, strike: &Strike) {
        self.show(at, &Event::Strike { strike });
    }

    fn destroy(&mut self, at: u64, of: u32) {
        self.strike(at, &Strike::Destroy { node: node(of) });
        self.crash(at, of);
    }

    fn violated(mut self, at: u64) -> Vec<&'static str> {
        Judge::<Forged>::finish(&mut self.0, seconds(at));
        let reports = Judge::<Forged>::reports(&self.0);
        reports.iter().filter(|report| report.verdict == Verdict::Violated).map(|report| report.name).collect()
    }

    /// The first violation, in a line.
    fn told(mut self, at: u64) -> String {
        Judge::<Forged>::finish(&mut self.0, seconds(at));
        let reports = Judge::<Forged>::reports(&self.0);
        reports.iter().map(PropertyReport::reason).find(|told| !told.is_empty()).unwrap_or_default()
    }

    /// A cell of the first row, by the place of its column.
    fn cell(&mut self, at: u64, place: usize) -> Cell {
        Judge::<Forged>::finish(&mut self.0, seconds(at));
        Judge::<Forged>::tables(&self.0)[0].rows[0].cells[place].clone()
    }
}

#[test]
fn whoever_was_destroyed_must_be_suspected_by_all() {
    for (who, violated) in [(vec![1, 2], vec![]), (vec![1], vec!["strong-completeness"])] {
        let mut run = Run::new(Bounds::default(), false, false);
        run.destroy(10, 3);
        who.iter().for_each(|by| run.says(12, *by, 3, State::Dead, 0));
        run.show(20, &Event::Settle);
        assert_eq!(run.violated(40), violated);
    }
    let mut run = Run::new(Bounds::default(), false, false);
    run.destroy(10, 3);
    [1, 2].iter().for_each(|by| run.says(12, *by, 3, State::Dead, 0));
    run.show(20, &Event::Settle);
    run.says(35, 1, 3, State::Alive, 0);
    run.says(36, 1, 3, State::Dead, 0);
    assert_eq!(run.violated(40), ["strong-completeness"], "not for good");
}

#[test]
fn nobody_else_may_be_suspected_in_the_end() {
    for (until, violated) in [(29, vec![]), (31, vec!["eventual-accuracy"]), (50, vec!["eventual-accuracy"])] {
        let mut run = Run::new(Bounds::default(), false, false);
        run.says(10, 1, 2, State::Dead, 0);
        run.show(20, &Event::Settle);
        if until < 40 {
            run.says(until, 1, 2, State::Alive, 0);
        }
        assert_eq!(run.violated(40), violated, "until {until}");
    }
}

#[test]
fn the_dead_come_back_louder_and_nobody_else_raises_an_incarnation() {
    let mut run = Run::new(Bounds::default(), false, true);
    run.says(10, 1, 2, State::Dead, 0);
    run.says(11, 1, 2, State::Suspect, 0);
    assert_eq!(run.violated(40), ["never-resurrect"]);
    let mut run = Run::new(Bounds::default(), false, true);
    run.says(10, 1, 2, State::Dead, 0);
    run.says(11, 1, 2, State::Alive, 1);
    assert_eq!(run.violated(40), ["incarnation-is-its-own"]);
    let mut run = Run::new(Bounds::default(), false, true);
    run.says(10, 1, 2, State::Dead, 0);
    run.show(11, &Event::Note { node: node(2), note: &Note { slot: 0, said: Said::Refutes { incarnation: 1 } } });
    run.says(11, 1, 2, State::Alive, 1);
    assert_eq!(run.violated(40), [""; 0]);
}

#[test]
fn a_violation_names_the_records_that_it_rests_on() {
    let within = |seconds| Bounds { detection: Some(crate::base::Duration::from_secs(seconds)), ..Bounds::default() };
    let mut raised = Run::new(Bounds::default(), false, true);
    raised.says(9, 3, 1, State::Dead, 0);
    raised.says(10, 1, 2, State::Dead, 0);
    raised.says(11, 1, 2, State::Suspect, 0);
    expect!["raised-from-the-dead node=n1 member=n2 buried=0 state=suspect incarnation=0 at=11s #1 #2"].assert_eq(&raised.told(40));
    let mut high = Run::new(Bounds::default(), false, true);
    high.show(9, &Event::Note { node: node(2), note: &Note { slot: 0, said: Said::Refutes { incarnation: 1 } } });
    high.says(11, 1, 2, State::Alive, 2);
    expect!["incarnation-too-high node=n1 member=n2 incarnation=2 own=1 at=11s #0 #1"].assert_eq(&high.told(40));
    let mut unaware = Run::new(Bounds::default(), false, false);
    unaware.destroy(10, 3);
    unaware.show(20, &Event::Settle);
    expect!["unaware node=n2 of=n3 #1"].assert_eq(&unaware.told(40));
    let mut trusted = Run::new(Bounds::default(), false, false);
    trusted.destroy(10, 3);
    [1, 2].iter().for_each(|by| trusted.says(12, *by, 3, State::Dead, 0));
    trusted.show(20, &Event::Settle);
    trusted.says(35, 1, 3, State::Alive, 0);
    trusted.says(36, 1, 3, State::Dead, 0);
    expect!["trusted-late node=n1 of=n3 at=35s #1 #5"].assert_eq(&trusted.told(40));
    let mut suspected = Run::new(Bounds::default(), false, false);
    suspected.says(10, 1, 2, State::Dead, 0);
    suspected.show(20, &Event::Settle);
    suspected.says(31, 1, 2, State::Alive, 0);
    expect!["suspected-late node=n1 of=n2 at=31s #0 #2"].assert_eq(&suspected.told(40));
    let mut slow = Run::new(within(5), false, false);
    slow.crash(50, 3);
    slow.says(54, 2, 3, State::Dead, 0);
    slow.says(56, 1, 3, State::Dead, 0);
    slow.boot(60, 3);
    expect!["slow length=6s most=5s #0 #2"].assert_eq(&slow.told(100));
    let mut missed = Run::new(within(5), true, false);
    missed.says(8, 1, 2, State::Dead, 0);
    missed.strike(10, &Strike::StallDisk { node: node(3), lasting: None });
    missed.show(20, &Event::Lift { strike: 0 });
    expect!["missed-stall node=n2 of=n3 since=10s length=10s #1"].assert_eq(&missed.told(100));
}

/// A mean over many mistakes rests on all of them; that a node follows none, on its start.
#[test]
fn means_name_every_mistake_and_followers_of_none_their_start() {
    let length = |seconds| Some(crate::base::Duration::from_secs(seconds));
    let mistaken = |bounds, doubts| {
        let mut run = Run::new(bounds, false, doubts);
        let state = if doubts { State::Suspect } else { State::Dead };
        run.show(5, &Event::Settle);
        run.says(10, 1, 2, state, 0);
        run.says(11, 1, 3, State::Alive, 0);
        run.says(13, 1, 2, State::Alive, 0);
        run.says(20, 2, 3, state, 0);
        run.says(21, 2, 3, State::Alive, 0);
        run.told(100)
    };
    let many = mistaken(Bounds { recurrence: length(400), ..Bounds::default() }, false);
    expect!["many-mistakes count=2 mean=300s least=400s #1 #4"].assert_eq(&many);
    let doubts = mistaken(Bounds { doubts: length(400), ..Bounds::default() }, true);
    expect!["many-doubts count=2 mean=300s least=400s #1 #4"].assert_eq(&doubts);
    let long = mistaken(Bounds { duration: length(1), ..Bounds::default() }, false);
    expect!["long-mistakes mean=2s most=1s #1 #3 #4 #5"].assert_eq(&long);

    let mut judge = LeaderJudge::<Forged>::new(2, |_| None);
    let mut show = |number, at, event: &Event<'_, Forged>| judge.observe(&Record { number, at: seconds(at), event });
    show(0, 0, &Event::Boot { node: node(2), incarnation: Incarnation(1), files: &[] });
    show(1, 0, &Event::Boot { node: node(1), incarnation: Incarnation(1), files: &[] });
    show(2, 20, &Event::Settle);
    judge.finish(seconds(40));
    expect!["follows-none node=n1 #1"].assert_eq(&judge.reports()[0].reason());
}

#[test]
fn bounds_are_kept() {
    let length = |seconds| Some(crate::base::Duration::from_secs(seconds));
    for (bounds, violated) in [
        (Bounds { detection: length(5), ..Bounds::default() }, true),
        (Bounds { detection: length(6), ..Bounds::default() }, false),
        // One mistake in 2·100 s of each of two pairs and the four others, less the time that n3 was down.
        (Bounds { recurrence: length(500), ..Bounds::default() }, false),
        (Bounds { recurrence: length(600), ..Bounds::default() }, true),
        (Bounds { duration: length(2), ..Bounds::default() }, true),
        (Bounds { duration: length(3), ..Bounds::default() }, false),
    ] {
        let mut run = Run::new(bounds, false, false);
        run.says(10, 1, 2, State::Dead, 0);
        run.says(13, 1, 2, State::Alive, 0);
        run.crash(50, 3);
        run.says(56, 1, 3, State::Dead, 0);
        run.says(54, 2, 3, State::Dead, 0);
        run.boot(60, 3);
        run.says(61, 1, 3, State::Alive, 0);
        run.says(61, 2, 3, State::Alive, 0);
        assert_eq!(run.violated(100), if violated { vec!["quality-of-service"] } else { vec![] }, "{bounds:?}");
    }
}

/// What is measured, against what was made to happen.
#[test]
fn figures_are_exact() {
    let story = || {
        let mut run = Run::new(Bounds::default(), false, false);
        run.says(10, 1, 2, State::Dead, 0);
        run.says(14, 1, 2, State::Alive, 0);
        run.crash(50, 3);
        run.says(52, 1, 3, State::Dead, 0);
        run.says(56, 2, 3, State::Dead, 0);
        run.boot(60, 3);
        run.says(61, 1, 3, State::Alive, 0);
        run.says(63, 2, 3, State::Alive, 0);
        run
    };
    let length = |seconds| Cell::Length(crate::base::Duration::from_secs(seconds));
    assert_eq!(story().cell(100, 0), length(2), "T_D: 2 s and 6 s, the lower median");
    assert_eq!(story().cell(100, 2), length(6), "until the last one knew");
    assert_eq!(story().cell(100, 3), Cell::Count(0));
    // Six pairs for 90 s, two for ten.
    assert_eq!(story().cell(100, 4), length(560), "T_MR");
    assert_eq!(story().cell(100, 5), length(4), "T_M");
    assert_eq!(story().cell(100, 6), Cell::Share(1.0 - 4.0 / 560.0), "P_A");
    assert_eq!(story().cell(100, 14), length(1), "returns");
    let mut unnoticed = Run::new(Bounds::default(), false, false);
    unnoticed.crash(50, 3);
    unnoticed.says(52, 1, 3, State::Dead, 0);
    unnoticed.boot(60, 3);
    assert_eq!(unnoticed.cell(100, 3), Cell::Count(1), "a censored case stands apart");
}

#[test]
fn mistakes_in_partitions_stand_apart() {
    let mut run = Run::new(Bounds::default(), false, false);
    let cut = Parting::Groups(vec![vec![node(1)], vec![node(2), node(3)]]);
    run.strike(10, &Strike::Partition { cut, lasting: None });
    run.says(12, 1, 2, State::Dead, 0);
    run.says(13, 3, 2, State::Dead, 0);
    run.show(20, &Event::Lift { strike: 0 });
    run.says(21, 1, 2, State::Alive, 0);
    run.says(21, 3, 2, State::Alive, 0);
    assert_eq!(run.cell(100, 11), Cell::Count(1), "of n1, who was cut off from n2");
    assert_eq!(run.cell(100, 7), Cell::Count(1), "of n3, who was not");
}

#[test]
fn a_stalled_disk_must_be_noticed_by_whoever_watches_work() {
    for (noticed, work, violated) in [(true, true, vec![]), (false, true, vec!["gray-failures-noticed"]), (false, false, vec![])] {
        let bounds = Bounds { detection: Some(crate::base::Duration::from_secs(5)), ..Bounds::default() };
        let mut run = Run::new(bounds, work, false);
        run.strike(10, &Strike::StallDisk { node: node(3), lasting: None });
        if noticed {
            [1, 2].iter().for_each(|by| run.says(13, *by, 3, State::Dead, 0));
        }
        run.show(20, &Event::Lift { strike: 0 });
        assert_eq!(run.violated(100), violated);
    }
}
