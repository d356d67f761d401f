//! The judges of histories: against their slow twins, against what others recorded, and what they tell people.

mod support;

mod cores;
mod explanations;
mod guarantees;
mod intake;
mod isolation;
mod isolation_twin;
mod linearizability;
mod long_files;
mod metamorphic;
mod models;
mod monitors;
mod one_explanation;
mod online;
mod recorded_histories;
