//! Images on the move: what the commands that push and pull have in common.

mod announcement;
mod differing;
mod index;
mod permission;
mod place;
mod pulling;
mod pushing;
mod report;
mod stack;
mod standing;
mod transfer;

use place::Place;
use standing::Standing;

pub use pulling::{PullArgs, pull};
pub use pushing::{PushArgs, push};
