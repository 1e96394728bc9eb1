//! What is installed: snapshots of images and containers, the lock, and freezing one into the
//! other.

pub mod compare;
pub mod contents;
pub mod declared;
pub mod freeze;
pub mod index;
pub mod lock;
pub mod origin;
pub mod probe;
pub mod pylock;
pub mod remotes;
pub mod requires;
pub mod sbom;
pub mod sizes;
pub mod snapshot;
pub mod snapshot_file;
pub mod sources;
pub mod verdict;
pub mod wheel;
mod yaml_text;
