//! Tests of the whole machine: scripts of one server, hand-driven clusters, random clusters, and the judge seen to fail.

mod cluster;
mod explorer;
mod forged;
mod scripts;
mod stories;
