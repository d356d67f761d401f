//! What is wrong with settings.

use std::fmt;

/// Why settings make no policy. Nothing was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The name of the setting: a field of the settings.
    pub setting: &'static str,
    /// What is wrong with it, and what it takes instead.
    pub reason: String,
}

impl SettingError {
    pub(crate) fn new(setting: &'static str, reason: impl Into<String>) -> Self {
        Self { setting, reason: reason.into() }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.setting, self.reason)
    }
}

impl std::error::Error for SettingError {}

/// An error unless the settings are like this.
pub(crate) fn demand(holds: bool, setting: &'static str, reason: &str) -> Result<(), SettingError> {
    if holds { Ok(()) } else { Err(SettingError::new(setting, reason)) }
}
