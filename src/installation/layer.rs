//! The two layers that images are built in.

use serde::Serialize;

use crate::installation::flavour::Flavour;

/// Which layer of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The images for everybody.
    Generic,
    /// The thin layer with the person's user.
    User,
}

impl Layer {
    /// The Compose service that builds the image of a flavour.
    pub fn service(self, flavour: Flavour) -> String {
        match self {
            Self::Generic => format!("image-{flavour}-root"),
            Self::User => format!("image-{flavour}-user"),
        }
    }
}

/// As commands and settings call it.
impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Generic => "generic",
            Self::User => "user",
        })
    }
}
