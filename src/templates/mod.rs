//! What envtpl writes: the templates, rendered and recorded, and later changes merged with what
//! people have edited.

mod answers;
mod catalogue;
mod machine;
pub mod merge;
pub mod naming;
mod record;
pub mod render;
pub mod toolchain;

pub use answers::{Answers, Base, Choice, Conda, FromBase};
pub use catalogue::{Catalogue, Python, check_image, other_python};
pub use machine::Machine;
pub use record::{RECORD, Record, Written, blob_id};
