//! Gossip on a bare loop with all that a simulator needs and nothing more: messages in line, nodes behind a `dyn` call, a ChaCha stream for
//! each node, an identity for each message, a running digest.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use cpu_time::ProcessTime;

use super::heap::{Heap, mix};

#[derive(Clone, Copy)]
struct Message {
    from: u32,
    to: u32,
    count: u32,
    number: u64,
    hops: u64,
}

trait Node {
    fn receive(&mut self, message: &Message) -> Message;
}

struct Gossip {
    random: ChaCha8Rng,
    sent: u32,
    heard: u64,
}

impl Node for Gossip {
    fn receive(&mut self, message: &Message) -> Message {
        self.heard = self.heard.wrapping_add(message.number);
        self.sent += 1;
        Message { from: message.to, to: message.from, count: self.sent, number: self.random.next_u64(), hops: message.hops + 1 }
    }
}

fn fold(digest: u64, word: u64) -> u64 {
    let product = u128::from(digest ^ word) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

/// Each delivery after 1–10 ms sends one reply. Returns nanoseconds of CPU time per delivered message.
pub(crate) fn run(nodes: u32, messages: u64) -> f64 {
    let mut crowd: Vec<Box<dyn Node>> = (0..nodes)
        .map(|node| Box::new(Gossip { random: ChaCha8Rng::seed_from_u64(node.into()), sent: 0, heard: 0 }) as Box<dyn Node>)
        .collect();
    let (mut heap, mut slab, mut free) = (Heap::default(), Vec::<Message>::new(), Vec::<u32>::new());
    let (mut sequence, mut digest) = (0_u64, 0_u64);
    let mut send = |now: u64, message: Message, heap: &mut Heap, slab: &mut Vec<Message>, free: &mut Vec<u32>, digest: &mut u64| {
        let identity = mix((u64::from(message.from) << 32) | u64::from(message.to)).wrapping_add(message.count.into());
        let delay = 1_000_000 + ((u128::from(mix(identity)) * 9_000_001) >> 64) as u64;
        let slot = match free.pop() {
            Some(slot) => {
                slab[slot as usize] = message;
                slot
            }
            None => {
                slab.push(message);
                slab.len() as u32 - 1
            }
        };
        sequence += 1;
        heap.push((u128::from(now + delay) << 64) | (u128::from(sequence) << 24) | u128::from(slot));
        *digest = fold(*digest, identity);
        *digest = fold(*digest, message.number);
    };
    for from in 0..nodes {
        let to = ((u128::from(mix(from.into())) * u128::from(nodes)) >> 64) as u32;
        send(0, Message { from, to, count: 0, number: 0, hops: 0 }, &mut heap, &mut slab, &mut free, &mut digest);
    }
    let start = ProcessTime::now();
    for _ in 0..messages {
        let key = heap.pop().expect("each message begets one");
        let (now, slot) = ((key >> 64) as u64, (key & 0xff_ffff) as u32);
        let message = slab[slot as usize];
        free.push(slot);
        digest = fold(digest, now);
        let reply = crowd[message.to as usize].receive(&message);
        send(now, reply, &mut heap, &mut slab, &mut free, &mut digest);
    }
    let elapsed = start.elapsed().as_secs_f64();
    assert_ne!(digest, 0);
    elapsed * 1e9 / messages as f64
}
