//! Options of the commands that build.

/// Options of the commands that build.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BuildArgs {
    /// Set a build argument of the Dockerfile for this build alone
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    pub build_args: Vec<String>,

    /// Build a side stage too, such as tests; the build fails if it fails
    #[arg(long = "with", value_name = "STAGE")]
    pub with: Vec<String>,

    /// Build this stage instead of the images
    #[arg(long, value_name = "STAGE", conflicts_with = "with")]
    pub stage: Option<String>,

    /// Refuse to build when something is declared that the lock does not hold; for CI
    #[arg(long)]
    pub locked: bool,

    /// Run every step again
    #[arg(long)]
    pub no_cache: bool,

    /// Run the steps of this stage again, and take the others from the cache
    #[arg(long, value_name = "STAGE", conflicts_with = "no_cache")]
    pub fresh: Vec<String>,

    /// Build without any network, from what `envtpl sources fetch` keeps
    #[arg(long)]
    pub offline: bool,

    /// Build from files that are not committed; the commit tag then ends in `-dirty`
    #[arg(long)]
    pub allow_dirty: bool,

    /// Commit this installation's files first
    #[arg(long, conflicts_with = "allow_dirty")]
    pub commit: bool,
}

impl BuildArgs {
    /// The same for another Dockerfile, which does not have these stages.
    pub fn without_stages(&self) -> Self {
        Self {
            with: Vec::new(),
            stage: None,
            fresh: Vec::new(),
            ..self.clone()
        }
    }

    /// The same for another Dockerfile, which does not know these build arguments.
    pub fn without_build_args(&self) -> Self {
        Self {
            build_args: Vec::new(),
            ..self.clone()
        }
    }
}
