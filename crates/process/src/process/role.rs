//! Roles: what a process believes to be, so that faults can be aimed at it.

/// A role that processes can have: its name, and what it means to have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name: `Leader`.
    pub name: &'static str,
    /// What it means to have it, in a sentence; empty if that is not told.
    pub about: &'static str,
}

impl Role {
    /// A role of this name, which means this.
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about }
    }

    /// A process's claim to it, as good as this.
    pub const fn ranked(self, rank: u64) -> Claim {
        Claim { role: self, rank }
    }
}

/// That a process believes to have a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// One of [`Process::ROLES`](super::Process::ROLES).
    pub role: Role,
    /// Whose claim is better where several make it: the term, say.
    pub rank: u64,
}
