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

    /// The rules of the variant of this name in these tables; the correct ones if none is named.
    pub fn rules_of(name: Option<&str>, tables: &[&[Self]], correct: R) -> R {
        let named = name.and_then(|name| tables.iter().copied().flatten().find(|mutant| mutant.name == name));
        named.map_or(correct, |mutant| mutant.rules)
    }
}
