//! Images in registries: what they are called, how one logs in, what one may do there, why they
//! refuse, manifests and blobs.
//!
//! Source: the OCI distribution specification 1.1, and the token protocol of Docker's registry
//! ("Token Authentication Specification", "Token Scope Documentation").

mod authorization;
mod blobs;
mod challenge;
mod host;
mod login;
mod manifests;
mod reason;
mod refusal;
mod repository;
mod session;
mod trust;

pub use host::Host;
pub use login::Login;
pub use manifests::{Manifest, MediaType, digest_of};
pub use reason::{Asked, Reason};
pub use refusal::Refusal;
pub use repository::Repository;
pub use session::{Access, Session};
pub use trust::Trust;
