//! The files that an environment is made of: what the lock names, kept outside of images so that
//! a build needs no network.

mod download;
mod git;
mod inventory;
mod places;
mod store;
mod view;

pub use download::{Outcome, Source, Watch, download};
pub use git::Git;
pub use inventory::{Artefact, Digest, Installer, Inventory, Kind, Unstorable};
pub use places::{Mirrors, Place, file_of_page};
pub use store::{State, Store};
pub use view::{Plan as View, plan as view};
