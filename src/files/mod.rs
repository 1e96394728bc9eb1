//! The door to the file system: reading, walking, locking, and change sets that are applied
//! as a whole or not at all.
//!
//! Nothing outside this module writes to the disk. Several files change together through a
//! [`ChangeSet`]; a process that is killed on the way leaves the old tree or the new one, as the
//! next command sees it after [`recover`].

mod boundary;
mod change_set;
mod digest;
mod fault;
mod held;
mod journal;
mod keep;
mod lock;
mod objects;
mod path_text;
mod read;
mod scratch;
mod state;
mod sys;
mod transaction;
mod umask;
mod walk;

pub use change_set::{Action, Change, ChangeSet, unified_diff};
pub use digest::{digest, hexadecimal};
pub use journal::{Journal, make_kept_directory};
pub use keep::{forget, keep, keep_line, keep_program, keep_readable};
pub use lock::{Holder, Lock};
pub use objects::{
    Unfinished, digest_of, link, make_directory, make_private_directory, open_if_exists, remove,
    remove_tree, size,
};
pub use read::{
    exists, is_directory, list, mode, open, read, read_if_exists, read_link, read_text,
    read_text_if_exists,
};
pub use scratch::Scratch;
pub use state::{STATE_DIRECTORY, state_directory};
pub use transaction::{Recovered, recover, unfinished};
pub use walk::{Entry, EntryKind, walk};
