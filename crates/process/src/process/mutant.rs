//! Planted variants of a protocol, by which judges are tried.

/// A variant of a protocol: a planted bug, a real and published one, which a property must catch; or a decoy, which is odd and right, and
/// which no property may catch.
///
/// A protocol that decides by rules, a type of its own, has the rules of each variant in its table; elsewhere they are `()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutant<R = ()> {
    /// How a scenario's `mutant` names it: `raft/forgets-vote`.
    pub name: &'static str,
    /// The property that must catch it; none of a decoy.
    pub property: Option<&'static str>,
    /// What is wrong with it; or what is odd about it, and why it is right: in a sentence or two.
    pub about: &'static str,
    /// Where the bug was published; or what says that the decoy is right.
    pub source: &'static str,
    /// What must go wrong around it for it to show.
    pub needs: &'static [&'static str],
    /// The rules that it goes by.
    pub rules: R,
}

impl<R: Copy> Mutant<R> {
    /// Whether it is right, however odd.
    pub fn is_decoy(&self) -> bool {
        self.property.is_none()
    }

    /// All of these tables, as a system lists them.
    pub fn list(tables: &[&[Self]]) -> Vec<Mutant> {
        let plain = |&Self { name, property, about, source, needs, .. }: &Self| Mutant { name, property, about, source, needs, rules: () };
        tables.iter().copied().flatten().map(plain).collect()
    }

    /// The rules of the variants of these names in these tables, in the order of the names; one that is in none of them is passed over.
    pub fn planted(names: &[&str], tables: &[&[Self]]) -> Planted<R> {
        let named = |name: &&str| tables.iter().copied().flatten().find(|mutant| mutant.name == *name);
        Planted(names.iter().filter_map(named).map(|mutant| mutant.rules).collect())
    }
}

/// The rules that a protocol goes by: the correct ones, but for what the variants do otherwise that are planted.
///
/// It is made by [`Mutant::planted`]; [`rules!`](crate::rules) has it answer for the rules of a protocol.
#[derive(Clone, Debug)]
pub struct Planted<R>(Vec<R>);

impl<R> Planted<R> {
    /// Whether nothing is planted.
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl<R: Copy> Planted<R> {
    /// What these rules say where `correct` are the published ones. A variant changes a rule where it says something else: so several at
    /// once do not hide each other, and where two would say something else of the same, the first one does.
    pub fn answer<T: PartialEq>(&self, correct: R, ask: impl Fn(R) -> T) -> T {
        let right = ask(correct);
        self.0.iter().map(|planted| ask(*planted)).find(|answer| *answer != right).unwrap_or(right)
    }
}

/// Declares the rules of a protocol: a trait, of which each method is a rule with the correct body. A mutant is a type that overrides one.
///
/// Besides the trait it declares `Correct`, by which all is right, and has [`Planted`](crate::process::Planted) answer for all rules, so
/// that several mutants can be planted at once.
///
/// ```
/// use stormglass_process::process::{Mutant, rules};
///
/// rules! {
///     /// What a lock rests on.
///     pub trait Rules {
///         /// Whether a lock may be given away that so many hold.
///         fn may_lock(&self, holders: usize) -> bool {
///             holders == 0
///         }
///
///         /// How long a lease lasts, in seconds.
///         fn lease(&self) -> u64 {
///             10
///         }
///     }
/// }
///
/// #[derive(Debug)]
/// struct Crowded;
/// impl Rules for Crowded {
///     fn may_lock(&self, _: usize) -> bool {
///         true
///     }
/// }
///
/// #[derive(Debug)]
/// struct Forever;
/// impl Rules for Forever {
///     fn lease(&self) -> u64 {
///         u64::MAX
///     }
/// }
///
/// static MUTANTS: &[Mutant<&dyn Rules>] = &[
///     Mutant { name: "lock/crowded", property: Some("one-holder"), about: "", source: "", needs: &[], rules: &Crowded },
///     Mutant { name: "lock/forever", property: Some("progress"), about: "", source: "", needs: &[], rules: &Forever },
/// ];
///
/// let planted = |names: &[&str]| Mutant::planted(names, &[MUTANTS]);
/// let (none, both) = (planted(&[]), planted(&["lock/crowded", "lock/forever"]));
/// assert_eq!((none.may_lock(1), none.lease()), (false, 10));
/// assert_eq!(Correct::but_for(none).lease(), 10);
/// assert_eq!((both.may_lock(1), both.lease()), (true, u64::MAX));
/// ```
#[macro_export]
macro_rules! rules {
    (
        $(#[$about:meta])*
        $vis:vis trait $Rules:ident {
            $($(#[$demands:meta])* fn $rule:ident(&self $(, $of:ident: $Of:ty)*) -> $Answer:ty $correct:block)*
        }
    ) => {
        $(#[$about])*
        $vis trait $Rules: ::core::marker::Send + ::core::marker::Sync + ::core::fmt::Debug {
            $($(#[$demands])* fn $rule(&self $(, $of: $Of)*) -> $Answer $correct)*
        }

        /// The rules as they are published.
        #[derive(Clone, Copy, Debug, Default)]
        $vis struct Correct;

        impl $Rules for Correct {}

        impl Correct {
            /// These rules, but for what is planted.
            $vis fn but_for(planted: $crate::process::Planted<&'static dyn $Rules>) -> ::std::sync::Arc<dyn $Rules> {
                // A rule is asked for with each message: where nothing is planted, nothing else is asked.
                if planted.is_none() { ::std::sync::Arc::new(Self) } else { ::std::sync::Arc::new(planted) }
            }
        }

        impl $Rules for $crate::process::Planted<&'static dyn $Rules> {
            $(fn $rule(&self $(, $of: $Of)*) -> $Answer {
                self.answer(&Correct, |rules| rules.$rule($(::core::clone::Clone::clone(&$of)),*))
            })*
        }
    };
}

/// Of the macro, which stands at the root of the crate.
pub use rules;
