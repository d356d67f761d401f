//! Whole runs of worlds: what scenarios show holds, what is planted is found, and a seed means what it meant.

mod causes;
mod commit;
mod commit_over_raft;
mod commit_relatives;
mod detector;
mod fingerprints;
mod golden;
mod identities_of_draws;
mod moments;
mod one_judge;
mod operations;
mod outlives;
mod pairs;
mod property;
mod raft;
mod recordings;
mod redraw;
mod reports;
mod services;
mod shrink;
mod slippage;
mod smallest;
mod sound;
mod strikes;
mod transactional;
mod why;
