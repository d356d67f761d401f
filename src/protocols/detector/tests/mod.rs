//! Detectors stepped by hand, and their judges shown what they must complain of.

mod forged;
mod scripts;
