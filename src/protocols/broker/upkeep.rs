//! What a broker lets go of: the leader of a partition decides by retention where that begins, and its followers go by it; each replica
//! compacts its log by itself.

use super::log::Log;
use super::server::{Broker, BrokerTimer};
use super::store::Change;
use super::{Message, Note, mark};
use crate::base::NodeId;
use crate::process::Context;

impl Broker {
    /// Cleans the logs of all partitions that have messages.
    pub(super) fn clean(&mut self, context: &mut Context<'_, Self>) {
        let Some(every) = self.config.layout.cleaning.as_ref().map(|cleaning| cleaning.every) else { return };
        context.set_timer(BrokerTimer::Clean, every);
        (0..self.config.layout.with_messages()).for_each(|partition| self.clean_partition(partition, context));
    }

    fn clean_partition(&mut self, partition: u32, context: &mut Context<'_, Self>) {
        let (now, rules) = (context.now(), std::sync::Arc::clone(&self.config.rules));
        let (Some(cleaning), Some(replica)) = (&self.config.layout.cleaning, self.replicas.get_mut(&partition)) else { return };
        let settled = replica.log.transactions().stable(replica.high, &*rules);
        let start = if replica.leading.is_some() { cleaning.begins(&replica.log, settled, now, &*rules) } else { 0 };
        let emptied = cleaning.emptied(&replica.log, settled, now, &mut replica.horizons, &*rules);
        if !emptied.is_empty() {
            context.sometimes(mark::COMPACTED);
            replica.log.empty(&emptied);
            Self::write(partition, &Change::Empty(emptied.clone()), context);
            context.note(Note::Emptied { partition, offsets: emptied });
        }
        self.trim(partition, start, context);
    }

    /// Lets go of what is before this offset, which is settled.
    pub(super) fn trim(&mut self, partition: u32, to: u64, context: &mut Context<'_, Self>) {
        let Some(replica) = self.replicas.get_mut(&partition).filter(|replica| to > replica.log.start()) else { return };
        context.sometimes(mark::RETAINED);
        replica.log.trim(to);
        let start = replica.log.start();
        replica.horizons.retain(|offset, _| *offset >= start);
        Self::write(partition, &Change::Trim(start), context);
        context.note(Note::Trimmed { partition, start });
    }

    /// The leader has nothing any more of what comes next here: the log begins anew, where that of the leader begins.
    pub(super) fn on_behind(
        &mut self,
        (partition, epoch): (u32, u32),
        asked: u64,
        (start, before): (u64, u32),
        context: &mut Context<'_, Self>,
    ) {
        let always = self.always();
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        if replica.epoch() != epoch || replica.leading.is_some() || replica.log.end() != asked || start <= asked {
            return;
        }
        context.sometimes(mark::RESTARTED);
        replica.log = Log::beginning(start, before);
        replica.horizons.clear();
        (replica.durable, replica.high) = (0, start);
        Self::write(partition, &Change::Restart(start, before), context);
        context.note(Note::Restarted { partition, start });
        self.covers_no_more_than(partition, 0);
        if always {
            self.sync(context);
        }
        self.fetch(partition, context);
    }

    /// What a follower is told that asks for what is gone.
    pub(super) fn tell_behind(&self, to: u32, (partition, epoch): (u32, u32), asked: u64, context: &mut Context<'_, Self>) {
        let Some(replica) = self.replicas.get(&partition) else { return };
        let start = replica.log.start();
        let behind = Message::Behind { partition, epoch, asked, start, before: replica.log.epoch_before(start) };
        context.send(NodeId::server(to), behind);
    }
}
