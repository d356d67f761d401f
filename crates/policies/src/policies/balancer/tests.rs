//! Each policy against what it is said to do, looked up the slow way.

use proptest::prelude::*;
use stormglass_process::base::{Digest, RunKey};

use super::prequal::{Answer, best};
use super::*;

fn at(millis: i64) -> LocalTime {
    LocalTime::from_nanos(millis * 1_000_000)
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn random() -> Stream {
    RunKey::from_seed(1).stream("balancer", 0)
}

/// Instances 1, 2, … of these weights.
fn balancer(policy: Policy, weights: &[u32]) -> Balancer {
    let mut balancer = Balancer::new(&BalancerSettings { policy, slow_start: None }).unwrap();
    balancer.set_instances(at(0), &instances(weights));
    balancer
}

fn instances(weights: &[u32]) -> Vec<Instance> {
    (1..).zip(weights).map(|(id, weight)| Instance { id, weight: *weight }).collect()
}

fn every(_: u64) -> bool {
    true
}

/// One of each.
fn policies() -> Vec<Policy> {
    vec![
        Policy::RoundRobin,
        Policy::Weighted,
        Policy::Random,
        Policy::LeastRequests,
        Policy::Choices { d: 2 },
        Policy::LeastLoaded { refresh: millis(100) },
        Policy::PeakEwma { decay: millis(10_000) },
        Policy::RingHash { points: 20, load_percent: None },
        Policy::RingHash { points: 20, load_percent: Some(125) },
        Policy::Maglev { table: 251 },
        Policy::Prequal(PrequalSettings::default()),
    ]
}

proptest! {
    /// Whatever the policy: only what is listed, has weight and is eligible is picked; something is if there is any; and what is in flight
    /// is what was picked and has not finished, through changes of the list.
    #[test]
    fn what_may_be_picked_is(
        which in 0_usize..11,
        steps in proptest::collection::vec((0_u8..5, any::<u8>(), any::<u64>()), 0..120),
    ) {
        let mut balancer = Balancer::new(&BalancerSettings { policy: policies().swap_remove(which), slow_start: None }).unwrap();
        let (mut listed, mut flights, mut random): (Vec<Instance>, Vec<u64>, _) = (vec![], vec![], random());
        for (number, (step, mask, word)) in steps.into_iter().enumerate() {
            let now = at(number as i64 * 10);
            match step {
                0 => {
                    let weight = |id: u64| (word >> (id * 8)) as u32 % 4;
                    listed = (0..6).filter(|bit| mask >> bit & 1 == 1).map(|id| Instance { id, weight: weight(id) }).collect();
                    balancer.set_instances(now, &listed);
                }
                1 if !flights.is_empty() => {
                    let id = flights.swap_remove(word as usize % flights.len());
                    let outcome = [Outcome::Success, Outcome::Failure, Outcome::Ignored][mask as usize % 3];
                    balancer.finished(now, id, millis(word % 50), outcome);
                }
                2 => balancer.report(now, word % 7, Load { in_flight: mask.into(), latency: millis(word % 50) }),
                3 => prop_assert!(balancer.probes(now, &mut random).iter().all(|id| listed.iter().any(|instance| instance.id == *id))),
                _ => {
                    let eligible = |id: u64| word >> id & 3 != 0;
                    let may: Vec<u64> = listed.iter().filter(|one| one.weight > 0 && eligible(one.id)).map(|one| one.id).collect();
                    let picked = balancer.pick(now, word, eligible, &mut random);
                    prop_assert_eq!(picked.is_some(), !may.is_empty(), "{:?} of {:?}", picked, may);
                    prop_assert!(picked.is_none_or(|id| may.contains(&id)), "{:?} of {:?}", picked, may);
                    flights.extend(picked);
                }
            }
            for id in 0..7 {
                prop_assert_eq!(balancer.in_flight(id) as usize, flights.iter().filter(|flight| **flight == id).count());
            }
        }
    }

    #[test]
    fn round_robin_takes_each_in_turn(count in 1_usize..9, mask in any::<u16>()) {
        let mut balancer = balancer(Policy::RoundRobin, &vec![1; count]);
        let may: Vec<u64> = (1..=count as u64).filter(|id| mask >> id & 1 == 1).collect();
        let picks: Vec<u64> = (0..3 * may.len()).filter_map(|_| balancer.pick(at(0), 0, |id| may.contains(&id), &mut random())).collect();
        prop_assert_eq!(picks, may.repeat(3));
    }

    /// In each window of as many picks as all weigh together, each is picked as often as it is heavy.
    #[test]
    fn weighted_is_exact_in_each_window(weights in proptest::collection::vec(0_u32..8, 1..6)) {
        let total = weights.iter().sum::<u32>() as usize;
        prop_assume!(total > 0);
        let mut balancer = balancer(Policy::Weighted, &weights);
        let picks: Vec<u64> = (0..3 * total).filter_map(|_| balancer.pick(at(0), 0, every, &mut random())).collect();
        for window in picks.windows(total) {
            for (id, weight) in (1..).zip(&weights) {
                prop_assert_eq!(window.iter().filter(|pick| **pick == id).count() as u32, *weight);
            }
        }
    }

    /// The one picked bears the least for its weight, in fractions; of a choice among all, too.
    #[test]
    fn least_requests_is_least(
        weights in proptest::collection::vec(1_u32..4, 1..7), ends in proptest::collection::vec(any::<u8>(), 0..60),
        choices in any::<bool>(),
    ) {
        let policy = if choices { Policy::Choices { d: 9 } } else { Policy::LeastRequests };
        let mut balancer = balancer(policy, &weights);
        let (mut loads, mut random) = (vec![0_u32; weights.len()], random());
        for end in ends {
            let least = loads.iter().zip(&weights).map(|(load, weight)| f64::from(load + 1) / f64::from(*weight)).fold(f64::MAX, f64::min);
            let picked = balancer.pick(at(0), 0, every, &mut random).unwrap() as usize - 1;
            prop_assert!((f64::from(loads[picked] + 1) / f64::from(weights[picked]) - least).abs() < 1e-9);
            loads[picked] += 1;
            let ended = end as usize % (2 * loads.len());
            if loads.get(ended).is_some_and(|load| *load > 0) {
                loads[ended] -= 1;
                balancer.finished(at(0), ended as u64 + 1, millis(1), Outcome::Success);
            }
        }
    }

    /// None ever bears more than its bound: the mean with the new call, by weight, times the factor, rounded up.
    #[test]
    fn bounded_loads_are_bounded(
        weights in proptest::collection::vec(1_u32..4, 1..7), percent in 100_u32..200,
        steps in proptest::collection::vec((0_u64..3, any::<u8>()), 1..80),
    ) {
        let mut balancer = balancer(Policy::RingHash { points: 10, load_percent: Some(percent) }, &weights);
        let mut flights: Vec<u64> = vec![];
        for (key, end) in steps {
            let picked = balancer.pick(at(0), key, every, &mut random()).unwrap();
            flights.push(picked);
            let mean = flights.len() as f64 * f64::from(weights[picked as usize - 1]) / f64::from(weights.iter().sum::<u32>());
            let bound = (mean * f64::from(percent) / 100.0 - 1e-9).ceil();
            prop_assert!(f64::from(balancer.in_flight(picked)) <= bound, "{} above {}", balancer.in_flight(picked), bound);
            if end < 128 {
                let ended = flights.swap_remove(end as usize % flights.len());
                balancer.finished(at(0), ended, millis(1), Outcome::Success);
            }
        }
    }

    /// The hot and cold rule, the slow way: sorted by hand.
    #[test]
    fn prequal_takes_the_quickest_of_the_cold(loads in proptest::collection::vec((0_u32..6, 0_u64..5), 1..9), hot_above in 0_u32..6) {
        let answer = |(id, (in_flight, latency)): (u64, &(u32, u64))| {
            Answer { id, load: Load { in_flight: *in_flight, latency: millis(*latency) }, at: at(0), used: 0 }
        };
        let answers: Vec<Answer> = (0..).zip(&loads).map(answer).collect();
        let found = answers[best(&answers, hot_above).unwrap()].load;
        let cold: Vec<Load> = answers.iter().map(|answer| answer.load).filter(|load| load.in_flight <= hot_above).collect();
        if cold.is_empty() {
            prop_assert_eq!(Some(found.in_flight), answers.iter().map(|answer| answer.load.in_flight).min());
        } else {
            prop_assert!(found.in_flight <= hot_above);
            prop_assert_eq!(Some(found.latency), cold.iter().map(|load| load.latency).min());
        }
    }

    /// As in the paper, step by step: whole permutations, and a count for each where it has come to.
    #[test]
    fn maglev_fills_its_table_as_the_paper_says(ids in proptest::collection::btree_set(any::<u64>(), 1..8)) {
        const SIZE: u64 = 251;
        let members: Vec<Member> = ids.iter().map(|id| Member::new(*id, 1, at(0))).collect();
        let hash = |id: u64, nth: u64| { let mut digest = Digest::new(); digest.word(id); digest.word(nth); digest.finish() };
        let place = |id, j| (hash(id, 1) % SIZE + j * (hash(id, 2) % (SIZE - 1) + 1)) % SIZE;
        let permutation = |id: &u64| (0..SIZE).map(|j| place(*id, j)).collect::<Vec<_>>();
        let (permutations, mut next, mut entry, mut filled) =
            (ids.iter().map(permutation).collect::<Vec<_>>(), vec![0; ids.len()], vec![None; SIZE as usize], 0);
        'filling: loop {
            for i in 0..ids.len() {
                let mut c = permutations[i][next[i]] as usize;
                while entry[c].is_some() {
                    next[i] += 1;
                    c = permutations[i][next[i]] as usize;
                }
                entry[c] = Some(i as u32);
                next[i] += 1;
                filled += 1;
                if filled == SIZE {
                    break 'filling;
                }
            }
        }
        let table = Table::new(&members, SIZE as u32);
        prop_assert_eq!(table.places().to_vec(), entry.into_iter().flatten().collect::<Vec<_>>());
    }
}

/// Where each of many keys goes.
fn owners(balancer: &mut Balancer, keys: u64) -> Vec<u64> {
    (0..keys).filter_map(|key| balancer.pick(at(0), key, every, &mut random())).collect()
}

#[test]
fn a_ring_moves_only_the_keys_of_what_leaves() {
    let weights = [1; 20];
    let mut ring = balancer(Policy::RingHash { points: 100, load_percent: None }, &weights);
    let before = owners(&mut ring, 20_000);
    ring.set_instances(at(1), &instances(&weights[..19]));
    let after = owners(&mut ring, 20_000);
    assert!(before.iter().zip(&after).all(|(before, after)| before == after || *before == 20));
    // A hundred points each: the relative deviation of a share is about a tenth.
    let most = (1..=20).map(|id| before.iter().filter(|owner| **owner == id).count()).max().unwrap();
    assert!((1000..1500).contains(&most), "{most}");
}

#[test]
fn maglev_is_even_and_disturbs_little() {
    const SIZE: u32 = 65_537;
    let members: Vec<Member> = (1..=100).map(|id| Member::new(id, 1, at(0))).collect();
    let (all, one_less) = (Table::new(&members, SIZE), Table::new(&members[..99], SIZE));
    for member in 0..100 {
        let count = all.places().iter().filter(|place| **place == member).count();
        assert!((655..=656).contains(&count), "{member} has {count} of {SIZE} places");
    }
    // Of what belongs to those that stay, the paper sees about one place in a hundred move for a table of this size.
    let moved = all.places().iter().zip(one_less.places()).filter(|(before, after)| **before != 99 && before != after).count();
    assert!(moved < SIZE as usize * 2 / 100, "{moved} places moved");
}

#[test]
fn choices_are_all_as_likely() {
    let mut counts = [[0_u32; 5]; 5];
    let members: Vec<Member> = (0..5).map(|id| Member::new(id, 1, at(0))).collect();
    let mut random = random();
    // One may not be picked.
    let view = View { members: &members, heaviest: 1, now: at(0), slow_start: None, eligible: &|id| id != 2 };
    for _ in 0..12_000 {
        let chosen = view.choose(2, &mut random);
        counts[chosen[0]][chosen[1]] += 1;
    }
    for one in 0..5 {
        for other in 0..5 {
            let expected = if one == other || one == 2 || other == 2 { 0..=0 } else { 890..=1110 };
            assert!(expected.contains(&counts[one][other]), "{counts:?}");
        }
    }
}

#[test]
fn random_is_as_likely_as_it_is_heavy() {
    let mut balancer = balancer(Policy::Random, &[1, 0, 3, 6]);
    let mut random = random();
    let mut counts = [0_u32; 5];
    for _ in 0..10_000 {
        counts[balancer.pick(at(0), 0, every, &mut random).unwrap() as usize] += 1;
    }
    assert!((900..1100).contains(&counts[1]) && counts[2] == 0 && (5850..6150).contains(&counts[4]), "{counts:?}");
    // Where nearly all are ineligible, tries give out and all are looked at.
    let only = |id| id == 1;
    assert!((0..1000).all(|_| balancer.pick(at(0), 0, only, &mut random) == Some(1)));
}

#[test]
fn stale_information_makes_a_herd() {
    let mut balancer = balancer(Policy::LeastLoaded { refresh: millis(100) }, &[1, 1]);
    let mut random = random();
    let first = balancer.pick(at(0), 0, every, &mut random).unwrap();
    // Both looked empty. From the next look on all go to the other, whatever it bears by then, and then all come back.
    let picks: Vec<u64> = (0..10).filter_map(|_| balancer.pick(at(100), 0, every, &mut random)).collect();
    assert_eq!(picks, [3 - first; 10]);
    assert_eq!(balancer.pick(at(199), 0, every, &mut random), Some(3 - first));
    assert_eq!(balancer.pick(at(200), 0, every, &mut random), Some(first));
    // What an instance says of itself counts more than what is known of it.
    balancer.report(at(250), first, Load { in_flight: 50, latency: millis(1) });
    assert_eq!(balancer.pick(at(250), 0, every, &mut random), Some(3 - first));
}

#[test]
fn peak_ewma_takes_over_peaks_at_once_and_forgets_them_slowly() {
    let mut balancer = balancer(Policy::PeakEwma { decay: millis(1000) }, &[1, 1]);
    let mut random = random();
    let call = |balancer: &mut Balancer, random: &mut Stream, now: i64| {
        let id = balancer.pick(at(now), 0, every, random).unwrap();
        balancer.finished(at(now), id, millis(if id == 1 && now < 100 { 500 } else { 10 }), Outcome::Success);
        id
    };
    let picks: Vec<u64> = (0..100).map(|now| call(&mut balancer, &mut random, now)).collect();
    assert!(picks.iter().filter(|id| **id == 1).count() == 1, "it is tried once, and then known to be slow: {picks:?}");
    // 500 ms · exp(-t / 1 s) falls below 10 ms after 3.9 s.
    assert!((100..3900).step_by(100).all(|now| call(&mut balancer, &mut random, now) == 2));
    assert!((4000..6000).step_by(10).any(|now| call(&mut balancer, &mut random, now) == 1));
}

#[test]
fn a_new_instance_is_tried_and_not_flooded_by_peak_ewma() {
    let mut balancer = balancer(Policy::PeakEwma { decay: millis(1000) }, &[1, 1]);
    let mut random = random();
    for id in [1, 2, 1, 2] {
        balancer.pick(at(0), 0, |only| only == id, &mut random);
        balancer.finished(at(0), id, millis(10), Outcome::Success);
    }
    balancer.set_instances(at(1), &instances(&[1, 1, 1]));
    let picks = (0..300).filter_map(|_| balancer.pick(at(1), 0, every, &mut random)).filter(|id| *id == 3).count();
    assert_eq!(picks, 1, "until it has answered");
}

#[test]
fn prequal_keeps_away_from_the_slow_and_the_hot() {
    let mut balancer = balancer(Policy::Prequal(PrequalSettings::default()), &[1; 20]);
    let mut random = random();
    let mut counts = [0_u32; 21];
    for number in 0..5000 {
        let now = at(number);
        for id in balancer.probes(now, &mut random) {
            // The first is slow, the second has many in flight.
            let load = Load { in_flight: if id == 2 { 90 } else { 3 }, latency: millis(if id == 1 { 80 } else { 10 }) };
            balancer.report(now, id, load);
        }
        let id = balancer.pick(now, 0, every, &mut random).unwrap();
        counts[id as usize] += 1;
        balancer.finished(now, id, millis(10), Outcome::Success);
    }
    assert!(counts[1] < 25 && counts[2] < 25 && counts[3..].iter().all(|count| *count > 100), "{counts:?}");
}

#[test]
fn prequal_without_answers_picks_at_random() {
    let mut balancer = balancer(Policy::Prequal(PrequalSettings::default()), &[1; 4]);
    let mut random = random();
    balancer.report(at(0), 1, Load { in_flight: 0, latency: millis(1) });
    balancer.report(at(0), 2, Load { in_flight: 0, latency: millis(2) });
    assert_eq!(balancer.pick(at(1000), 0, every, &mut random), Some(1));
    // A second later what they said is too old.
    let later: Vec<u64> = (0..100).filter_map(|_| balancer.pick(at(1001), 0, every, &mut random)).collect();
    assert!((1..=4).all(|id| later.contains(&id)));
}

#[test]
fn slow_start_gives_a_new_instance_little_at_first() {
    let slow_start = Some(SlowStartSettings { window: millis(10_000), ..SlowStartSettings::default() });
    for policy in [Policy::Weighted, Policy::Random] {
        let mut balancer = Balancer::new(&BalancerSettings { policy, slow_start }).unwrap();
        let mut random = random();
        balancer.set_instances(at(0), &instances(&[1]));
        balancer.set_instances(at(20_000), &instances(&[1, 1]));
        let share = |balancer: &mut Balancer, random: &mut Stream, now| {
            (0..3000).filter(|_| balancer.pick(at(now), 0, every, random) == Some(2)).count()
        };
        // A tenth of the weight of the other, half, all: a part of one in eleven, three and two.
        for (now, part) in [(20_000, 273), (25_000, 1000), (30_000, 1500)] {
            let found = share(&mut balancer, &mut random, now);
            assert!((part - 90..=part + 90).contains(&found), "{now}: {found}");
        }
        // One that leaves and comes back is new again.
        balancer.set_instances(at(40_000), &instances(&[1]));
        balancer.set_instances(at(40_000), &instances(&[1, 1]));
        assert!(share(&mut balancer, &mut random, 40_000) < 363);
    }
}

#[test]
fn wrong_settings_say_what_is_wrong() {
    let setting = |policy| Balancer::new(&BalancerSettings { policy, slow_start: None }).map(|_| ()).map_err(|error| error.setting);
    assert_eq!(setting(Policy::Choices { d: 0 }), Err("d"));
    assert_eq!(setting(Policy::PeakEwma { decay: Duration::ZERO }), Err("decay"));
    assert_eq!(setting(Policy::RingHash { points: 0, load_percent: None }), Err("points"));
    assert_eq!(setting(Policy::RingHash { points: 1, load_percent: Some(99) }), Err("load_percent"));
    for table in [2, 255, 65_536] {
        assert_eq!(setting(Policy::Maglev { table }), Err("table"));
    }
    let prequal = PrequalSettings::default();
    assert_eq!(setting(Policy::Prequal(PrequalSettings { pool: 1, ..prequal })), Err("pool"));
    assert_eq!(setting(Policy::Prequal(PrequalSettings { probes_milli: 0, ..prequal })), Err("probes_milli"));
    let slow_start = Some(SlowStartSettings { window: Duration::ZERO, ..SlowStartSettings::default() });
    assert!(Balancer::new(&BalancerSettings { slow_start, ..BalancerSettings::default() }).is_err());
}
