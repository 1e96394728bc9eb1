//! What a secret looks like, in addresses, names and command lines, so that whatever is shown or
//! kept has none.
//!
//! It stands below the doors, since whatever is said goes through here.

mod addresses;
mod names;
mod words;

pub use addresses::{
    has_secret, hidden, ranges, redact, user_information, without_login, without_secrets,
    without_user_information,
};
pub use names::{is_secret_name, is_token};
pub use words::{redact_command, redact_text, redact_value};

/// What stands for a secret; as pip has it.
pub const HIDDEN: &str = "****";
