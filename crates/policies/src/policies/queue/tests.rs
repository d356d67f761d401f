//! Queues against a plain list that is searched anew each time.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Push { priority: u8, deadline_after: Option<u64> },
    Pop,
    Remove(usize),
    Wait(u64),
}

/// The slow way: one list in the order of arrival.
struct Plain {
    settings: QueueSettings,
    list: Vec<(usize, u8, Option<u64>, u64)>,
}

impl Plain {
    fn push(&mut self, now: u64, number: usize, priority: u8, deadline: Option<u64>) -> Pushed<usize> {
        let mut pushed = Pushed::Queued;
        if self.settings.bound.is_some_and(|bound| self.list.len() >= bound as usize) {
            let Some((place, why)) = self.gives_way(now, priority) else { return Pushed::Refused(number) };
            pushed = Pushed::Displaced { item: self.list.remove(place).0, why };
        }
        self.list.push((number, priority, deadline, now));
        pushed
    }

    fn gives_way(&self, now: u64, priority: u8) -> Option<(usize, DropReason)> {
        let by_priority = self.settings.discipline == Discipline::Priority;
        if self.settings.drop_expired {
            // The oldest of each priority (of all, where that is not the order), the lowest priority first.
            let mut oldest: Vec<usize> = (0..self.list.len()).collect();
            let group = |place: usize| if by_priority { self.list[place].1 } else { 0 };
            oldest.sort_by_key(|place| group(*place));
            oldest.dedup_by_key(|place| group(*place));
            if let Some(place) = oldest.into_iter().find(|place| self.list[*place].2.is_some_and(|deadline| deadline <= now)) {
                return Some((place, DropReason::Deadline));
            }
        }
        if self.settings.when_full == WhenFull::Refuse {
            return None;
        }
        let lowest = self.list.iter().map(|entry| entry.1).min()?;
        let place = self.list.iter().rposition(|entry| entry.1 == lowest)?;
        (lowest < priority).then_some((place, DropReason::Priority))
    }

    fn pop(&mut self, now: u64) -> Option<Popped<usize>> {
        let last = self.list.len().checked_sub(1)?;
        let place = match self.settings.discipline {
            Discipline::Fifo => 0,
            Discipline::Lifo => last,
            Discipline::AdaptiveLifo { above } => {
                if self.list.len() > above as usize {
                    last
                } else {
                    0
                }
            }
            Discipline::Priority => {
                let greatest = self.list.iter().map(|entry| entry.1).max()?;
                self.list.iter().position(|entry| entry.1 == greatest)?
            }
        };
        let (item, _, deadline, since) = self.list.remove(place);
        let waited = Duration::from_nanos(now - since);
        let expired = self.settings.drop_expired && deadline.is_some_and(|deadline| deadline <= now);
        Some(if expired { Popped::Dropped { item, waited, why: DropReason::Deadline } } else { Popped::Served { item, waited } })
    }
}

fn settings() -> impl Strategy<Value = QueueSettings> {
    let discipline = prop_oneof![
        Just(Discipline::Fifo),
        Just(Discipline::Lifo),
        (0_u32..4).prop_map(|above| Discipline::AdaptiveLifo { above }),
        Just(Discipline::Priority),
    ];
    let when_full = prop_oneof![Just(WhenFull::Refuse), Just(WhenFull::ShedLowest)];
    (proptest::option::of(0_u32..6), discipline, when_full, any::<bool>())
        .prop_map(|(bound, discipline, when_full, drop_expired)| QueueSettings { bound, discipline, when_full, codel: None, drop_expired })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..4, proptest::option::of(0_u64..20)).prop_map(|(priority, deadline_after)| Step::Push { priority, deadline_after }),
        3 => Just(Step::Pop),
        1 => (0_usize..40).prop_map(Step::Remove),
        2 => (1_u64..8).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn it_is_as_a_list_is(settings in settings(), steps in steps()) {
        let mut queue = Queue::new(&settings).unwrap();
        let mut plain = Plain { settings, list: vec![] };
        let mut now = 0_u64;
        for (number, step) in steps.into_iter().enumerate() {
            let at = LocalTime::from_nanos(now as i64);
            match step {
                Step::Push { priority, deadline_after } => {
                    let deadline = deadline_after.map(|after| now + after);
                    let local = deadline.map(|deadline| LocalTime::from_nanos(deadline as i64));
                    let pushed = queue.push(at, Waiting { item: number, priority, deadline: local });
                    prop_assert_eq!(pushed, plain.push(now, number, priority, deadline));
                }
                Step::Pop => prop_assert_eq!(queue.pop(at), plain.pop(now)),
                Step::Remove(which) => {
                    let place = plain.list.iter().position(|entry| entry.0 == which);
                    let removed = place.map(|place| plain.list.remove(place).0);
                    prop_assert_eq!(queue.remove(|item| *item == which), removed);
                }
                Step::Wait(nanos) => now += nanos,
            }
            prop_assert_eq!(queue.len(), plain.list.len());
            if let Some(bound) = plain.settings.bound {
                prop_assert!(queue.len() <= bound as usize);
            }
        }
        let mut drained: Vec<usize> = queue.drain().collect();
        drained.sort_unstable();
        prop_assert_eq!(drained, plain.list.iter().map(|entry| entry.0).collect::<Vec<_>>());
        prop_assert!(queue.is_empty() && queue.pop(LocalTime::from_nanos(now as i64)).is_none());
    }
}

/// Work of 10 ms that arrives each 9 ms: the delay would grow for ever, and stays near the target in its least.
#[test]
fn controlled_delay_keeps_the_delay_short() {
    let longest = |codel| {
        let mut queue = Queue::new(&QueueSettings { bound: None, codel, ..QueueSettings::default() }).unwrap();
        let (mut arrived, mut served, mut longest) = (0_i64, 0_i64, Duration::ZERO);
        for number in 0..5000_i64 {
            let now = LocalTime::from_nanos(number * 10_000_000);
            while arrived * 9 <= number * 10 {
                queue.push(LocalTime::from_nanos(arrived * 9_000_000), Waiting { item: (), priority: 0, deadline: None });
                arrived += 1;
            }
            while let Some(popped) = queue.pop(now) {
                if let Popped::Served { waited, .. } = popped {
                    served += 1;
                    longest = if number > 1000 { longest.max(waited) } else { longest };
                    break;
                }
            }
        }
        assert!(served > 4_900, "{served}: nearly every instant has one to serve");
        longest
    };
    assert!(longest(None) > Duration::from_secs(4));
    assert!(longest(Some(CoDelSettings::default())) < Duration::from_millis(250), "{}", longest(Some(CoDelSettings::default())));
}
