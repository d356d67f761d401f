//! The bare loop with all that a simulator needs, against which the world is measured.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A 4-ary heap of packed keys: time in the high 64 bits, then sequence, then the place of the payload.
#[derive(Default)]
struct Heap(Vec<u128>);

impl Heap {
    fn push(&mut self, key: u128) {
        let mut at = self.0.len();
        self.0.push(key);
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.0[parent] <= key {
                break;
            }
            self.0[at] = self.0[parent];
            at = parent;
        }
        self.0[at] = key;
    }

    fn pop(&mut self) -> Option<u128> {
        let first = *self.0.first()?;
        let last = self.0.pop()?;
        if self.0.is_empty() {
            return Some(first);
        }
        let (mut at, length) = (0, self.0.len());
        loop {
            let child = 4 * at + 1;
            if child >= length {
                break;
            }
            let end = (child + 4).min(length);
            let mut least = child;
            for other in child + 1..end {
                if self.0[other] < self.0[least] {
                    least = other;
                }
            }
            if self.0[least] >= last {
                break;
            }
            self.0[at] = self.0[least];
            at = least;
        }
        self.0[at] = last;
        Some(first)
    }
}

#[derive(Clone, Copy)]
struct Letter {
    from: u32,
    to: u32,
    count: u32,
    number: u64,
    hops: u64,
}

trait Node {
    fn receive(&mut self, letter: &Letter) -> Letter;
}

struct Gossip {
    random: ChaCha8Rng,
    sent: u32,
    heard: u64,
}

impl Node for Gossip {
    fn receive(&mut self, letter: &Letter) -> Letter {
        self.heard = self.heard.wrapping_add(letter.number);
        self.sent += 1;
        Letter { from: letter.to, to: letter.from, count: self.sent, number: self.random.next_u64(), hops: letter.hops + 1 }
    }
}

fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn fold(digest: u64, word: u64) -> u64 {
    let product = u128::from(digest ^ word) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

/// Each delivery after 1–10 ms sends one reply. Returns nanoseconds per delivered message.
pub(crate) fn gossip(nodes: u32, messages: u64) -> f64 {
    let mut crowd: Vec<Box<dyn Node>> = (0..nodes)
        .map(|node| Box::new(Gossip { random: ChaCha8Rng::seed_from_u64(node.into()), sent: 0, heard: 0 }) as Box<dyn Node>)
        .collect();
    let (mut heap, mut letters, mut free) = (Heap::default(), Vec::<Letter>::new(), Vec::<u32>::new());
    let (mut sequence, mut digest) = (0_u64, 0_u64);
    let mut post = |now: u64, letter: Letter, heap: &mut Heap, letters: &mut Vec<Letter>, free: &mut Vec<u32>, digest: &mut u64| {
        let identity = mix((u64::from(letter.from) << 32) | u64::from(letter.to)).wrapping_add(letter.count.into());
        let delay = 1_000_000 + ((u128::from(mix(identity)) * 9_000_001) >> 64) as u64;
        let slot = match free.pop() {
            Some(slot) => {
                letters[slot as usize] = letter;
                slot
            }
            None => {
                letters.push(letter);
                letters.len() as u32 - 1
            }
        };
        sequence += 1;
        heap.push((u128::from(now + delay) << 64) | (u128::from(sequence) << 24) | u128::from(slot));
        *digest = fold(*digest, identity);
        *digest = fold(*digest, letter.number);
    };
    for from in 0..nodes {
        let to = ((u128::from(mix(from.into())) * u128::from(nodes)) >> 64) as u32;
        post(0, Letter { from, to, count: 0, number: 0, hops: 0 }, &mut heap, &mut letters, &mut free, &mut digest);
    }
    let start = std::time::Instant::now();
    for _ in 0..messages {
        let key = heap.pop().expect("each message begets one");
        let (now, slot) = ((key >> 64) as u64, (key & 0xff_ffff) as u32);
        let letter = letters[slot as usize];
        free.push(slot);
        digest = fold(digest, now);
        let reply = crowd[letter.to as usize].receive(&letter);
        post(now, reply, &mut heap, &mut letters, &mut free, &mut digest);
    }
    let elapsed = start.elapsed().as_secs_f64();
    assert_ne!(digest, 0);
    elapsed * 1e9 / messages as f64
}
