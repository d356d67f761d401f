//! Whether messages come, and go, in the order of their logs.

use rustc_hash::{FxHashMap, FxHashSet};

use super::report::Finder;
use super::{Attempt, StreamAnomaly};
use crate::base::{ClientId, StreamOp};
use crate::check::verdict::{Fact, Fate, Rule};

static POLLED_BACK: Rule = Rule::new("int-polled-back", "{client} polled {value} of {key}, at {offset}, behind what lies at {before}");
static POLL_BACK: Rule = Rule::new("polled-back", "{client} polled {value} of {key}, at {offset}, when it stood at {before} already");
static POLLED_OVER: Rule = Rule::new(
    "int-polled-over",
    "{client} polled {value} of {key}, at {offset}, next to what lies at {before}, and not {left}, at {missed}",
);
static POLL_OVER: Rule =
    Rule::new("polled-over", "{client} polled {value} of {key}, at {offset}, when it stood at {before}, and not {left}, at {missed}");
static SENT_BACK: Rule = Rule::new("int-sent-back", "{client} sent {value} to {key}, which has {offset}, after what has {before}");
static SEND_BACK: Rule =
    Rule::new("sent-back", "{client} sent {value} to {key}, which has {offset}, once it was told that what it sent before has {before}");

/// Where a consumer stands.
#[derive(Debug, Default)]
struct Consumer {
    /// The highest offset that it has polled of each key, and by which attempt.
    stands: FxHashMap<u64, (u64, usize)>,
    /// The group that it is a member of.
    group: Option<u64>,
    /// Whether what it is assigned can change without its telling.
    moved_about: bool,
}

impl Consumer {
    /// What an operation that is no poll means for where it stands.
    fn told(&mut self, attempt: &Attempt) {
        match (&attempt.op, attempt.fate) {
            (_, Fate::Aborted) | (StreamOp::Acts(_) | StreamOp::Commit { .. }, _) => {}
            (StreamOp::Assign { keys, from_beginning: false }, Fate::Committed) => {
                self.group = None;
                self.stands.retain(|key, _| keys.contains(key));
                self.moved_about = false;
            }
            (StreamOp::Subscribe { group, .. }, fate) => {
                self.stands.clear();
                self.group = group.filter(|_| fate == Fate::Committed);
                self.moved_about = group.is_none();
            }
            (StreamOp::Assign { .. } | StreamOp::Crash, _) => {
                self.stands.clear();
                self.group = None;
                self.moved_about = false;
            }
        }
    }
}

/// Finds consumers that go back or leave something out, within a poll and from poll to poll. A member of a group leaves nothing out that
/// the group has had.
pub(super) fn polls(finder: &mut Finder<'_>) {
    let mut consumers: FxHashMap<ClientId, Consumer> = FxHashMap::default();
    let mut had: FxHashMap<(u64, u64), FxHashSet<u64>> = FxHashMap::default();
    let nothing = FxHashSet::default();
    for (index, attempt) in finder.attempts.iter().enumerate() {
        let consumer = consumers.entry(attempt.client).or_default();
        consumer.told(attempt);
        let rebalanced = &attempt.streamed.rebalanced;
        consumer.stands.retain(|key, _| !rebalanced.contains(key));
        let has_polls = attempt.op.name() != "send" && !attempt.op.acts().is_empty();
        if !has_polls {
            continue;
        }
        // Where the last record of each key lies, of this poll.
        let mut within: FxHashMap<u64, u64> = FxHashMap::default();
        for (key, record) in attempt.polled() {
            let Some(offset) = finder.logs.position(key, record) else { continue };
            match within.insert(key, offset) {
                Some(last) if !rebalanced.contains(&key) => {
                    step(finder, Step { key, value: record.value, last, offset, by: &[index], had: &nothing });
                }
                Some(_) => {}
                None if attempt.took_effect() && !consumer.moved_about => {
                    if let Some((stood, earlier)) = consumer.stands.get(&key).copied() {
                        let had = consumer.group.and_then(|group| had.get(&(group, key))).unwrap_or(&nothing);
                        step(finder, Step { key, value: record.value, last: stood, offset, by: &[earlier, index], had });
                    }
                }
                None => {}
            }
            if attempt.took_effect() {
                let stands = consumer.stands.entry(key).or_insert((offset, index));
                if stands.0 <= offset {
                    *stands = (offset, index);
                }
                if let Some(group) = consumer.group {
                    had.entry((group, key)).or_default().insert(offset);
                }
            }
        }
        if attempt.fate == Fate::Unknown {
            consumer.stands.clear();
        }
    }
}

/// From one record of a key to the next: by one attempt, or by two.
struct Step<'a> {
    key: u64,
    value: i64,
    last: u64,
    offset: u64,
    by: &'a [usize],
    /// What need not be polled any more.
    had: &'a FxHashSet<u64>,
}

fn step(finder: &mut Finder<'_>, step: Step<'_>) {
    let Step { key, value, last, offset, by, had } = step;
    let within = by.len() == 1;
    let evidence = |rule: &'static Rule| {
        let client = finder.client(by[0]);
        finder.broken(rule, key, value).with("client", client).with("offset", Fact::Index(offset)).with("before", Fact::Index(last))
    };
    if offset <= last {
        let (anomaly, rule) =
            if within { (StreamAnomaly::IntNonmonotonicPoll, &POLLED_BACK) } else { (StreamAnomaly::NonmonotonicPoll, &POLL_BACK) };
        let evidence = evidence(rule);
        finder.found(anomaly, by, evidence);
    } else if let Some((missed, left)) = finder.logs.between(key, last, offset, |missed| had.contains(&missed)) {
        let (anomaly, rule) = if within { (StreamAnomaly::IntPollSkip, &POLLED_OVER) } else { (StreamAnomaly::PollSkip, &POLL_OVER) };
        let evidence = evidence(rule).with("left", finder.names.value(left)).with("missed", Fact::Index(missed));
        finder.found(anomaly, by, evidence);
    }
}

/// Finds producers whose messages lie in another order than they were sent.
pub(super) fn sends(finder: &mut Finder<'_>) {
    // Where what each client sent last to a key lies, and which attempt that was. It is one that was acknowledged: another may take effect
    // at any time.
    let mut stands: FxHashMap<(ClientId, u64), (u64, usize)> = FxHashMap::default();
    for (index, attempt) in finder.attempts.iter().enumerate() {
        if attempt.op == StreamOp::Crash && attempt.fate != Fate::Aborted {
            stands.retain(|(client, _), _| *client != attempt.client);
        }
        if attempt.fate == Fate::Aborted {
            continue;
        }
        let mut within: FxHashMap<u64, u64> = FxHashMap::default();
        let mut first: FxHashSet<u64> = FxHashSet::default();
        for (key, value, offset) in attempt.sends() {
            let Some(offset) = finder.logs.position(key, crate::base::StreamRecord { offset, value }) else { continue };
            let earlier = if first.insert(key) {
                stands.get(&(attempt.client, key)).map(|(last, by)| (*last, &SEND_BACK, StreamAnomaly::NonmonotonicSend, vec![*by, index]))
            } else {
                within.get(&key).map(|last| (*last, &SENT_BACK, StreamAnomaly::IntNonmonotonicSend, vec![index]))
            };
            within.insert(key, offset);
            if let Some((last, rule, anomaly, by)) = earlier.filter(|(last, ..)| offset <= *last) {
                let evidence = finder.broken(rule, key, value).with("client", finder.client(index));
                let evidence = evidence.with("offset", Fact::Index(offset)).with("before", Fact::Index(last));
                finder.found(anomaly, &by, evidence);
            }
        }
        if attempt.took_effect() {
            stands.extend(within.into_iter().map(|(key, last)| ((attempt.client, key), (last, index))));
        }
    }
}
