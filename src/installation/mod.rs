//! Typed, lossless views of what a person edits: text in, text out.

pub mod name;
