//! Tests of the server, step by step.

mod scripts;
