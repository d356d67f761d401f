//! The rules of brokers, each a small method with the correct body. A mutant overrides one.

use crate::process::rules;

rules! {
    /// The rules on which the correctness of brokers rests.
    ///
    /// The machines ask these and keep no second copy of them.
    pub trait Rules {
        // Replication.

        /// Where a log is cut as soon as its broker follows another leader, of which it knows this to be committed: nowhere (KIP-101).
        fn cut_when_following(&self, high: u64) -> Option<u64> {
            let _ = high;
            None
        }

        /// Whether a follower has the leader compare the epoch of its last entry (KIP-101), also if it was told before that it differs.
        fn compares(&self, again: bool) -> bool {
            let _ = again;
            true
        }

        /// Where a follower cuts its log, of which an epoch ends here in its leader's log and there in its own (KIP-279).
        fn cut_at(&self, leaders: u64, own: u64) -> u64 {
            leaders.min(own)
        }

        /// Whether a follower cuts its log that is told that it differs, as it is at present or as it was once.
        fn cuts_when_told(&self, present: bool) -> bool {
            present
        }

        /// Whether a leader may take to be committed what all have that are in sync, if these are as many as there must be or not.
        fn commits_with(&self, enough: bool) -> bool {
            enough
        }

        /// Whether a replica that is to be in sync, of which the controller does not yet know, counts as one (KAFKA-1407 and others: the
        /// greatest set that may be in force).
        fn counts_the_asked(&self) -> bool {
            true
        }

        /// Whether a leader that asks the controller once more counts those too that it had asked for before: the controller may have
        /// heeded the earlier request, and refuses the later one.
        fn remembers_what_it_asked(&self) -> bool {
            true
        }

        /// Whether a replica that is to leave those in sync counts until the controller has agreed.
        fn waits_for_the_controller(&self) -> bool {
            true
        }

        /// Whether a replica may be in sync that keeps up and has all that is committed, or not.
        fn may_join(&self, keeps_up: bool) -> bool {
            keeps_up
        }

        /// Up to where consumers read: what is committed, and no further.
        fn readable(&self, high: u64, end: u64) -> u64 {
            let _ = end;
            high
        }

        /// How often a follower asks at once. More than once is legal.
        fn fetches(&self) -> u32 {
            1
        }

        // Retention and compaction.

        /// Whether a segment may be deleted of which all is settled, or not all.
        fn may_delete(&self, settled: bool) -> bool {
            settled
        }

        /// Up to where a log is compacted that is settled up to here, and ends there: what is not settled supersedes nothing.
        fn cleans_up_to(&self, settled: u64, end: u64) -> u64 {
            let _ = end;
            settled
        }

        /// Whether a message supersedes those of its key that lie before it: not if it was aborted.
        fn supersedes(&self, aborted: bool) -> bool {
            !aborted
        }

        /// Whether a tombstone goes that is the last of its key, and was so for long enough (`delete.retention.ms`).
        fn drops_tombstone(&self, kept_enough: bool) -> bool {
            kept_enough
        }

        /// How many messages are emptied at once. None has to be.
        fn empties_at_once(&self) -> usize {
            usize::MAX
        }

        /// Where a consumer goes on that wants what is gone, of a partition that begins here and ends there, as it is set to.
        fn resets_to(&self, start: u64, end: u64, earliest: bool) -> u64 {
            if earliest { start } else { end }
        }

        // Producers.

        /// Whether a message with this number may be the first that is known of its producer.
        fn may_begin(&self, sequence: u32) -> bool {
            sequence == 0
        }

        /// Whether a message may come after the last of its producer.
        fn follows(&self, sequence: u32, last: u32) -> bool {
            sequence == last + 1
        }

        /// Whether a new leader knows what its log tells of producers.
        fn remembers_producers(&self) -> bool {
            true
        }

        /// Whether a producer that wants all to have a message is told so when the log has it, or all in sync do.
        fn answers(&self, committed: bool) -> bool {
            committed
        }

        /// The same for a message that was sent again.
        fn answers_again(&self, committed: bool) -> bool {
            committed
        }

        /// Whether too few replicas are in sync for a message that all must have.
        fn refuses(&self, too_few: bool) -> bool {
            too_few
        }

        /// Whether a message of an epoch is refused that is over.
        fn refuses_old(&self) -> bool {
            true
        }

        /// Whether a producer that has given up begins another epoch (KIP-360).
        fn begins_anew(&self) -> bool {
            true
        }

        /// The number that a message has that is sent once more: the one that it had.
        fn number_again(&self, had: u32, next: u32) -> u32 {
            let _ = next;
            had
        }

        /// How often each message is sent. More than once is legal where messages have numbers.
        fn copies(&self, numbered: bool) -> u32 {
            let _ = numbered;
            1
        }

        // The controller.

        /// The epoch after this one.
        fn next_epoch(&self, epoch: u32) -> u32 {
            epoch + 1
        }

        /// Whether the leader's request is of the present epoch and version.
        fn heeds(&self, present: bool) -> bool {
            present
        }

        /// Whether a replica may be in sync whose life is the one that the controller knows (KIP-903).
        fn same_life(&self, same: bool) -> bool {
            same
        }

        /// Whether one that may have lost what it had, as it started anew, is taken out of those in sync (KIP-966).
        fn takes_out(&self, lost: bool) -> bool {
            lost
        }

        /// Whether one may lead that is in sync, or may not.
        fn may_lead(&self, in_sync: bool) -> bool {
            in_sync
        }

        // The group.

        /// Whether a member may say what it has processed, of the present generation or not.
        fn may_commit(&self, present: bool) -> bool {
            present
        }

        /// Whether a member is told that what it has processed is noted when that is committed, or before.
        fn notes(&self, committed: bool) -> bool {
            committed
        }

        /// Whether the group is served that its coordinator has loaded, or not.
        fn serves(&self, loaded: bool) -> bool {
            loaded
        }

        /// The number of the generation after this one.
        fn next_generation(&self, number: u32) -> u32 {
            number + 1
        }

        /// Whether a member says how far it will be before it has processed what it polled, as it is set to or not.
        fn announces(&self, before: bool) -> bool {
            before
        }

        // Transactions, at their coordinator.

        /// Whether a producer is heard, of its present epoch or of another.
        fn heeds_producer(&self, present: bool) -> bool {
            present
        }

        /// The epoch of a producer that begins, of which this was the last.
        fn next_producer_epoch(&self, epoch: u32) -> u32 {
            epoch + 1
        }

        /// The epoch of a producer once its transaction of this epoch has ended (KIP-890).
        fn epoch_after_end(&self, epoch: u32) -> u32 {
            epoch + 1
        }

        /// Whether what a producer has left open is aborted when it begins.
        fn aborts_what_is_open(&self) -> bool {
            true
        }

        /// Whether a producer is told that its transaction is decided when that is committed, or before.
        fn answers_end(&self, committed: bool) -> bool {
            committed
        }

        /// Whether a transaction's markers are written when its decision is committed, or before.
        fn marks(&self, committed: bool) -> bool {
            committed
        }

        /// Whether a partition gets the marker of a transaction that is committed or not, if it is the last of several or not.
        fn marks_partition(&self, commits: bool, last: bool) -> bool {
            let _ = (commits, last);
            true
        }

        /// How often each marker is asked for. More than once is legal.
        fn markers(&self) -> u32 {
            1
        }

        /// Whether a new coordinator goes on with what the last one had decided.
        fn resumes(&self) -> bool {
            true
        }

        /// Whether a coordinator forgets what it knows when it leads no more (KAFKA-9307).
        fn unloads(&self) -> bool {
            true
        }

        // Transactions, in a partition.

        /// Whether a marker is heard, of the present epochs of producer and coordinator or of another.
        fn heeds_marker(&self, present: bool) -> bool {
            present
        }

        /// Whether a marker ends a transaction of the epoch that it begins: one that came after it.
        fn ends_what_comes_next(&self) -> bool {
            false
        }

        /// Whether a new leader knows what its log tells of transactions.
        fn remembers_transactions(&self) -> bool {
            true
        }

        /// Whether a transaction is over in a partition whose marker is committed there, or not yet.
        fn is_ended(&self, committed: bool) -> bool {
            committed
        }

        /// Up to where consumers read that read what is committed: the last stable offset.
        fn readable_committed(&self, stable: u64, high: u64) -> u64 {
            let _ = high;
            stable
        }

        /// Whether a consumer that reads what is committed leaves out what is aborted.
        fn leaves_out(&self, aborted: bool) -> bool {
            aborted
        }

        /// Whether a member waits that asks where it goes on, while a transaction is open that says so (KIP-447).
        fn waits_for_stable(&self, pending: bool) -> bool {
            pending
        }

        /// Whether what a processor has processed counts with its transaction.
        fn commits_within(&self) -> bool {
            true
        }

        /// Whether a producer waits with its messages until their partitions are part of its transaction.
        fn adds_before_it_sends(&self) -> bool {
            true
        }
    }
}
