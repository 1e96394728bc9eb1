//! Whole files, read and edited.

mod editing;
mod properties;
mod reading;

use super::*;
use crate::error::Error;

const HASH: &str = "--hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn read(text: &str) -> Requirements {
    Requirements::parse(Path::new("requirements.txt"), text)
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn refused(text: &str) -> Error {
    Requirements::parse(Path::new("requirements.txt"), text).expect_err(text)
}
