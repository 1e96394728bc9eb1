//! The two flavours that every image comes in.

/// The two flavours of an image.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// For unattended jobs.
    Run,
    /// Adds the development tools.
    Dev,
}

impl Flavour {
    /// Both, in the order they are shown in.
    pub const ALL: [Self; 2] = [Self::Run, Self::Dev];
}

impl std::fmt::Display for Flavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Run => "run",
            Self::Dev => "dev",
        })
    }
}
