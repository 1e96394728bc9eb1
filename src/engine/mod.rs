//! What runs images: the container engine and its Compose, found once, asked through arguments
//! or through the engine's API.

mod adapted;
pub mod bootstrap;
mod compose;
mod configuration;
mod disk;
mod exporter;
mod facts;
pub mod failure;
mod host;
mod images;
mod layout;
pub mod machine;
mod naming;
pub mod progress;
mod reservation;
mod tools;
mod triggers;
mod version;

pub use adapted::Adapted;
pub use compose::{
    Build, BuildSecret, Compose, Model, NamedVolume, Secret, Service, Target, Volume,
    with_dockerfile, with_fresh_stages, without_network,
};
pub use configuration::{Configuration, Step};
pub use disk::{Disk, StoredImage, StoredNetwork, prune_cache, unnamed_images, unused_networks};
pub use exporter::rewrites_timestamps;
pub use facts::{EngineFacts, insecure_registries, tool_version};
pub use host::{HostGpus, emulates, find_gpus, usable_acceleration};
pub use images::{Container, ContainerState, Image, Images, ListedContainer, local_socket};
pub use layout::{ExportedLayer, Layout};
pub use naming::{
    FAMILY_LABEL, INPUTS_LABEL, REVISION_LABEL, USER_INPUTS_LABEL, commit_tag, is_commit_tag,
    short_id,
};
pub use reservation::Reserved;
pub use tools::Tools;
pub use version::{OLDEST_BUILDX, OLDEST_COMPOSE, OLDEST_ENGINE, Version};
