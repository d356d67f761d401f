//! An outcome or a sweep, rendered.
