//! The health of instances, as their leader finds it. A new leader begins anew.

use std::collections::BTreeMap;

use super::{Change, Health, Instance, Item, Key, Operation, Rules, Value};
use crate::base::{Duration, LocalTime, NodeId};

/// How instances are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checking {
    /// Who begins.
    pub style: Style,
    /// How often each instance is checked.
    pub every: Duration,
    /// After how many checks gone wrong in a row it is critical; after the first it is a warning.
    pub failures: u32,
    /// How long it is critical before it is deregistered.
    pub deregister_after: Duration,
}

/// Who begins a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The leader asks the instance.
    Probe,
    /// The instance reports unasked.
    Report,
}

impl Checking {
    /// How long an instance that is no longer well stays registered at most, apart from the way of messages and entries: a check may have
    /// gone well just before, and it may register itself anew when it is to be deregistered.
    pub fn bound(&self) -> Duration {
        self.every * (u64::from(self.failures) + 3) + self.deregister_after
    }
}

/// The instances, and what is known of their health.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks(BTreeMap<Key, Check>);

#[derive(Clone, Debug)]
struct Check {
    created: u64,
    node: NodeId,
    /// When it is checked next.
    next: LocalTime,
    /// What came since the last check.
    report: Option<bool>,
    /// How many checks went wrong in a row.
    failures: u32,
    critical_since: Option<LocalTime>,
    /// What the registry says, or has been told since.
    said: Health,
    /// Whether its end is proposed.
    ends: bool,
}

impl Checks {
    /// A key has changed.
    pub(super) fn changed(&mut self, change: &Change, now: LocalTime, every: Duration) {
        match change.item {
            Some(item) => self.found(change.key, &item, now, every),
            None => drop(self.0.remove(&change.key)),
        }
    }

    /// This is registered.
    pub(super) fn found(&mut self, key: Key, item: &Item, now: LocalTime, every: Duration) {
        let Value::Instance(Instance { node, health, .. }) = item.value else { return };
        if let Some(check) = self.0.get_mut(&key).filter(|check| check.created == item.created) {
            // What was proposed by what the registry said before may find something else.
            (check.said, check.ends) = (health, false);
            return;
        }
        let check = Check {
            created: item.created,
            node,
            next: now + every,
            // It has just said that it is there.
            report: Some(true),
            failures: 0,
            critical_since: None,
            said: health,
            ends: false,
        };
        self.0.insert(key, check);
    }

    /// An instance says how it is.
    pub(super) fn reported(&mut self, key: Key, created: u64, is_well: bool) {
        if let Some(check) = self.0.get_mut(&key).filter(|check| check.created == created) {
            check.report = Some(is_well);
        }
    }

    /// It is time to look: what is to be put into the log, and who is to be asked.
    pub(super) fn look(&mut self, now: LocalTime, checking: &Checking, rules: &dyn Rules) -> (Vec<Operation>, Vec<(NodeId, Key, u64)>) {
        let (mut news, mut asked) = (Vec::new(), Vec::new());
        for (&key, check) in self.0.iter_mut().filter(|(_, check)| check.next <= now) {
            check.next = now + checking.every;
            let created = check.created;
            let well = check.report.take().is_some_and(|is_well| rules.check_went_well(is_well));
            check.failures = if well { 0 } else { check.failures + 1 };
            let health = match check.failures {
                0 => Health::Passing,
                failures if failures >= checking.failures => Health::Critical,
                _ => Health::Warning,
            };
            if health != check.said {
                check.said = health;
                news.push(Operation::Check { key, created, health });
            }
            if health != Health::Critical {
                check.critical_since = None;
            } else if now.since(*check.critical_since.get_or_insert(now)) >= checking.deregister_after && !check.ends {
                check.ends = true;
                news.push(Operation::Deregister { key, created });
            }
            if checking.style == Style::Probe {
                asked.push((check.node, key, created));
            }
        }
        (news, asked)
    }
}
