//! What a broker does for the group of consumers while it leads the group's partition.

use std::sync::Arc;

use super::group::{Coordinator, Member, Phase};
use super::leading::Waiting;
use super::server::{Broker, BrokerTimer, Replica};
use super::{Content, Incarnated, Message, Note, Refusal, Request, mark};
use crate::base::{ClientId, Duration, NodeId};
use crate::process::Context;

impl Broker {
    fn of_group(&self) -> Option<&Replica> {
        self.replicas.get(&self.config.layout.of_group())
    }

    /// It leads the partition of the group from now on.
    pub(super) fn coordinate(&mut self, context: &mut Context<'_, Self>) {
        let Some(replica) = self.of_group() else { return };
        let number = |content: &Content| if let Content::Generation { number } = content { Some(*number) } else { None };
        let numbered = replica.log.entries().iter().rev().find_map(|entry| number(&entry.content)).unwrap_or(0);
        self.group = Some(Coordinator::new(numbered));
        context.set_timer(BrokerTimer::Sessions, self.look_after());
    }

    fn look_after(&self) -> Duration {
        Duration::from_nanos(self.config.layout.session.as_nanos() / 4)
    }

    /// Whether it has read all that those before it have written.
    pub(super) fn has_loaded(&self) -> bool {
        let loaded = |replica: &Replica| replica.leading.as_ref().is_some_and(|leading| replica.high >= leading.began);
        self.config.rules.serves(self.of_group().is_some_and(loaded))
    }

    /// More of the group's partition is committed.
    pub(super) fn read_group(&mut self, context: &mut Context<'_, Self>) {
        let partition = self.config.layout.of_group();
        let (Some(group), Some(replica)) = (&mut self.group, self.replicas.get(&partition)) else { return };
        let (begins, processed) = group.read(replica.log.between(group.read, replica.high));
        for (partition, offset, generation) in processed {
            // A member is told so by its transaction's end.
            context.note(Note::Processed { partition, generation, offset });
        }
        if begins {
            context.sometimes(mark::GENERATION);
            self.tell_part(None, context);
        }
    }

    /// Tells a member its part, or each.
    fn tell_part(&self, only: Option<ClientId>, context: &mut Context<'_, Self>) {
        let Some(group) = &self.group else { return };
        let generation = group.generation;
        let told = group.divided(&self.config.layout).into_iter().filter(|(member, ..)| only.is_none_or(|only| only == *member));
        for (member, node, assigned) in told {
            for (partition, offset) in &assigned {
                context.note(Note::Handed { partition: *partition, generation, offset: *offset });
            }
            context.send(node, Message::Joined { member, generation, assigned });
        }
    }

    fn elsewhere(&self, to: NodeId, context: &mut Context<'_, Self>) {
        context.send(to, Message::Elsewhere { leader: self.leader_of_group() });
    }

    pub(super) fn on_join(&mut self, from: NodeId, member: ClientId, context: &mut Context<'_, Self>) {
        if self.group.is_none() || !self.has_loaded() {
            return self.elsewhere(from, context);
        }
        let Some(group) = &mut self.group else { return };
        let heard = context.now();
        if group.phase == Phase::Stable && group.members.get(&member).is_some_and(|known| known.joined) {
            // It has its part, and was not told so, or asks late.
            return self.tell_part(Some(member), context);
        }
        // A client that has started anew is another member, and the one it was before is none.
        group.members.retain(|known, _| known.client != member.client || known.session == member.session);
        let known = group.members.get(&member).copied();
        let (joined, noted) = known.map_or((false, 0), |known| (known.joined, known.noted));
        group.members.insert(member, Member { node: from, heard, joined, noted });
        self.rebalance(context);
        if let Some(group) = &mut self.group
            && group.phase == Phase::Joining
            && let Some(known) = group.members.get_mut(&member)
        {
            known.joined = true;
        }
    }

    /// All are to join again, unless they do already.
    fn rebalance(&mut self, context: &mut Context<'_, Self>) {
        let Some(group) = self.group.as_mut().filter(|group| group.phase == Phase::Stable) else { return };
        group.phase = Phase::Joining;
        let generation = group.generation;
        for (id, member) in group.members.iter_mut() {
            member.joined = false;
            context.send(member.node, Message::Rejoin { member: *id, generation });
        }
        context.set_timer(BrokerTimer::Rebalance, self.config.layout.rebalance);
    }

    pub(super) fn begin_generation(&mut self, context: &mut Context<'_, Self>) {
        let Some(group) = self.group.as_mut().filter(|group| group.phase == Phase::Joining) else { return };
        group.members.retain(|_, member| member.joined);
        group.numbered = self.config.rules.next_generation(group.numbered);
        let number = group.numbered;
        let partition = self.config.layout.of_group();
        let offset = self.replicas.get(&partition).map_or(0, |replica| replica.log.end());
        group.phase = Phase::Beginning(offset);
        self.append(partition, Content::Generation { number }, context);
    }

    pub(super) fn on_beat(&mut self, from: NodeId, member: ClientId, generation: u32, context: &mut Context<'_, Self>) {
        if self.group.is_none() || !self.has_loaded() {
            return self.elsewhere(from, context);
        }
        let Some(group) = &mut self.group else { return };
        let present = group.generation == generation;
        match group.members.get_mut(&member) {
            Some(known) => {
                known.heard = context.now();
                if (!present && group.phase == Phase::Stable) || (group.phase == Phase::Joining && !known.joined) {
                    context.send(from, Message::Rejoin { member, generation });
                }
            }
            None => context.send(from, Message::Rejoin { member, generation }),
        }
    }

    pub(super) fn on_commit(
        &mut self,
        from: NodeId,
        request: Request,
        (generation, of): (Option<u32>, Option<Incarnated>),
        processed: (u32, u64),
        context: &mut Context<'_, Self>,
    ) {
        let (of_group, rules) = (self.config.layout.of_group(), Arc::clone(&self.config.rules));
        if let Some(refusal) = self.refuses_commit(request, generation, of) {
            if refusal == Refusal::Fenced {
                context.sometimes(mark::FENCED);
            }
            return context.send(from, Message::CommitAnswered { request, refused: Some(refusal) });
        }
        if let Some(member) = self.group.as_mut().and_then(|group| group.members.get_mut(&request.client)) {
            if request.nth < member.noted {
                return;
            }
            member.noted = request.nth;
        }
        let (partition, offset) = processed;
        let content = Content::Processed { partition, offset, generation, of: of.filter(|_| rules.commits_within()) };
        let place = self.append(of_group, content, context);
        let Some(replica) = self.replicas.get_mut(&of_group) else { return };
        if rules.notes(place < replica.high) {
            let told = of.is_none().then_some((partition, offset, generation));
            self.tell_processed(told, (from, request), context);
        } else if let Some(leading) = &mut replica.leading {
            leading.waiting.push((place, Waiting::Client(from, request)));
        }
    }

    /// Why it may not be noted what a member has processed, as one of this generation or in this transaction.
    fn refuses_commit(&self, request: Request, generation: Option<u32>, of: Option<Incarnated>) -> Option<Refusal> {
        let rules = &self.config.rules;
        let group = match &self.group {
            None => return Some(Refusal::NotLeader(self.leader_of_group())),
            Some(_) if !self.has_loaded() => return Some(Refusal::Loading),
            Some(group) => group,
        };
        let is_known = |generation: u32| group.has_begun && group.members.contains_key(&request.client) && group.generation == generation;
        let is_old = |of: Incarnated| self.of_group().is_some_and(|replica| replica.log.sequences().is_old(of.producer, of.epoch));
        if !rules.may_commit(generation.is_none_or(is_known)) || (rules.refuses_old() && of.is_some_and(is_old)) {
            return Some(Refusal::Fenced);
        }
        (generation.is_some() && matches!(group.phase, Phase::Beginning(_))).then_some(Refusal::Rebalancing)
    }

    pub(super) fn tell_processed(
        &self,
        processed: Option<(u32, u64, Option<u32>)>,
        (to, request): (NodeId, Request),
        context: &mut Context<'_, Self>,
    ) {
        if let Some((partition, offset, generation)) = processed {
            context.note(Note::Processed { partition, generation, offset });
        }
        context.send(to, Message::CommitAnswered { request, refused: None });
    }

    pub(super) fn look_who_is_silent(&mut self, context: &mut Context<'_, Self>) {
        let now = context.now();
        let Some(group) = &mut self.group else { return };
        context.set_timer(BrokerTimer::Sessions, Duration::from_nanos(self.config.layout.session.as_nanos() / 4));
        if group.expire(now, &self.config.layout) {
            context.sometimes(mark::EXPIRED);
            self.rebalance(context);
        }
    }
}
