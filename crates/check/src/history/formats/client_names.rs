//! What the clients of a file are called.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::value::Value;
use crate::base::ClientId;

/// What the clients of a file are called: as it says itself (`:client "c2"`), or else after the number of their process, `p7`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientNames(BTreeMap<u32, Box<str>>);

impl ClientNames {
    /// What this one is called.
    pub fn of(&self, client: ClientId) -> String {
        self.0.get(&client.client).map_or_else(|| format!("p{}", client.client), |name| name.to_string())
    }

    /// Lets this process have this name.
    pub(crate) fn call(&mut self, process: u32, name: &str) {
        self.0.insert(process, name.into());
    }

    pub(crate) fn learn(&mut self, process: u32, entry: &Entry) {
        let named = entry.rest.iter().find(|(field, _)| field.as_str() == "client");
        if let Some((_, Value::Text(name))) = named {
            self.0.entry(process).or_insert_with(|| name.clone());
        }
    }
}
