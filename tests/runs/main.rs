//! Whole runs of worlds: what scenarios show holds, what is planted is found, and a seed means what it meant.

#[path = "../../examples/abd_register.rs"]
#[expect(dead_code, reason = "its `main` is for the command")]
mod abd_register;
mod brokers;
mod bus;
mod causes;
mod closed_forms;
mod commit;
mod commit_over_raft;
mod commit_relatives;
mod comparisons;
mod detector;
mod exports;
mod fingerprints;
mod golden;
mod heard;
mod identities_of_draws;
mod locks;
mod metrics;
mod moments;
mod one_judge;
mod operations;
mod outlives;
mod pages;
mod pairs;
mod pipelines;
mod property;
mod queues;
mod raft;
mod recordings;
mod redraw;
mod registry;
#[path = "../../examples/registry_client.rs"]
#[expect(dead_code, reason = "its `main` is for the command")]
mod registry_client;
mod reports;
mod requirements;
mod services;
mod shrink;
mod slippage;
mod smallest;
mod sound;
mod spans;
mod stories;
mod strikes;
mod transactional;
mod trials;
mod under_load;
mod wanted;
mod why;
