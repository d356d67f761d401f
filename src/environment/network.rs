//! Links between nodes: latency, loss, duplication, partitions.
//!
//! What happens to a message is a function of the run's key and the message's identity alone, so that one message's fate never depends on
//! another's draw. Messages overtake each other as their latencies have it.

use rustc_hash::FxHashMap;

use super::Latency;
use super::fates::{FateCounts, FixedFates};
use crate::base::{
    Duration, DurationRange, Fate, FixedFate, Kind, KindDigest, Loss, MessageId, NodeId, Ratio, RunKey, SortedMap, sample_within,
};

/// How a link behaves while nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkModel {
    /// From sending to arrival.
    pub latency: Latency,
    /// The chance that a message is lost.
    pub loss: Ratio,
    /// The chance that a message arrives twice.
    pub duplicate: Ratio,
}

impl LinkModel {
    /// A link that always takes this long, and loses and duplicates nothing.
    pub const fn reliable(latency: Latency) -> Self {
        Self { latency, loss: Ratio::NEVER, duplicate: Ratio::NEVER }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The message's identity.
    pub id: MessageId,
    /// What happens to it.
    pub fate: Fate,
}

/// All links of a run.
#[derive(Clone, Debug)]
pub struct Network {
    key: RunKey,
    link: LinkModel,
    /// Those that behave otherwise, or whose words come from a key of their own.
    links: SortedMap<(NodeId, NodeId), (LinkModel, RunKey)>,
    fixed: FixedFates,
    kinds: KindTable,
    cuts: Vec<CutInForce>,
    degraded: Vec<Degraded>,
    counts: Counts,
    /// The faults that made a difference to the message sent last.
    blamed: Vec<u32>,
    /// The fault that holds the message sent last, and how long at most.
    hold: Option<(u32, Duration)>,
}

/// The digests of the kinds' names, and the places under which they are counted. Kinds that share a name, or a digest, are one.
#[derive(Clone, Debug)]
struct KindTable(Vec<(KindDigest, u16)>);

impl KindTable {
    fn new(names: &[&str]) -> Self {
        let digests: Vec<KindDigest> = names.iter().map(|name| KindDigest::of(name)).collect();
        let first = |digest| digests.iter().position(|other| *other == digest).unwrap_or_default() as u16;
        Self(digests.iter().map(|digest| (*digest, first(*digest))).collect())
    }

    #[inline]
    fn of(&self, kind: Kind) -> (KindDigest, u16) {
        self.0.get(usize::from(kind.index)).copied().unwrap_or_else(|| Self::undeclared(kind))
    }

    #[cold]
    fn undeclared(kind: Kind) -> (KindDigest, u16) {
        (KindDigest::of(kind.name), kind.index)
    }
}

/// How many messages each link has carried of each kind.
#[derive(Clone, Debug)]
struct Counts {
    /// Of the first nodes and kinds, which is most often all.
    few: Vec<u32>,
    /// Of the others: only links and kinds that are used.
    many: FxHashMap<u64, u32>,
}

impl Counts {
    /// Up to eight servers and eight clients, and sixteen kinds.
    const FEW: usize = 16;

    fn new() -> Self {
        Self { few: vec![0; Self::FEW.pow(3)], many: FxHashMap::default() }
    }

    /// Counts one more, and returns how many there are now.
    #[inline]
    fn next(&mut self, from: NodeId, to: NodeId, kind: u16) -> u32 {
        let place = [place_of(from), place_of(to), usize::from(kind)];
        let count = if place.iter().all(|place| *place < Self::FEW) {
            &mut self.few[(place[0] * Self::FEW + place[1]) * Self::FEW + place[2]]
        } else {
            self.many.entry(Self::channel(from, to, kind)).or_insert(0)
        };
        *count += 1;
        *count
    }

    /// Link and kind in one word.
    #[inline]
    const fn channel(from: NodeId, to: NodeId, kind: u16) -> u64 {
        // Twenty-four bits of each node with its client bit, sixteen of the kind: distinct for up to eight million nodes of a sort, and
        // mixed beyond that.
        let (from, to) = (from.raw().rotate_left(1) as u64, to.raw().rotate_left(1) as u64);
        (from << 40) ^ (to << 16) ^ kind as u64
    }
}

#[derive(Clone, Debug)]
struct CutInForce {
    fault: u32,
    separation: Separation,
}

#[derive(Clone, Debug)]
enum Separation {
    /// The group of each server; nodes beyond the list, and of group 0, are in none.
    Groups(Vec<u32>),
    /// From the first to the second, but for what a node sends itself: a node may be in both.
    OneWay(Vec<NodeId>, Vec<NodeId>),
}

/// What makes links worse than they are by themselves, for a while.
#[derive(Clone, Debug)]
pub enum Degradation {
    /// Messages are lost with this chance.
    Lose(Ratio),
    /// Messages arrive twice with this chance.
    Duplicate(Ratio),
    /// Messages take longer: those from and to these nodes, or all.
    Delay(DurationRange, Option<Vec<NodeId>>),
    /// Messages are held with this chance until a later one on their link has arrived, so long at most.
    Reorder(Ratio, DurationRange),
}

/// A degradation in force.
#[derive(Clone, Debug)]
struct Degraded {
    fault: u32,
    /// The identity of the strike, which its words hang on.
    identity: u64,
    how: Degradation,
}

/// What a word is drawn for.
#[derive(Clone, Copy)]
enum Purpose {
    Latency = 1,
    Loss = 2,
    Duplicate = 3,
    SecondLatency = 4,
}

impl Network {
    /// Above every purpose for which a network draws words.
    pub(crate) const PURPOSES_END: u64 = Purpose::SecondLatency as u64 + 1;

    /// A network whose links all behave like this one, for messages of these kinds.
    pub fn new(key: RunKey, link: LinkModel, kinds: &[&str]) -> Self {
        Self {
            key,
            link,
            links: SortedMap::new(),
            fixed: FixedFates::default(),
            kinds: KindTable::new(kinds),
            cuts: Vec::new(),
            degraded: Vec::new(),
            counts: Counts::new(),
            blamed: Vec::new(),
            hold: None,
        }
    }

    /// Makes one link, in one direction, behave otherwise.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, link: LinkModel) {
        self.links.insert((from, to), (link, self.key));
    }

    /// From now on words come from this key, on every link.
    pub fn set_key(&mut self, key: RunKey) {
        self.key = key;
        self.links.values_mut().for_each(|(_, of_link)| *of_link = key);
    }

    /// From now on the words of one link, in one direction, come from this key.
    pub fn set_link_key(&mut self, from: NodeId, to: NodeId, key: RunKey) {
        self.links.entry((from, to)).or_insert((self.link, key)).1 = key;
    }

    /// Fixes the fate of one message, whatever the links and faults would do.
    pub fn set_fate(&mut self, fixed: FixedFate) {
        self.fixed.insert(fixed);
    }

    /// Which of the fixed fates have met their messages.
    pub fn fixed_fates(&self) -> FateCounts {
        self.fixed.counts()
    }

    /// Cuts each group off from every other, on account of the fault with this number. A node in no group reaches all.
    pub fn cut_groups(&mut self, fault: u32, groups: &[Vec<NodeId>]) {
        let mut of_node = Vec::new();
        for (group, nodes) in groups.iter().enumerate() {
            for node in nodes {
                let place = place_of(*node);
                if of_node.len() <= place {
                    of_node.resize(place + 1, 0);
                }
                of_node[place] = group as u32 + 1;
            }
        }
        self.cuts.push(CutInForce { fault, separation: Separation::Groups(of_node) });
    }

    /// Loses what any of the first nodes sends to any other of the second, on account of the fault with this number.
    pub fn cut_one_way(&mut self, fault: u32, from: Vec<NodeId>, to: Vec<NodeId>) {
        self.cuts.push(CutInForce { fault, separation: Separation::OneWay(from, to) });
    }

    /// Makes links worse, on account of the fault with this number and identity. What is drawn for it hangs on the identity.
    pub fn degrade(&mut self, fault: u32, identity: u64, how: Degradation) {
        self.degraded.push(Degraded { fault, identity, how });
    }

    /// Ends what the fault with this number did to the network; returns whether there was anything to end.
    pub fn lift(&mut self, fault: u32) -> bool {
        let before = self.cuts.len() + self.degraded.len();
        self.cuts.retain(|cut| cut.fault != fault);
        self.degraded.retain(|degraded| degraded.fault != fault);
        self.forget_last();
        self.cuts.len() + self.degraded.len() < before
    }

    /// Ends what all faults did to the network; returns whether there was anything to end.
    pub fn heal(&mut self) -> bool {
        let had_faults = !self.cuts.is_empty() || !self.degraded.is_empty();
        self.cuts.clear();
        self.degraded.clear();
        self.forget_last();
        had_faults
    }

    /// From now on, no link loses or duplicates anything by itself: the quiet tail of a run.
    pub fn calm(&mut self) {
        self.link = LinkModel::reliable(self.link.latency);
        for (link, _) in self.links.values_mut() {
            *link = LinkModel::reliable(link.latency);
        }
    }

    /// Sends a message: gives it its identity and its fate. The digest of its content is asked for only where a fate is fixed by one.
    #[inline]
    pub fn send(&mut self, from: NodeId, to: NodeId, kind: Kind, content: impl FnOnce() -> u64) -> Sending {
        let (kind, place) = self.kinds.of(kind);
        let id = MessageId { from, to, kind, count: self.counts.next(from, to, place) };
        self.forget_last();
        let fixed = if self.fixed.is_empty() { None } else { self.fixed.meet(id, content) };
        Sending { id, fate: fixed.unwrap_or_else(|| self.fate(id)) }
    }

    /// The numbers of the faults that made a difference to the message that was sent last.
    #[inline]
    pub fn blamed(&self) -> &[u32] {
        &self.blamed
    }

    /// The fault that holds the message that was sent last until a later one on its link has arrived, and how long at most: this is part of
    /// its delay.
    #[inline]
    pub fn hold(&self) -> Option<(u32, Duration)> {
        self.hold
    }

    /// Whether no fault is in force, and the usual link loses and duplicates nothing.
    pub(crate) fn is_calm(&self) -> bool {
        self.cuts.is_empty() && self.degraded.is_empty() && self.link.loss.is_never() && self.link.duplicate.is_never()
    }

    /// How many messages were sent, on all links together.
    pub(crate) fn sent(&self) -> u64 {
        self.counts.few.iter().chain(self.counts.many.values()).map(|count| u64::from(*count)).sum()
    }

    /// What holds between any two calls; it costs next to nothing.
    pub(crate) fn invariants(&self) {
        let in_force =
            |fault: u32| self.cuts.iter().any(|cut| cut.fault == fault) || self.degraded.iter().any(|degraded| degraded.fault == fault);
        assert!(self.blamed.iter().all(|fault| in_force(*fault)), "only a fault in force makes a difference");
        assert!(self.hold.is_none_or(|(fault, _)| in_force(fault)), "only a fault in force holds a message");
    }

    /// No fault is to blame for a message any more.
    #[inline]
    fn forget_last(&mut self) {
        self.blamed.clear();
        self.hold = None;
    }

    #[inline]
    fn fate(&mut self, id: MessageId) -> Fate {
        if let Some(cut) = self.cuts.iter().find(|cut| cut.separation.parts(id.from, id.to)) {
            self.blamed.push(cut.fault);
            return Fate::Lost(Loss::Partition);
        }
        if let Some(fault) = self.lost_to(id) {
            self.blamed.push(fault);
            return Fate::Lost(Loss::Fault);
        }
        let (link, key) = self.link_of(id);
        let word = |purpose: Purpose| key.word(purpose as u64, id.word());
        if !link.loss.is_never() && link.loss.strikes(word(Purpose::Loss)) {
            return Fate::Lost(Loss::Chance);
        }
        let delay = link.latency.sample(word(Purpose::Latency));
        let second = || link.latency.sample(word(Purpose::SecondLatency));
        let fate = if !link.duplicate.is_never() && link.duplicate.strikes(word(Purpose::Duplicate)) {
            Fate::Duplicate(delay, second())
        } else {
            Fate::Deliver(delay)
        };
        if self.degraded.is_empty() { fate } else { self.degrade_fate(id, fate, second()) }
    }

    /// How this message's link behaves, and the key of its words.
    #[inline]
    fn link_of(&self, id: MessageId) -> (LinkModel, RunKey) {
        let usual = (self.link, self.key);
        if self.links.is_empty() { usual } else { self.links.get(&(id.from, id.to)).copied().unwrap_or(usual) }
    }

    /// The fault that loses this message, if one does.
    fn lost_to(&self, id: MessageId) -> Option<u32> {
        let loses = |degraded: &&Degraded| matches!(degraded.how, Degradation::Lose(chance) if chance.strikes(self.word_of(degraded, id)));
        self.degraded.iter().find(loses).map(|degraded| degraded.fault)
    }

    /// What the degradations make of a message that arrives. `second` is when it arrives again if it is duplicated.
    #[inline(never)]
    fn degrade_fate(&mut self, id: MessageId, fate: Fate, second: Duration) -> Fate {
        let (mut duplicated, mut delay) = (fate, Duration::ZERO);
        for degraded in &self.degraded {
            let word = self.word_of(degraded, id);
            match (&degraded.how, duplicated) {
                (Degradation::Duplicate(chance), Fate::Deliver(first)) if chance.strikes(word) => {
                    duplicated = Fate::Duplicate(first, second)
                }
                (Degradation::Delay(by, nodes), _) if touches(nodes.as_deref(), id) => delay += sample_within(*by, word),
                (Degradation::Reorder(chance, by), _) if chance.strikes(word) => {
                    // It is blamed when a later message overtakes this one.
                    self.hold = Some((degraded.fault, sample_within(*by, self.link_of(id).1.word(!degraded.identity, id.word()))));
                    continue;
                }
                _ => continue,
            }
            self.blamed.push(degraded.fault);
        }
        // What arrives twice is not held.
        self.hold = self.hold.filter(|_| matches!(duplicated, Fate::Deliver(_)));
        later(duplicated, delay + self.hold.map_or(Duration::ZERO, |(_, by)| by))
    }

    fn word_of(&self, degraded: &Degraded, id: MessageId) -> u64 {
        self.link_of(id).1.word(degraded.identity, id.word())
    }

    /// The shortest time in which anything arrives anywhere. What a fate's override says aside.
    pub fn latency(&self) -> Latency {
        self.link.latency
    }
}

/// Whether the message is from or to one of these nodes, or these are all.
fn touches(nodes: Option<&[NodeId]>, id: MessageId) -> bool {
    nodes.is_none_or(|nodes| nodes.contains(&id.from) || nodes.contains(&id.to))
}

/// The same, but later.
fn later(fate: Fate, by: Duration) -> Fate {
    match fate {
        Fate::Deliver(delay) => Fate::Deliver(delay + by),
        Fate::Duplicate(first, second) => Fate::Duplicate(first + by, second + by),
        lost @ Fate::Lost(_) => lost,
    }
}

impl Separation {
    /// Whether messages from the one to the other are lost.
    fn parts(&self, from: NodeId, to: NodeId) -> bool {
        match self {
            Self::Groups(groups) => {
                let group = |node| groups.get(place_of(node)).copied().unwrap_or(0);
                let (from, to) = (group(from), group(to));
                from != to && from != 0 && to != 0
            }
            Self::OneWay(senders, receivers) => from != to && senders.contains(&from) && receivers.contains(&to),
        }
    }
}

/// Servers at even places, clients at odd ones.
#[inline]
fn place_of(node: NodeId) -> usize {
    2 * node.index() + usize::from(node.is_client())
}

/// A latency of zero still takes a nanosecond.
impl Default for LinkModel {
    fn default() -> Self {
        Self::reliable(Latency::Constant(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Which;

    fn node(number: u32) -> NodeId {
        NodeId::server(number - 1)
    }

    fn network(link: LinkModel) -> Network {
        Network::new(RunKey::from_seed(1), link, &KINDS)
    }

    const KINDS: [&str; 2] = ["Ping", "Pong"];

    fn kind(index: u16) -> Kind {
        Kind { index, name: KINDS[usize::from(index)] }
    }

    /// Sends a message of the first kind.
    fn send(network: &mut Network, from: NodeId, to: NodeId) -> Sending {
        network.send(from, to, kind(0), || 0)
    }

    fn lossy(chance: &str, duplicate: &str) -> LinkModel {
        LinkModel {
            latency: Latency::Uniform("1ms..5ms".parse().unwrap()),
            loss: chance.parse().unwrap(),
            duplicate: duplicate.parse().unwrap(),
        }
    }

    #[test]
    fn a_fate_depends_on_the_message_and_nothing_else() {
        let mut quiet = network(lossy("1/4", "1/4"));
        let mut busy = network(lossy("1/4", "1/4"));
        for _ in 0..100 {
            send(&mut busy, node(2), node(3));
            busy.send(node(1), node(2), kind(1), || 0);
            assert_eq!(send(&mut quiet, node(1), node(2)), send(&mut busy, node(1), node(2)));
        }
    }

    #[test]
    fn a_kind_is_its_name() {
        let plain = Network::new(RunKey::from_seed(1), lossy("1/4", "1/4"), &["Ping", "Pong"]);
        let moved = Network::new(RunKey::from_seed(1), lossy("1/4", "1/4"), &["Other", "Pong", "Ping"]);
        let undeclared = Network::new(RunKey::from_seed(1), lossy("1/4", "1/4"), &[]);
        let sendings = |mut network: Network, index| -> Vec<Sending> {
            (0..100).map(|_| network.send(node(1), node(2), Kind { index, name: "Ping" }, || 0)).collect()
        };
        assert_eq!(sendings(plain.clone(), 0), sendings(moved, 2));
        assert_eq!(sendings(plain, 0), sendings(undeclared, 7));
    }

    #[test]
    fn kinds_of_one_name_are_counted_together() {
        let mut network = Network::new(RunKey::from_seed(1), LinkModel::default(), &["Ping", "Pong", "Ping"]);
        let mut count = |index, name| network.send(node(1), node(2), Kind { index, name }, || 0).id.count;
        assert_eq!([count(0, "Ping"), count(2, "Ping"), count(1, "Pong"), count(0, "Ping")], [1, 2, 1, 3]);
    }

    #[test]
    fn chances_are_kept() {
        let mut network = network(lossy("1/10", "1/10"));
        let fates: Vec<Fate> = (0..20_000).map(|_| send(&mut network, node(1), node(2)).fate).collect();
        let share = |wanted: fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count();
        assert!((1_850..2_150).contains(&share(|fate| matches!(fate, Fate::Lost(Loss::Chance)))));
        // A tenth of what is not lost.
        assert!((1_650..1_950).contains(&share(|fate| matches!(fate, Fate::Duplicate(..)))));
    }

    #[test]
    fn a_cut_parts_its_groups_and_nobody_else() {
        let mut network = network(LinkModel::default());
        network.cut_groups(3, &[vec![node(1)], vec![node(2), node(3)]]);
        let lost = |network: &mut Network, from, to| send(network, from, to).fate == Fate::Lost(Loss::Partition);
        assert!(lost(&mut network, node(1), node(2)) && lost(&mut network, node(3), node(1)));
        assert!(!lost(&mut network, node(2), node(3)) && !lost(&mut network, node(4), node(1)));
        assert!(!lost(&mut network, NodeId::client(0), node(1)) && !lost(&mut network, node(1), NodeId::client(0)));
        send(&mut network, node(1), node(2));
        assert_eq!(network.blamed(), [3]);
        network.lift(3);
        assert!(!lost(&mut network, node(1), node(2)));
    }

    #[test]
    fn a_cut_has_as_many_groups_as_it_is_given() {
        let mut network = network(LinkModel::default());
        let groups: Vec<_> = (1..=300).map(|number| vec![node(number)]).collect();
        network.cut_groups(0, &groups);
        for other in (1..=300).filter(|other| *other != 256) {
            assert_eq!(send(&mut network, node(256), node(other)).fate, Fate::Lost(Loss::Partition), "n{other}");
        }
    }

    #[test]
    fn one_way_leaves_the_way_back_open() {
        let mut network = network(LinkModel::default());
        network.cut_one_way(0, vec![node(1)], vec![node(2), node(3)]);
        assert_eq!(send(&mut network, node(1), node(3)).fate, Fate::Lost(Loss::Partition));
        assert!(matches!(send(&mut network, node(3), node(1)).fate, Fate::Deliver(_)));
        assert!(network.heal() && !network.heal());
        assert!(matches!(send(&mut network, node(1), node(3)).fate, Fate::Deliver(_)));
    }

    /// Whatever the lists have in common, just what one of the first sends to another of the second is lost.
    #[test]
    fn one_way_between_lists_that_overlap() {
        let subsets = || (1..16_u32).map(|set| (1..=4).filter(|number| set >> (number - 1) & 1 == 1).map(node).collect::<Vec<_>>());
        for (from, to) in subsets().flat_map(|from| subsets().map(move |to| (from.clone(), to))) {
            let mut network = network(LinkModel::default());
            network.cut_one_way(0, from.clone(), to.clone());
            for (sender, receiver) in (1..=4).flat_map(|sender| (1..=4).map(move |receiver| (node(sender), node(receiver)))) {
                let is_lost = send(&mut network, sender, receiver).fate == Fate::Lost(Loss::Partition);
                let parted = sender != receiver && from.contains(&sender) && to.contains(&receiver);
                assert_eq!(is_lost, parted, "{sender} to {receiver}, from {from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn degradations_duplicate_and_delay() {
        let mut network = network(LinkModel::default());
        let plain = Duration::from_millis(1);
        network.degrade(4, 4, Degradation::Delay("10ms".parse().unwrap(), Some(vec![node(1)])));
        assert_eq!(send(&mut network, node(1), node(2)).fate, Fate::Deliver(plain * 11));
        assert_eq!(network.blamed(), [4]);
        assert_eq!(send(&mut network, node(2), node(1)).fate, Fate::Deliver(plain * 11));
        assert_eq!(send(&mut network, node(2), node(3)).fate, Fate::Deliver(plain));
        assert!(network.blamed().is_empty());
        network.degrade(5, 5, Degradation::Duplicate(Ratio::ALWAYS));
        assert_eq!(send(&mut network, node(2), node(3)).fate, Fate::Duplicate(plain, plain));
        assert_eq!(send(&mut network, node(1), node(3)).fate, Fate::Duplicate(plain * 11, plain * 11));
        assert_eq!(network.blamed(), [4, 5]);
        assert!(network.lift(4) && !network.lift(4));
        network.degrade(6, 6, Degradation::Delay("5ms..7ms".parse().unwrap(), None));
        let Fate::Duplicate(first, _) = send(&mut network, node(1), node(3)).fate else { panic!("a duplicated message") };
        assert!((plain * 6..=plain * 8).contains(&first), "{first}");
        network.heal();
        assert_eq!(send(&mut network, node(1), node(3)).fate, Fate::Deliver(plain));
    }

    #[test]
    fn storms_calm_and_overrides() {
        let mut network = network(lossy("1/2", "0"));
        network.degrade(0, 0, Degradation::Lose(Ratio::ALWAYS));
        assert_eq!(send(&mut network, node(1), node(2)).fate, Fate::Lost(Loss::Fault));
        network.heal();
        network.calm();
        assert!((0..100).all(|_| matches!(send(&mut network, node(1), node(2)).fate, Fate::Deliver(_))));
        let (id, fate) = (MessageId { from: node(1), to: node(2), kind: KindDigest::of("Ping"), count: 102 }, Fate::Lost(Loss::Override));
        network.set_fate(FixedFate { from: node(1), to: node(2), kind: "Ping", which: Which::Count(102), fate });
        assert_eq!(send(&mut network, node(1), node(2)), Sending { id, fate });
        network.set_link(node(1), node(2), LinkModel::reliable(Latency::Constant(Duration::ZERO)));
        assert_eq!(send(&mut network, node(1), node(2)).fate, Fate::Deliver(Duration::from_nanos(1)));
    }
}
