//! The rules of services and their clients, each a small method with the correct body. A mutant overrides one.

use crate::base::{Duration, LocalTime};
use crate::policies::balancer::BalancerSettings;
use crate::policies::outlier::OutlierSettings;
use crate::policies::retry::{Again, Backoff};
use crate::process::rules;

rules! {
    /// The rules on which the correctness of services rests.
    pub trait Rules {
        /// The deadline of a call, by that of the request that it is made for and by its own.
        fn deadline(&self, inherited: Option<LocalTime>, own: Option<LocalTime>) -> Option<LocalTime> {
            inherited.into_iter().chain(own).min()
        }

        /// Whether work on a request is refused whose deadline has passed or has not.
        fn is_too_late(&self, has_passed: bool) -> bool {
            has_passed
        }

        /// The idempotency key of an attempt of a call that has this key.
        fn key_of_attempt(&self, key: u64, number: u16) -> u64 {
            let _ = number;
            key
        }

        /// What is done when an attempt has failed and the policy says this.
        fn again(&self, said: Again) -> Again {
            said
        }

        /// Whether copies of a hedged call are cancelled once one was answered.
        fn cancels_copies(&self) -> bool {
            true
        }

        /// Whether a call leaves its bulkhead that was answered or was not.
        fn leaves_bulkhead(&self, is_answered: bool) -> bool {
            let _ = is_answered;
            true
        }

        /// Whether what has an effect is answered when that is on disk, and not before.
        fn answers_when_durable(&self) -> bool {
            true
        }

        /// Whether an answer is taken that is meant for a call that is under way, or for one that is over.
        fn takes_answer(&self, is_current: bool) -> bool {
            is_current
        }

        /// Whether what a caller calls its calls is new after a crash.
        fn counts_on_after_crash(&self) -> bool {
            true
        }

        /// Whether an open breaker lets calls through again.
        fn lets_probes_through(&self) -> bool {
            true
        }

        /// Whether a call that has waited starts when another one leaves its bulkhead.
        fn starts_waiting(&self) -> bool {
            true
        }

        /// Whether a request is answered that is dropped in the queue.
        fn answers_dropped(&self) -> bool {
            true
        }

        /// Whether a request leaves the limit of an instance that was answered, or was cancelled.
        fn leaves_limit(&self, is_answered: bool) -> bool {
            let _ = is_answered;
            true
        }

        /// Whether the keys of what is on disk are known after a crash.
        fn keys_outlive_crash(&self) -> bool {
            true
        }

        /// Whether a call that has an effect is given up once its key may soon be forgotten.
        fn gives_up_with_key(&self) -> bool {
            true
        }

        /// Whether an answer is remembered under its key that was a success, or was not.
        fn remembers(&self, succeeded: bool) -> bool {
            succeeded
        }

        /// Whether an effect comes when all calls have succeeded that are made for it; else before them.
        fn effect_comes_last(&self) -> bool {
            true
        }

        /// Whether the key of a request is claimed when its work begins, and not first looked at again when it is done.
        fn claims_key_first(&self) -> bool {
            true
        }

        /// Whether it is looked at how much is left of an item when something is taken of it, and not before the work.
        fn counts_stock_last(&self) -> bool {
            true
        }

        /// Whether a call that was undone, perhaps before it came, is refused from then on.
        fn refuses_undone(&self) -> bool {
            true
        }

        /// Whether something that was undone is not undone again.
        fn undoes_once(&self) -> bool {
            true
        }

        /// Whether a step of a saga is undone that comes so many before the last one that was begun.
        fn compensates(&self, before_last: usize) -> bool {
            let _ = before_last;
            true
        }

        /// Whether a compensation is tried again that was not answered with success.
        fn compensates_again(&self) -> bool {
            true
        }

        /// Whether sagas are gone on with that a crash has left open.
        fn resumes_sagas(&self) -> bool {
            true
        }

        /// Whether a saga is on disk before its first call is sent.
        fn logs_saga_first(&self) -> bool {
            true
        }

        /// Whether one load serves all that ask for an item meanwhile.
        fn one_load_for_all(&self) -> bool {
            true
        }

        /// Whether a load goes on when the request is over that it was begun for.
        fn load_outlives_caller(&self) -> bool {
            true
        }

        /// Whether those that wait for a load are told that it failed.
        fn ends_failed_load(&self) -> bool {
            true
        }

        /// Whether what a load brought is kept in the cache that succeeded, or failed.
        fn caches(&self, succeeded: bool) -> bool {
            succeeded
        }

        /// Whether a cache forgets an item that is changed.
        fn invalidates(&self) -> bool {
            true
        }

        /// Whether a load that was under way when its item was changed is not kept.
        fn voids_loads(&self) -> bool {
            true
        }

        /// Whether a value's time is up so long after it was loaded, however often it is used.
        fn ages_when_used(&self) -> bool {
            true
        }

        /// The item under which a cache keeps what is about this one.
        fn cached_under(&self, item: u32) -> u32 {
            item
        }

        /// Whether no request is sent that there is no credit for.
        fn waits_for_credit(&self) -> bool {
            true
        }

        /// Whether the place of a request that is lost is given to others.
        fn finds_lost_credits(&self) -> bool {
            true
        }

        /// Whether a request that leaves the queue without being worked on leaves its place to others.
        fn frees_dropped(&self) -> bool {
            true
        }

        /// The priority by which a request waits.
        fn priority(&self, priority: u8) -> u8 {
            priority
        }

        /// How often each request is sent.
        fn copies(&self) -> u32 {
            1
        }

        /// By which rule instances are chosen, where the settings say this.
        fn balance(&self, settings: BalancerSettings) -> BalancerSettings {
            settings
        }

        /// What makes an instance an outlier, where the settings say this.
        fn outliers(&self, settings: OutlierSettings) -> OutlierSettings {
            settings
        }

        /// How long to wait before a retry, where the settings say this.
        fn backoff(&self, backoff: Backoff) -> Backoff {
            backoff
        }

        /// How many requests wait at most, where the settings say this.
        fn bound(&self, bound: u32) -> u32 {
            bound
        }

        /// Whether a call is tried that the breaker lets through, or does not while it tries probes.
        fn passes(&self, is_let_through: bool) -> bool {
            is_let_through
        }

        /// Whether a success says something of the dependency that began since the breaker changed, or did not.
        fn counts_success(&self, is_current: bool) -> bool {
            is_current
        }

        /// Whether the breaker is told of a call that ended, and was answered or was given up as of no use any more.
        fn tells_breaker(&self, is_ignored: bool) -> bool {
            let _ = is_ignored;
            true
        }

        /// Whether the balancer is told that a request is over that was answered or was not.
        fn tells_balancer(&self, is_answered: bool) -> bool {
            let _ = is_answered;
            true
        }

        /// For how long a failure counts that took so long, where a call may take so long: one that fails at once is not fast.
        fn length_of_failure(&self, took: Duration, whole: Duration) -> Duration {
            took.max(whole)
        }

        /// Whether a call is over whose request is wrong itself, or is not.
        fn is_final(&self, is_rejected: bool) -> bool {
            is_rejected
        }

        /// Whether a copy of a call goes to another instance than those that have it already.
        fn copies_go_elsewhere(&self) -> bool {
            true
        }

        /// Whether a request that waits is taken back when it is cancelled.
        fn heeds_cancel(&self) -> bool {
            true
        }

        /// The deadline of a request that has come with this one, at a service where requests may take so long.
        fn received(&self, deadline: Option<LocalTime>, now: LocalTime, whole: Option<Duration>) -> Option<LocalTime> {
            let _ = (now, whole);
            deadline
        }

        /// Whether a caller takes the list of instances that a registry tells.
        fn heeds_registry(&self) -> bool {
            true
        }

        /// Whether a registry tells who is there that has run for a lease, or has not: then it has not heard of all.
        fn tells_instances(&self, has_heard_of_all: bool) -> bool {
            has_heard_of_all
        }

        /// Whether a registry lists an instance whose lease lasts, or has ended.
        fn is_listed(&self, lasts: bool) -> bool {
            lasts
        }
    }
}
