//! The judges of histories: against their reference checkers, against what others recorded, and what they tell people.

mod support;

mod bounds;
mod consistency;
mod cores;
mod explanations;
mod import;
mod isolation;
mod isolation_reference;
mod linearizability;
mod long_files;
mod metamorphic;
mod models;
mod monitors;
mod one_explanation;
mod online;
mod recorded_histories;
mod reports;
mod searched_orders;
mod starts;
mod streams;
mod totals;
