//! Levels of isolation, and what implies what.

use std::fmt;

use serde::Serialize;

/// How far transactions are kept apart from each other. See `check::isolation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Serializable in an order that keeps to real time: who begins after another has committed comes after it.
    StrictSerializable,
    /// Serializable in an order that keeps to each client's own.
    StrongSessionSerializable,
    /// As if transactions had run one after another (PL-3).
    Serializable,
    /// Snapshot isolation, and a snapshot holds all that had committed before its transaction began.
    StrongSnapshotIsolation,
    /// Snapshot isolation, and a snapshot holds what its client had committed before.
    StrongSessionSnapshotIsolation,
    /// Each transaction reads from one snapshot, and of two that write one key at once, one aborts (PL-SI).
    SnapshotIsolation,
    /// As snapshot isolation, but snapshots may see transactions that write different keys in different orders.
    ParallelSnapshotIsolation,
    /// No transaction reads what was aborted or not final (PL-2).
    ReadCommitted,
    /// Writes of two transactions are not interleaved (PL-1).
    ReadUncommitted,
}

impl Level {
    /// All of them; none comes before one that implies it.
    pub const ALL: [Self; 9] = [
        Self::StrictSerializable,
        Self::StrongSessionSerializable,
        Self::Serializable,
        Self::StrongSnapshotIsolation,
        Self::StrongSessionSnapshotIsolation,
        Self::SnapshotIsolation,
        Self::ParallelSnapshotIsolation,
        Self::ReadCommitted,
        Self::ReadUncommitted,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StrictSerializable => "strict-serializable",
            Self::StrongSessionSerializable => "strong-session-serializable",
            Self::Serializable => "serializable",
            Self::StrongSnapshotIsolation => "strong-snapshot-isolation",
            Self::StrongSessionSnapshotIsolation => "strong-session-snapshot-isolation",
            Self::SnapshotIsolation => "snapshot-isolation",
            Self::ParallelSnapshotIsolation => "parallel-snapshot-isolation",
            Self::ReadCommitted => "read-committed",
            Self::ReadUncommitted => "read-uncommitted",
        }
    }

    /// What it promises, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::StrictSerializable => "serializable in an order that keeps to real time",
            Self::StrongSessionSerializable => "serializable in an order that keeps to each client's own",
            Self::Serializable => "as if transactions had run one after another",
            Self::StrongSnapshotIsolation => "snapshot isolation, and a snapshot holds all that had committed before",
            Self::StrongSessionSnapshotIsolation => "snapshot isolation, and a snapshot holds what its client had committed before",
            Self::SnapshotIsolation => "each transaction reads from one snapshot, and of two that write one key at once, one aborts",
            Self::ParallelSnapshotIsolation => "as snapshot isolation, but snapshots may see other transactions in different orders",
            Self::ReadCommitted => "no transaction reads what was aborted or not final",
            Self::ReadUncommitted => "writes of two transactions are not interleaved",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Whether whatever keeps this keeps the other, too.
    pub const fn implies(self, other: Self) -> bool {
        self.weaker().has(other)
    }

    /// This one and all that it implies.
    pub(in crate::check) const fn weaker(self) -> Levels {
        let base = Levels::one(Self::ReadUncommitted).with(Self::ReadCommitted).with(Self::ParallelSnapshotIsolation);
        let snapshots = base.with(Self::SnapshotIsolation);
        let session = snapshots.with(Self::StrongSessionSnapshotIsolation);
        let strong = session.with(Self::StrongSnapshotIsolation);
        match self {
            Self::ReadUncommitted => Levels::one(self),
            Self::ReadCommitted => Levels::one(Self::ReadUncommitted).with(self),
            Self::ParallelSnapshotIsolation => base,
            Self::SnapshotIsolation => snapshots,
            Self::StrongSessionSnapshotIsolation => session,
            Self::StrongSnapshotIsolation => strong,
            Self::Serializable => snapshots.with(self),
            Self::StrongSessionSerializable => session.with(Self::Serializable).with(self),
            Self::StrictSerializable => strong.with(Self::Serializable).with(Self::StrongSessionSerializable).with(self),
        }
    }

    /// This one and all that imply it: what an anomaly violates that this level is the weakest to forbid.
    pub(in crate::check) fn stronger(self) -> Levels {
        let mut levels = Levels::NONE;
        for level in Self::ALL {
            if level.implies(self) {
                levels = levels.with(level);
            }
        }
        levels
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in crate::check) struct Levels(u16);

impl Levels {
    pub(in crate::check) const NONE: Self = Self(0);

    pub(in crate::check) const fn one(level: Level) -> Self {
        Self(1 << level as u16)
    }

    pub(in crate::check) const fn with(self, level: Level) -> Self {
        Self(self.0 | 1 << level as u16)
    }

    pub(in crate::check) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(in crate::check) const fn has(self, level: Level) -> bool {
        self.0 & 1 << level as u16 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_implies_is_an_order_and_is_listed_first() {
        for (place, a) in Level::ALL.into_iter().enumerate() {
            assert!(a.implies(a) && Level::named(a.name()) == Some(a));
            for b in Level::ALL {
                assert!(a == b || !(a.implies(b) && b.implies(a)), "{a} and {b}");
                let before = Level::ALL[..place].contains(&b);
                assert!(!(before && a.implies(b)), "{a} implies {b}, which is listed before it");
                for c in Level::ALL {
                    assert!(!(a.implies(b) && b.implies(c)) || a.implies(c), "{a}, {b}, {c}");
                }
            }
        }
        assert!(!Level::Serializable.implies(Level::StrongSnapshotIsolation));
    }
}
