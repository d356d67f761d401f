//! The detectors' rules, each a small method with the correct body. A mutant overrides one.

use super::{State, Watch};
use crate::base::{Duration, LocalTime};
use crate::process::rules;

rules! {
    /// The rules on which the correctness and the quality of detectors rest.
    ///
    /// The machines ask these and keep no second copy of them.
    pub trait Rules {
        // Heartbeats.

        /// Whether a heartbeat is news after another, each given by generation and sequence: those that were overtaken or doubled are not,
        /// and a peer that has started anew counts from one.
        fn is_news(&self, this: (u64, u64), last: (u64, u64)) -> bool {
            this > last
        }

        /// Whether a heartbeat is a sign of life: where work is watched, only if the worker has come further.
        fn is_life(&self, watch: Watch, work: u64, last: u64) -> bool {
            watch == Watch::Node || work > last
        }

        /// When a heartbeat came, for one who measures silence: when it arrived, by the watcher's own clock, whatever its sender's says.
        fn came(&self, arrived: LocalTime, sent: LocalTime) -> LocalTime {
            let _ = sent;
            arrived
        }

        /// Whether a peer of whom nothing was ever heard is watched from the start.
        fn watches_unheard(&self) -> bool {
            true
        }

        /// Whether the distribution learns an interval: not one that ends a suspicion, nor one that is longer than tolerable.
        fn learns_interval(&self, suspected: bool, tolerable: bool) -> bool {
            !suspected && tolerable
        }

        /// The standard deviation that is reckoned with: no less than the floor.
        fn deviation(&self, seen: Duration, floor: Duration) -> Duration {
            seen.max(floor)
        }

        /// How many copies of each heartbeat leave.
        fn copies(&self) -> u32 {
            1
        }

        // SWIM.

        /// How many members the round of probes goes over, of so many.
        fn round_length(&self, nodes: u32) -> u32 {
            nodes
        }

        /// Whether a member is suspected as soon as it does not answer directly: only when no other member reaches it either (SWIM §3.1).
        fn suspects_at_once(&self) -> bool {
            false
        }

        /// Whether that a member lives overrides what is held of it: if it says so in a higher incarnation (SWIM §4.2).
        fn alive_overrides(&self, incarnation: u32, held: State, held_incarnation: u32) -> bool {
            let _ = held;
            incarnation > held_incarnation
        }

        /// Whether a suspicion overrides what is held of a member: an alive one of the same or a lower incarnation. A dead one stays dead.
        fn suspect_overrides(&self, incarnation: u32, held: State, held_incarnation: u32) -> bool {
            held == State::Alive && incarnation >= held_incarnation
        }

        /// Whether the word that a member is dead overrides what is held of it.
        fn dead_overrides(&self, incarnation: u32, held: State, held_incarnation: u32) -> bool {
            held != State::Dead && incarnation >= held_incarnation
        }

        /// The incarnation in which a member refutes an accusation: above its own and that of the accusation. Nothing: it does not.
        fn refutation(&self, own: u32, accused: u32) -> Option<u32> {
            Some(own.max(accused).saturating_add(1))
        }

        /// Whether a suspicion's timer is cancelled when the suspicion is refuted.
        fn cancels_suspicion(&self) -> bool {
            true
        }

        /// Whether a suspicion's timer acts on what is held when it fires: only if that is still the suspicion.
        fn confirms(&self, held: State) -> bool {
            held == State::Suspect
        }

        /// Whether an accuser confirms a suspicion: each counts once, and the first one does not confirm itself (Lifeguard).
        fn counts_accuser(&self, accused_before: bool) -> bool {
            !accused_before
        }

        /// Whether a member that is dead is remembered: else old news of it is taken for new.
        fn keeps_tombstone(&self) -> bool {
            true
        }

        /// How often an update is passed on: λ·⌈log n⌉ times.
        fn transmissions(&self, limit: u32) -> u32 {
            limit
        }

        // Omega and the supervisor.

        /// Whether this node is a candidate for the leader: if it is not suspected.
        fn may_lead(&self, suspected: bool) -> bool {
            !suspected
        }

        /// Whether a node without a job may be given that of a failed one: if it is not suspected itself.
        fn may_replace(&self, suspected: bool) -> bool {
            !suspected
        }
    }
}
