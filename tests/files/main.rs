//! The door to files, as several processes and failing disks see it.
//!
//! The processes that die, wait or fail are this test program itself, started again for the
//! ignored test `worker::worker`.
#![expect(
    clippy::disallowed_methods,
    reason = "tests make and look at trees, and start themselves"
)]

mod boundary;
mod difficult_disks;
mod every_operation;
mod processes;
mod random;
mod tree;
mod worker;
