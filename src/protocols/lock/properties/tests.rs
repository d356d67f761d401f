//! The judge of mutual exclusion against the model of a fenced lock, and against runs made up by hand.

use proptest::prelude::*;

use super::*;
use crate::base::{ClientId, OperationId};
use crate::check::model::fenced_lock::{FencedLock, FencedLockResult, LockOp};
use crate::check::{Budget, Verdict, linearizability};
use crate::history::{Event as Noted, History, Outcome};

fn grant(client: u32, nth: u32) -> Grant {
    Grant(OperationId { client, life: 0, nth })
}

fn at(record: usize) -> Sighting {
    Sighting { record: record as u64, at: Time::from_nanos(record as u64 + 1) }
}

/// Accesses under one lock: each by which of a few grants, whose tokens are as given; or none has any.
fn judged(accesses: &[u32], tokens: Option<&[u64]>) -> bool {
    let mut judge = LockJudge::new();
    for (place, by) in accesses.iter().enumerate() {
        let token = tokens.map(|tokens| tokens[*by as usize]);
        judge.accessed(at(place), Accessed { lock: 0, grant: grant(*by, 1), mode: Mode::Exclusive, token, nth: 1 });
    }
    judge.violations.is_empty()
}

/// The same by the model: the first access of a grant acquires the lock, its last one releases it. Without tokens, grants are counted.
fn by_the_model(accesses: &[u32], tokens: Option<&[u64]>) -> bool {
    let mut history = History::<LockOp<u32>, FencedLockResult>::new();
    let mut step = |instant: usize, op: LockOp<u32>, ret: FencedLockResult| {
        let client = ClientId { client: 0, session: 0 };
        let id = OperationId { client: 0, life: 0, nth: instant as u32 + 1 };
        let time = Time::from_nanos(instant as u64);
        history.record(time, &Noted::Invoke { client, id, op }).expect("one after another");
        history.record(time, &Noted::Complete { client, outcome: Outcome::Done(ret) }).expect("one after another");
    };
    let mut counted = Vec::new();
    for (place, by) in accesses.iter().enumerate() {
        if !accesses[..place].contains(by) {
            counted.push(*by);
            let token = tokens.map_or(counted.len() as u64, |tokens| tokens[*by as usize]);
            step(2 * place, LockOp::Acquire(*by), FencedLockResult::Granted { token });
        }
        if !accesses[place + 1..].contains(by) {
            step(2 * place + 1, LockOp::Release(*by), FencedLockResult::Released);
        }
    }
    let budget = Budget { states: None, bytes: None };
    linearizability::judge(&linearizability::LINEARIZABILITY, &FencedLock::<u32>::free(), &history, budget).verdict == Verdict::Holds
}

proptest! {
    /// Of any accesses, the judge says what the model says.
    #[test]
    fn the_judge_agrees_with_the_model_of_a_fenced_lock(
        accesses in prop::collection::vec(0..4_u32, 0..9),
        tokens in prop::option::of(Just([10_u64, 20, 30, 40]).prop_shuffle()),
    ) {
        let tokens = tokens.as_ref().map(<[u64; 4]>::as_slice);
        prop_assert_eq!(judged(&accesses, tokens), by_the_model(&accesses, tokens));
    }
}

#[test]
fn turns_do_not_overlap() {
    assert!(judged(&[0, 0, 1, 1, 2], None));
    assert!(!judged(&[0, 1, 0], None), "the first came back");
    assert!(judged(&[1, 1, 0, 0], None), "without tokens, any order of turns is one");
    assert!(!judged(&[1, 1, 0, 0], Some(&[1, 2])), "with tokens, the later grant has its turn later");
}

#[test]
fn those_who_share_a_lock_do_not_mind_each_other() {
    let judged = |accesses: &[(u32, Mode)]| {
        let mut judge = LockJudge::new();
        for (place, (by, mode)) in accesses.iter().enumerate() {
            let token = Some(u64::from(*by));
            judge.accessed(at(place), Accessed { lock: 0, grant: grant(*by, 1), mode: *mode, token, nth: 1 });
        }
        judge.violations.is_empty()
    };
    use Mode::{Exclusive, Shared};
    assert!(judged(&[(1, Shared), (2, Shared), (1, Shared), (3, Exclusive)]));
    assert!(!judged(&[(1, Shared), (3, Exclusive), (1, Shared)]));
    assert!(!judged(&[(3, Exclusive), (4, Shared), (3, Exclusive)]));
}

#[test]
fn tokens_grow_from_grant_to_grant() {
    let holds = |nth, token| HolderNote::Holds { lock: 0, grant: grant(0, nth), mode: Mode::Exclusive, token: Some(token) };
    let asks = |nth| HolderNote::Asks { lock: 0, grant: grant(0, nth) };
    let judge = |notes: &[HolderNote]| {
        let mut judge = LockJudge::new();
        notes.iter().enumerate().for_each(|(place, note)| judge.said(at(place), *note));
        judge.violations.is_empty()
    };
    assert!(judge(&[asks(1), holds(1, 5), asks(2), holds(2, 6)]));
    assert!(!judge(&[asks(1), holds(1, 5), asks(2), holds(2, 5)]), "a token came again");
    assert!(judge(&[asks(1), asks(2), holds(2, 6), holds(1, 5)]), "both had asked: the answer to the first was late");
}
