//! The engine beside the best queues that we know, in the hold model: hand out the earliest event, schedule one at a random later time.
//!
//! `cargo bench --bench engine`. Rounds of all contestants take turns and the median round is printed, so that a noisy neighbour harms
//! all alike; what is counted is CPU time. Compare ratios, not nanoseconds. The yardsticks order by (time, sequence) as the engine does,
//! but neither cancel, nor count, nor stop, and are tuned by hand to the delays; nor do they store an event, unless the table says so.

#![allow(clippy::disallowed_methods, reason = "delays need not be the same on every machine")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::hint::black_box;

use cpu_time::ProcessTime;
use stormglass::base::Time;
use stormglass::engine::{Advance, Budget, Engine, Ticket};

const ROUNDS: usize = 15;
const EVENTS_A_ROUND: usize = 200_000;
const SIZES: [usize; 6] = [5, 20, 50, 1_000, 20_000, 100_000];

fn main() {
    for delays in [Delays::even(1_000_000, 10_000_000), Delays::exponential(5_000_000), Delays::mixed(), Delays::burst()] {
        println!("\nns per event; {}; yardsticks without events", delays.name);
        compare::<u32>(&delays);
    }
    let delays = Delays::even(1_000_000, 10_000_000);
    println!("\nns per event; {}; events of 128 bytes, in slots", delays.name);
    compare::<[u64; 16]>(&delays);
    println!("\nns per event of the engine when each event also cancels a timer and sets it again, 200 ms ahead");
    print_row("pending", &SIZES.map(|size| size.to_string()));
    print_row("engine", &SIZES.map(|size| format!("{:.1}", cancelling(size, &delays))));
}

/// Prints a table: a row for each contestant, a column for each number of pending events.
fn compare<E: Event>(delays: &Delays) {
    let columns: Vec<Vec<(&str, f64)>> = SIZES.iter().map(|&size| measure(contestants::<E>(size, delays), size)).collect();
    print_row("pending", &SIZES.map(|size| size.to_string()));
    for row in 0..columns[0].len() {
        let cells: Vec<String> = columns.iter().map(|column| format!("{:.1}", column[row].1)).collect();
        print_row(columns[0][row].0, &cells);
    }
    let ratio = |column: &Vec<(&str, f64)>| {
        let best = column[2..].iter().map(|(_, nanos)| *nanos).fold(f64::INFINITY, f64::min);
        format!("{:.2}", column[1].1 / best)
    };
    print_row("engine / best", &columns.iter().map(ratio).collect::<Vec<_>>());
}

fn print_row(name: &str, cells: &[String]) {
    print!("{name:<42}");
    cells.iter().for_each(|cell| print!("{cell:>9}"));
    println!();
}

/// The nothing to compare with, the engine, then the yardsticks.
fn contestants<'a, E: Event>(size: usize, delays: &'a Delays) -> Vec<Box<dyn Contestant + 'a>> {
    fn yardstick<'a, O: Order + 'a, E: Event>(order: O, size: usize, delays: &'a Delays) -> Box<dyn Contestant + 'a> {
        let mut yardstick = Yardstick { order, slots: Vec::<E>::new(), sequence: 0, random: Random(1), delays };
        (0..size).for_each(|slot| yardstick.push(slot));
        Box::new(yardstick)
    }
    vec![
        yardstick::<_, E>(Nothing(0), size, delays),
        Box::new(Machine::<E>::new(size, delays)),
        yardstick::<_, E>(Std::default(), size, delays),
        yardstick::<_, E>(StdReplace::default(), size, delays),
        yardstick::<_, E>(Quad::default(), size, delays),
        yardstick::<_, E>(QuadReplace::default(), size, delays),
        yardstick::<_, E>(Calendar::new(size, delays), size, delays),
        yardstick::<_, E>(BucketRing::new(), size, delays),
    ]
}

fn measure(mut contestants: Vec<Box<dyn Contestant + '_>>, size: usize) -> Vec<(&'static str, f64)> {
    for contestant in &mut contestants {
        contestant.run(5 * size + 10_000);
    }
    let mut times = vec![vec![]; contestants.len()];
    for _ in 0..ROUNDS {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            let start = ProcessTime::now();
            contestant.run(EVENTS_A_ROUND);
            times.push(start.elapsed().as_nanos() as f64 / EVENTS_A_ROUND as f64);
        }
    }
    contestants.iter().zip(times).map(|(contestant, times)| (contestant.name(), median(times))).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

// ---- Delays ----

/// A counter scattered by one multiplication (Steele, Lea and Flood's SplitMix64, cut short): random enough for delays, nearly free.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word ^ (word >> 29)
    }
}

/// A distribution as a table of quantiles, so that each costs the same to draw from.
struct Delays {
    name: &'static str,
    quantiles: Vec<u64>,
    mean: u64,
}

impl Delays {
    const COUNT: usize = 1 << 12;

    fn new(name: &'static str, quantile: impl Fn(f64) -> f64) -> Self {
        let quantiles: Vec<u64> = (0..Self::COUNT).map(|n| quantile((n as f64 + 0.5) / Self::COUNT as f64) as u64).collect();
        let mean = quantiles.iter().sum::<u64>() / Self::COUNT as u64;
        Self { name, quantiles, mean }
    }

    fn even(low: u64, high: u64) -> Self {
        Self::new("even delays, 1..10 ms", |part| low as f64 + part * (high - low) as f64)
    }

    fn exponential(mean: u64) -> Self {
        Self::new("exponential delays, mean 5 ms", |part| -(1.0 - part).ln() * mean as f64)
    }

    /// Messages and timers.
    fn mixed() -> Self {
        Self::new("mixed delays, 9 in 10 50..100 us, else 0.1..1 s", |part| {
            if part < 0.9 { 50e3 + part * 55e3 } else { 100e6 + (part - 0.9) * 9000e6 }
        })
    }

    /// All that is pending happens within a quarter of a microsecond, then nothing for ten milliseconds.
    fn burst() -> Self {
        Self::new("bursts, 10 ms apart", |_| 10e6)
    }

    #[inline]
    fn draw(&self, random: &mut Random) -> u64 {
        let word = random.word();
        self.quantiles[(word >> 52) as usize] + (word & 0xff)
    }
}

// ---- Contestants ----

trait Contestant {
    fn name(&self) -> &'static str;
    fn run(&mut self, events: usize);
}

trait Event: Copy + 'static {
    fn new(number: u64) -> Self;
    fn number(&self) -> u64;
}

impl Event for u32 {
    fn new(number: u64) -> Self {
        number as u32
    }
    fn number(&self) -> u64 {
        u64::from(*self)
    }
}

impl Event for [u64; 16] {
    fn new(number: u64) -> Self {
        [number; 16]
    }
    fn number(&self) -> u64 {
        self[7]
    }
}

struct Machine<'a, E> {
    engine: Engine<E>,
    random: Random,
    delays: &'a Delays,
}

impl<'a, E: Event> Machine<'a, E> {
    fn new(size: usize, delays: &'a Delays) -> Self {
        let budget = Budget { events: u64::MAX - 1, until: Time::from_nanos(u64::MAX - 1), same_instant: 1_000_000 };
        let mut machine = Self { engine: Engine::new(black_box(budget)), random: Random(1), delays };
        for number in 0..size {
            let delay = delays.draw(&mut machine.random);
            machine.engine.schedule(Time::from_nanos(delay), E::new(number as u64));
        }
        machine
    }
}

impl<E: Event> Contestant for Machine<'_, E> {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn run(&mut self, events: usize) {
        for _ in 0..events {
            let Advance::Event(event) = self.engine.next() else { unreachable!("the hold model never ends") };
            let event = black_box(event);
            let at = self.engine.now().as_nanos() + self.delays.draw(&mut self.random);
            self.engine.schedule(Time::from_nanos(at), E::new(event.number() + 1));
        }
    }
}

/// What the engine takes when an eighth of its pending events are timers, of which each event cancels one and sets it anew.
fn cancelling(size: usize, delays: &Delays) -> f64 {
    let mut engine = Engine::new(Budget::UNLIMITED);
    let mut random = Random(1);
    let mut timers: Vec<Ticket> = (0..size.div_ceil(8)).map(|_| engine.schedule(Time::from_nanos(200_000_000), 0_u64)).collect();
    for number in timers.len()..size {
        engine.schedule(Time::from_nanos(delays.draw(&mut random)), number as u64);
    }
    let mut run = |events: usize| {
        for _ in 0..events {
            let Advance::Event(event) = engine.next() else { unreachable!("the hold model never ends") };
            let now = engine.now().as_nanos();
            let timer = (black_box(event) as usize).wrapping_mul(0x9e37_79b1) % timers.len();
            black_box(engine.cancel(timers[timer]));
            timers[timer] = engine.schedule(Time::from_nanos(now + 200_000_000), event);
            engine.schedule(Time::from_nanos(now + delays.draw(&mut random)), event + 1);
        }
    };
    run(5 * size + 10_000);
    let times = (0..ROUNDS).map(|_| {
        let start = ProcessTime::now();
        run(EVENTS_A_ROUND);
        start.elapsed().as_nanos() as f64 / EVENTS_A_ROUND as f64
    });
    median(times.collect())
}

/// An order of keys, and slots for events. In the hold model the slot that becomes free is the slot that is needed.
struct Yardstick<'a, O, E> {
    order: O,
    slots: Vec<E>,
    sequence: u64,
    random: Random,
    delays: &'a Delays,
}

impl<O: Order, E: Event> Yardstick<'_, O, E> {
    const STORES: bool = size_of::<E>() > 8;

    fn push(&mut self, slot: usize) {
        if Self::STORES {
            self.slots.push(E::new(slot as u64));
        }
        let delay = self.delays.draw(&mut self.random);
        self.sequence += 1;
        self.order.push(key(delay, self.sequence, slot as u32));
    }
}

impl<O: Order, E: Event> Contestant for Yardstick<'_, O, E> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn run(&mut self, events: usize) {
        for _ in 0..events {
            self.sequence += 1;
            let (sequence, random, delays, slots) = (self.sequence, &mut self.random, self.delays, &mut self.slots);
            self.order.hold(|key_now| {
                let slot = key_now as u32 & 0xff_ffff;
                let event = if Self::STORES { slots[slot as usize] } else { E::new(u64::from(slot)) };
                let event = black_box(event);
                if Self::STORES {
                    slots[slot as usize] = E::new(event.number() + 1);
                }
                key((key_now >> 64) as u64 + delays.draw(random), sequence, slot)
            });
        }
    }
}

fn key(time: u64, sequence: u64, slot: u32) -> u128 {
    u128::from(time) << 64 | u128::from(sequence) << 24 | u128::from(slot)
}

trait Order {
    const NAME: &'static str;
    fn push(&mut self, key: u128);
    /// Takes the earliest key and puts back the one made of it.
    fn hold(&mut self, next: impl FnOnce(u128) -> u128);
}

// ---- Yardsticks ----

struct Nothing(u128);

impl Order for Nothing {
    const NAME: &'static str = "loop without a queue";
    fn push(&mut self, key: u128) {
        self.0 = key;
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        self.0 = next(self.0);
    }
}

#[derive(Default)]
struct Std(BinaryHeap<Reverse<u128>>);

impl Order for Std {
    const NAME: &'static str = "std BinaryHeap, packed key";
    fn push(&mut self, key: u128) {
        self.0.push(Reverse(key));
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        let Reverse(key) = self.0.pop().expect("the hold model never ends");
        self.0.push(Reverse(next(key)));
    }
}

#[derive(Default)]
struct StdReplace(BinaryHeap<Reverse<u128>>);

impl Order for StdReplace {
    const NAME: &'static str = "std BinaryHeap, replacing the top";
    fn push(&mut self, key: u128) {
        self.0.push(Reverse(key));
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        let mut top = self.0.peek_mut().expect("the hold model never ends");
        *top = Reverse(next(top.0));
        drop::<PeekMut<'_, _>>(top);
    }
}

#[derive(Default)]
struct Quad(Vec<u128>);

impl Quad {
    fn pop(&mut self) -> Option<u128> {
        let last = self.0.pop()?;
        let Some(&first) = self.0.first() else { return Some(last) };
        self.sink(last);
        Some(first)
    }

    /// Puts the key in the place of the top.
    fn sink(&mut self, key: u128) {
        let mut place = 0;
        loop {
            let start = 4 * place + 1;
            let least = if let Some(&[a, b, c, d]) = self.0.get(start..start + 4) {
                // Two pairs, then the winners: choices that need no guessing.
                let (left, right) = (usize::from(b < a), 2 + usize::from(d < c));
                start + if self.0[start + right] < self.0[start + left] { right } else { left }
            } else if let Some(least) = (start..self.0.len()).min_by_key(|child| self.0[*child]) {
                least
            } else {
                break;
            };
            if key <= self.0[least] {
                break;
            }
            self.0[place] = self.0[least];
            place = least;
        }
        self.0[place] = key;
    }
}

impl Order for Quad {
    const NAME: &'static str = "4-ary heap, packed key";
    fn push(&mut self, key: u128) {
        let mut place = self.0.len();
        self.0.push(key);
        while place > 0 {
            let parent = (place - 1) / 4;
            if self.0[parent] <= key {
                break;
            }
            self.0[place] = self.0[parent];
            place = parent;
        }
        self.0[place] = key;
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        let key = self.pop().expect("the hold model never ends");
        self.push(next(key));
    }
}

#[derive(Default)]
struct QuadReplace(Quad);

impl Order for QuadReplace {
    const NAME: &'static str = "4-ary heap, replacing the top";
    fn push(&mut self, key: u128) {
        self.0.push(key);
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        let key = next(self.0.0[0]);
        self.0.sink(key);
    }
}

/// Brown's calendar queue (1988) with days sorted latest first, of the best length for the known delays; never resized.
struct Calendar {
    days: Vec<Vec<u128>>,
    length_log2: u32,
    today: u64,
}

impl Calendar {
    fn new(size: usize, delays: &Delays) -> Self {
        let gap = delays.mean / size as u64;
        Self { days: vec![vec![]; (2 * size).next_power_of_two()], length_log2: (2 * gap).max(1).ilog2(), today: 0 }
    }

    fn day(&self, key: u128) -> u64 {
        (key >> 64) as u64 >> self.length_log2
    }

    fn pop(&mut self) -> u128 {
        let mask = self.days.len() - 1;
        for ahead in 0..self.days.len() as u64 {
            let day = self.today + ahead;
            let index = day as usize & mask;
            if let Some(&key) = self.days[index].last()
                && self.day(key) <= day
            {
                self.today = day;
                self.days[index].pop();
                return key;
            }
        }
        let (key, index) =
            self.days.iter().enumerate().filter_map(|(index, day)| Some((*day.last()?, index))).min().expect("the hold model never ends");
        self.today = self.day(key);
        self.days[index].pop();
        key
    }
}

impl Order for Calendar {
    const NAME: &'static str = "calendar queue, tuned";
    fn push(&mut self, key: u128) {
        let index = self.day(key) as usize & (self.days.len() - 1);
        let day = &mut self.days[index];
        let mut place = day.len();
        day.push(key);
        while place > 0 && day[place - 1] < key {
            day[place] = day[place - 1];
            place -= 1;
        }
        day[place] = key;
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        let key = self.pop();
        self.push(next(key));
    }
}

/// Buckets of 65 us (2^16 ns), the open one a heap, and a heap for what is beyond the last.
struct BucketRing {
    buckets: Vec<Vec<u128>>,
    open: u64,
    len: usize,
    near: Quad,
    far: Quad,
}

impl BucketRing {
    const BUCKETS: u64 = 1024;

    fn new() -> Self {
        Self { buckets: vec![vec![]; Self::BUCKETS as usize], open: 0, len: 0, near: Quad::default(), far: Quad::default() }
    }

    fn bucket(key: u128) -> u64 {
        (key >> 80) as u64
    }

    fn open_next(&mut self) {
        loop {
            self.open = if self.len == 0 { Self::bucket(self.far.0[0]) } else { self.open + 1 };
            while self.far.0.first().is_some_and(|key| Self::bucket(*key) < self.open + Self::BUCKETS) {
                let key = self.far.pop().expect("there is a first");
                self.push(key);
            }
            let bucket = &mut self.buckets[(self.open % Self::BUCKETS) as usize];
            self.len -= bucket.len();
            for key in bucket.drain(..) {
                self.near.push(key);
            }
            if !self.near.0.is_empty() {
                return;
            }
        }
    }
}

impl Order for BucketRing {
    const NAME: &'static str = "ring of 65 us buckets, overflow heap";
    fn push(&mut self, key: u128) {
        let bucket = Self::bucket(key);
        if bucket <= self.open {
            self.near.push(key);
        } else if bucket < self.open + Self::BUCKETS {
            self.buckets[(bucket % Self::BUCKETS) as usize].push(key);
            self.len += 1;
        } else {
            self.far.push(key);
        }
    }
    fn hold(&mut self, next: impl FnOnce(u128) -> u128) {
        if self.near.0.is_empty() {
            self.open_next();
        }
        let key = self.near.pop().expect("a bucket was opened");
        self.push(next(key));
    }
}
