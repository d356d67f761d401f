//! Bugs, planted one at a time: each overrides one rule, or two that go together, and names the property that must catch it.

use std::sync::Arc;

use super::{Correct, DECOYS, Rules};
use crate::base::{Duration, LocalTime};
use crate::process;
use crate::protocols::raft;

/// A variant of the registry: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "registry/keeps-alive-unproven",
        rules: &KeepsAliveUnproven,
        source: "etcd-io/etcd#15247",
        needs: &["leader that is cut off, and a holder that reaches it"],
        property: Some("lease-kept"),
        about: "A leader answers keep-alives from memory without asking whether it leads still. Another may lead, and end the lease \
                that its holder was just told it has.",
    },
    Mutant {
        name: "registry/revives-the-ending",
        rules: &RevivesTheEnding,
        source: "a broken rule: what is proposed may be committed",
        needs: &["commit that takes longer than a keep-alive"],
        property: Some("lease-kept"),
        about: "A keep-alive that comes when the end of the lease is proposed is answered as if it came in time. The end is committed \
                all the same.",
    },
    Mutant {
        name: "registry/counts-from-the-answer",
        rules: &CountsFromTheAnswer,
        source: "a broken rule: Gray and Cheriton 1989, §2, count a term from when it was asked for",
        needs: &["leader whose proof comes late, deposed right after"],
        property: Some("lease-kept"),
        about: "A leader counts a lease from when it answers, and not from when it was asked. Whoever was elected in between counts \
                from its election.",
    },
    Mutant {
        name: "registry/counts-as-a-follower",
        rules: &CountsAsAFollower,
        source: "a broken rule: expiry by a follower's clock, which sees no keep-alive",
        needs: &["change of leader"],
        property: Some("lease-kept"),
        about: "A new leader counts each lease from when it applied its grant, as a follower. It has seen none of the keep-alives \
                since.",
    },
    Mutant {
        name: "registry/remembers-deadlines",
        rules: &RemembersDeadlines,
        source: "a broken rule: a lease kept from before a change of leader",
        needs: &["leader that is deposed, and leads again"],
        property: Some("lease-kept"),
        about: "A leader that is elected again goes by the deadlines of its last term. Another has kept leases alive in between.",
    },
    Mutant {
        name: "registry/ends-the-next-grant",
        rules: &EndsTheNextGrant,
        source: "a broken rule: an expiry that is proposed twice ends a renewed session",
        needs: &["commit that takes longer than a look at what is due"],
        property: Some("lease-kept"),
        about: "A leader proposes the end of a lease again while it is not applied, and an end is that of whatever its holder has by \
                then. The second one ends the lease that the holder was granted after the first.",
    },
    Mutant {
        name: "registry/expires-what-has-moved",
        rules: &ExpiresWhatHasMoved,
        source: "a broken rule: an old session's end takes the keys of the new one",
        needs: &["crash of a client that is back before its lease has ended"],
        property: Some("linearizability"),
        about: "A key that was put anew under another lease still goes with the old one, too. The client is back and registered when \
                its old lease ends.",
    },
    Mutant {
        name: "registry/forgets-the-silent",
        rules: &ForgetsTheSilent,
        source: "a broken rule: a new leader is to look after every lease",
        needs: &["crash of an instance, and a change of leader before its lease has ended"],
        property: Some("dead-gone"),
        about: "A new leader looks after the leases alone that it is asked to keep alive. Those of the dead never end.",
    },
    Mutant {
        name: "registry/silent-of-the-gone",
        rules: &SilentOfTheGone,
        source: "a broken rule: who is deregistered is told so, as a Consul agent is by anti-entropy",
        needs: &["instance that is cut off for longer than its checks allow, and keeps its lease"],
        property: Some("registered-found"),
        about: "A holder that keeps its lease alive is not told that its instance was deregistered. It lives, is well, and is never found \
                again.",
    },
    Mutant {
        name: "registry/resumes-past-compaction",
        rules: &ResumesPastCompaction,
        source: "kubernetes/kube-state-metrics#694: the rule of 410 Gone",
        needs: &["client that is cut off for more changes than are remembered"],
        property: Some("watch-exact"),
        about: "A client that asks for changes that are forgotten is sent those that are left, and not told.",
    },
    Mutant {
        name: "registry/resumes-from-now",
        rules: &ResumesFromNow,
        source: "a broken rule: a watch after a reconnect begins at the revision that was seen",
        needs: &["client that changes servers"],
        property: Some("watch-exact"),
        about: "A watch that comes back begins with the changes from now on, whatever its client has seen.",
    },
    Mutant {
        name: "registry/overlooks-gaps",
        rules: &OverlooksGaps,
        source: "a broken rule: a stream over a network that loses needs numbers that are looked at",
        needs: &["loss"],
        property: Some("watch-exact"),
        about: "A client takes changes as they come, and does not see that some were lost before them.",
    },
    Mutant {
        name: "registry/sees-twice",
        rules: &SeesTwice,
        source: "a broken rule: every change once",
        needs: &["duplicates, or a client that changes servers"],
        property: Some("watch-exact"),
        about: "A client takes changes as they come, and does not see that it has seen them.",
    },
    Mutant {
        name: "registry/goes-back",
        rules: &GoesBack,
        source: "kubernetes/kubernetes#59848",
        needs: &["server that lags, and a client that comes to it from another"],
        property: Some("watch-exact"),
        about: "A server that has seen less than its client sends it the list that it has, and the client goes back to that.",
    },
    Mutant {
        name: "registry/trusts-its-leader",
        rules: &TrustsItsLeader,
        source: "a broken rule: who believes to lead need not lead",
        needs: &["leader that is cut off together with a client"],
        property: Some("age-bounds"),
        about: "A server takes its state as current when its leader says so, without proof that it led. Behind a partition, both are \
                old.",
    },
    Mutant {
        name: "registry/tells-no-age",
        rules: &TellsNoAge,
        source: "a broken rule: a stale answer tells its age",
        needs: &["server that lags"],
        property: Some("age-bounds"),
        about: "What any server answers is said to be current.",
    },
    Mutant {
        name: "registry/age-without-the-way",
        rules: &AgeWithoutTheWay,
        source: "a broken rule: Cristian 1989, §4, what is told is older by its way",
        needs: &["answer that takes long"],
        property: Some("age-bounds"),
        about: "A client takes an answer to be as old as it was when it was sent.",
    },
    Mutant {
        name: "registry/looks-up-unproven",
        rules: &LooksUpUnproven,
        source: "a broken rule: Raft §8, a leader must confirm that it leads before it answers what is read",
        needs: &["leader that is cut off together with a client"],
        property: Some("linearizability"),
        about: "A leader answers look-ups without asking whether it leads still. Another may lead, and what is registered there is not \
                found here.",
    },
    Mutant {
        name: "registry/checks-that-it-answers",
        rules: &ChecksThatItAnswers,
        source: "lavinmq/lavinmq#2151: a gray failure",
        needs: &["instance that is not well, and answers"],
        property: Some("sick-gone"),
        about: "A check goes well if an answer comes, whatever it says. An instance that answers that it is not well stays.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}

#[derive(Debug)]
struct KeepsAliveUnproven;

impl Rules for KeepsAliveUnproven {
    fn keep_alive_needs_proof(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct RevivesTheEnding;

impl Rules for RevivesTheEnding {
    fn end_is_final(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CountsFromTheAnswer;

impl Rules for CountsFromTheAnswer {
    fn extended(&self, _: LocalTime, now: LocalTime, length: Duration) -> LocalTime {
        now + length
    }
}

#[derive(Debug)]
struct CountsAsAFollower;

impl Rules for CountsAsAFollower {
    fn restarts_leases(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct RemembersDeadlines;

impl Rules for RemembersDeadlines {
    fn forgets_deadlines(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct EndsTheNextGrant;

impl Rules for EndsTheNextGrant {
    fn proposes_again(&self) -> bool {
        true
    }

    fn ends_its_grant_alone(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ExpiresWhatHasMoved;

impl Rules for ExpiresWhatHasMoved {
    fn detaches(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsTheSilent;

impl Rules for ForgetsTheSilent {
    fn looks_after_all(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct SilentOfTheGone;

impl Rules for SilentOfTheGone {
    fn tells_of_the_gone(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ResumesPastCompaction;

impl Rules for ResumesPastCompaction {
    fn tells_of_compaction(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ResumesFromNow;

impl Rules for ResumesFromNow {
    fn resumes_after(&self, _: u64, now: u64) -> u64 {
        now
    }
}

#[derive(Debug)]
struct OverlooksGaps;

impl Rules for OverlooksGaps {
    fn minds_gaps(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct SeesTwice;

impl Rules for SeesTwice {
    fn passes_over_repeats(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct GoesBack;

impl Rules for GoesBack {
    fn refuses_older_lists(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct TrustsItsLeader;

impl Rules for TrustsItsLeader {
    fn age_needs_proof(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct TellsNoAge;

impl Rules for TellsNoAge {
    fn told_age(&self, _: Duration) -> Duration {
        Duration::ZERO
    }
}

#[derive(Debug)]
struct AgeWithoutTheWay;

impl Rules for AgeWithoutTheWay {
    fn age_of_the_way(&self, _: Duration) -> Duration {
        Duration::ZERO
    }
}

#[derive(Debug)]
struct LooksUpUnproven;

impl Rules for LooksUpUnproven {
    fn look_ups_need_proof(&self) -> bool {
        false
    }
}

/// What Raft goes by where look-ups need no proof.
#[derive(Debug)]
pub(super) struct ServesUnproven;

impl raft::Rules for ServesUnproven {
    fn may_serve_read(&self, _: u64, _: u64) -> bool {
        true
    }
}

#[derive(Debug)]
struct ChecksThatItAnswers;

impl Rules for ChecksThatItAnswers {
    fn check_went_well(&self, _: bool) -> bool {
        true
    }
}
