//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use std::sync::Arc;

use super::decoys::DECOYS;
use super::{Correct, Rules, State, Watch};
use crate::base::{Duration, LocalTime};
use crate::process;

/// A variant of a detector: a published bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants of the detectors.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "detector/suspects-at-once",
        rules: &SuspectsAtOnce,
        source: "daos-stack/daos#10435 (DAOS-11274)",
        needs: &["loss"],
        property: Some("quality-of-service"),
        about: "SWIM suspects a member as soon as its own ping is not answered, without asking others to try: each lost message is a false \
                suspicion.",
    },
    Mutant {
        name: "detector/suspicion-revives",
        rules: &SuspicionRevives,
        source: "atomix/atomix#962",
        needs: &["a crash", "suspicions that arrive after the verdict"],
        property: Some("never-resurrect"),
        about: "Word that a dead member is suspect brings it back among the living: removed members appear again.",
    },
    Mutant {
        name: "detector/forgets-the-dead",
        rules: &ForgetsTheDead,
        source: "atomix/atomix#1062",
        needs: &["a crash"],
        property: Some("never-resurrect"),
        about: "Nothing is kept of members that were declared dead. Old news of them are taken for new, and they come and go.",
    },
    Mutant {
        name: "detector/does-not-refute",
        rules: &DoesNotRefute,
        source: "habitat-sh/habitat#5571; tarantool/tarantool#4249",
        needs: &["a pause or a partition, long enough for a suspicion"],
        property: Some("eventual-accuracy"),
        about: "A member that hears that it is suspected does not raise its incarnation: no other believes that it lives, ever again.",
    },
    Mutant {
        name: "detector/old-news-resurrect",
        rules: &OldNewsResurrect,
        source: "hashicorp/memberlist commit 63ef41a",
        needs: &["a crash of a member that has refuted before", "delayed or exchanged news"],
        property: Some("never-resurrect"),
        about: "Word that a member lives, of the incarnation in which it was declared dead, brings it back to life.",
    },
    Mutant {
        name: "detector/misses-a-member",
        rules: &MissesAMember,
        source: "hashicorp/memberlist#350 (commit 8c0d992); commit 4558696",
        needs: &["a crash of the member that is missed"],
        property: Some("strong-completeness"),
        about: "The range from which the next target is chosen ends one too early: the last member is never probed.",
    },
    Mutant {
        name: "detector/suspicion-outlives-refutation",
        rules: &SuspicionOutlivesRefutation,
        source: "hashicorp/memberlist commits 9cdb22b and 78d226e",
        needs: &["a suspicion that is refuted"],
        property: Some("quality-of-service"),
        about: "The timer of a suspicion goes on after the suspicion is refuted, and declares a living member dead.",
    },
    Mutant {
        name: "detector/counts-an-accuser-twice",
        rules: &CountsAnAccuserTwice,
        source: "hashicorp/memberlist suspicion.go: each accuser counts once, and the first does not confirm itself",
        needs: &["a pause or slow messages: a refutation that takes its time"],
        property: Some("quality-of-service"),
        about: "Each copy of an accusation confirms it. A suspicion shrinks to its shortest although no other member had a reason for it, and \
                a member that is merely slow does not refute it in time.",
    },
    Mutant {
        name: "detector/learns-the-outage",
        rules: &LearnsTheOutage,
        source: "Akka, PhiAccrualFailureDetector: the guard that adds no interval while unavailable",
        needs: &["a partition that heals", "a crash after it"],
        property: Some("quality-of-service"),
        about: "The interval that ends an outage is learned like any other: from then on the distribution is so wide that a crash is noticed \
                far too late.",
    },
    Mutant {
        name: "detector/has-no-floor",
        rules: &HasNoFloor,
        source: "Akka, reference.conf: min-std-deviation",
        needs: &["heartbeats that came evenly for a while", "then one that takes a little longer"],
        property: Some("quality-of-service"),
        about: "The standard deviation has no floor: a heart that beats evenly is suspected at its first small stumble.",
    },
    Mutant {
        name: "detector/trusts-the-unheard",
        rules: &TrustsTheUnheard,
        source: "Akka, ClusterHeartbeatSender: ExpectedFirstHeartbeat",
        needs: &["a crash before the first heartbeat, and for good"],
        property: Some("strong-completeness"),
        about: "A peer that was never heard of counts as alive: one that crashed before its first heartbeat is never suspected.",
    },
    Mutant {
        name: "detector/reads-the-senders-clock",
        rules: &ReadsTheSendersClock,
        source: "class of bugs: the age of a heartbeat by wall clocks",
        needs: &["clocks that are off"],
        property: Some("eventual-accuracy"),
        about: "The age of a heartbeat is told by the time that its sender wrote into it: a node whose clock is behind is dead.",
    },
    Mutant {
        name: "detector/watches-the-heart-alone",
        rules: &WatchesTheHeartAlone,
        source: "cloudamqp/lavinmq#2151; etcd-io/etcd#15247; Huang et al., Gray Failure, HotOS 2017",
        needs: &["a disk that completes no sync"],
        property: Some("gray-failures-noticed"),
        about: "Heartbeats count although they tell of no progress: a node whose worker stands still looks healthy.",
    },
    Mutant {
        name: "detector/remembers-the-old-life",
        rules: &RemembersTheOldLife,
        source: "class of bugs: sequence numbers without an incarnation",
        needs: &["a crash, and a restart"],
        property: Some("eventual-accuracy"),
        about: "The heartbeats of a peer that has started anew are compared with those of its earlier life, and ignored as old until they \
                have caught up.",
    },
    Mutant {
        name: "detector/gossip-dies-out",
        rules: &GossipDiesOut,
        source: "SWIM §4.1: λ·log n transmissions; class of bugs: a constant instead",
        needs: &["a crash, in a group that is not small"],
        property: Some("quality-of-service"),
        about: "Each update is passed on once. It dies out before it has reached all members, and some hear of a crash much later.",
    },
    Mutant {
        name: "detector/follows-the-dead",
        rules: &FollowsTheDead,
        source: "class of bugs: an election that does not ask the failure detector",
        needs: &["the first node, destroyed"],
        property: Some("eventual-leadership"),
        about: "The first node leads, whether or not it is suspected: all follow a leader that is gone.",
    },
    Mutant {
        name: "detector/hires-the-dead",
        rules: &HiresTheDead,
        source: "class of bugs: a replacement that is not checked for life",
        needs: &["a spare node and one with a job, both destroyed"],
        property: Some("jobs-recovered"),
        about: "A supervisor gives the job of a failed node to the first spare one, whether or not that is suspected.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}

#[derive(Debug)]
struct SuspectsAtOnce;

impl Rules for SuspectsAtOnce {
    fn suspects_at_once(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct SuspicionRevives;

impl Rules for SuspicionRevives {
    fn suspect_overrides(&self, incarnation: u32, held: State, held_incarnation: u32) -> bool {
        held != State::Suspect && incarnation >= held_incarnation
    }
}

#[derive(Debug)]
struct ForgetsTheDead;

impl Rules for ForgetsTheDead {
    fn keeps_tombstone(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DoesNotRefute;

impl Rules for DoesNotRefute {
    fn refutation(&self, _: u32, _: u32) -> Option<u32> {
        None
    }
}

#[derive(Debug)]
struct OldNewsResurrect;

impl Rules for OldNewsResurrect {
    fn alive_overrides(&self, incarnation: u32, held: State, held_incarnation: u32) -> bool {
        incarnation > held_incarnation || held == State::Dead && incarnation == held_incarnation
    }
}

#[derive(Debug)]
struct MissesAMember;

impl Rules for MissesAMember {
    fn round_length(&self, nodes: u32) -> u32 {
        nodes.saturating_sub(1).max(1)
    }
}

#[derive(Debug)]
struct SuspicionOutlivesRefutation;

impl Rules for SuspicionOutlivesRefutation {
    fn cancels_suspicion(&self) -> bool {
        false
    }

    fn confirms(&self, _: State) -> bool {
        true
    }
}

#[derive(Debug)]
struct CountsAnAccuserTwice;

impl Rules for CountsAnAccuserTwice {
    fn counts_accuser(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct LearnsTheOutage;

impl Rules for LearnsTheOutage {
    fn learns_interval(&self, _: bool, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct HasNoFloor;

impl Rules for HasNoFloor {
    fn deviation(&self, seen: Duration, _: Duration) -> Duration {
        seen
    }
}

#[derive(Debug)]
struct TrustsTheUnheard;

impl Rules for TrustsTheUnheard {
    fn watches_unheard(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ReadsTheSendersClock;

impl Rules for ReadsTheSendersClock {
    fn came(&self, _: LocalTime, sent: LocalTime) -> LocalTime {
        sent
    }
}

#[derive(Debug)]
struct WatchesTheHeartAlone;

impl Rules for WatchesTheHeartAlone {
    fn is_life(&self, _: Watch, _: u64, _: u64) -> bool {
        true
    }
}

#[derive(Debug)]
struct RemembersTheOldLife;

impl Rules for RemembersTheOldLife {
    fn is_news(&self, (_, this): (u64, u64), (_, last): (u64, u64)) -> bool {
        this > last
    }
}

#[derive(Debug)]
struct GossipDiesOut;

impl Rules for GossipDiesOut {
    fn transmissions(&self, _: u32) -> u32 {
        1
    }
}

#[derive(Debug)]
struct FollowsTheDead;

impl Rules for FollowsTheDead {
    fn may_lead(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct HiresTheDead;

impl Rules for HiresTheDead {
    fn may_replace(&self, _: bool) -> bool {
        true
    }
}
