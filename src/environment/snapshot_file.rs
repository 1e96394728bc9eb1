//! The file that `update-env-file` writes in a container: what is installed there, with all that
//! its image recorded, so that a freeze needs neither the container nor the image.

use serde::{Deserialize, Serialize};

use crate::environment::contents::Contents;
use crate::environment::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;

/// The newest form of the file that is understood here.
const SCHEMA: u32 = 1;

/// What `kind` says in every such file.
const KIND: &str = "envtpl-snapshot";

/// A snapshot file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotFile {
    /// The installation that the image was built for.
    pub installation: String,
    /// The project that it was built for; images of older templates do not say.
    #[serde(default)]
    pub project: String,
    /// Which of the two images it was.
    pub flavour: Flavour,
    /// Where the container had the project; may be empty.
    #[serde(default, rename = "project_root_at")]
    pub project_root_at: String,
    /// When it was written, RFC 3339.
    #[serde(default)]
    pub taken: String,
    /// The base image.
    pub base: Snapshot,
    /// The run image; of it the system packages alone count.
    pub run: Option<Snapshot>,
    /// The dev image; a run image has no record of it.
    pub dev: Option<Snapshot>,
    /// The stage that built packages from source.
    pub apt_build: Option<Snapshot>,
    /// What the image's build resolved, as its record says (`pylock.toml`).
    #[serde(default)]
    pub resolved: String,
    /// Files that were changed since the image was built.
    pub contents: Option<Contents>,
    /// What is installed.
    pub now: Snapshot,
}

impl SnapshotFile {
    /// Reads a file; `name` is for messages.
    ///
    /// # Errors
    /// `Usage` when it is none, damaged or of a newer form.
    pub fn parse(json: &[u8], name: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            schema: u32,
            #[serde(default)]
            kind: String,
        }
        let none = || {
            Error::usage(format!("`{name}` is no snapshot of a container"))
                .help("write one in the container: `update-env-file`")
        };
        let form: Form = serde_json::from_slice(json).map_err(|source| none().because(source))?;
        if form.kind != KIND {
            return Err(none());
        }
        if form.schema > SCHEMA {
            return Err(Error::usage(format!(
                "`{name}` has form {}, and this envtpl knows forms up to {SCHEMA}",
                form.schema
            ))
            .help("use the version of envtpl that the image was made with, or a newer one"));
        }
        let file: Self = serde_json::from_slice(json).map_err(|source| none().because(source))?;
        // Each part says its own form.
        let parts = [Some(&file.base), file.run.as_ref(), file.dev.as_ref()];
        for part in parts.into_iter().flatten().chain([&file.now]) {
            part.check(name)?;
        }
        Ok(file)
    }

    /// What its image held when it was built, as far as the file says so.
    pub fn built(&self) -> Option<&Snapshot> {
        match self.flavour {
            Flavour::Run => self.run.as_ref(),
            Flavour::Dev => self.dev.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &str = r#"{"schema":1,"platform":"amd64"}"#;

    fn file(change: (&str, &str)) -> String {
        format!(
            r#"{{"schema":1,"kind":"envtpl-snapshot","installation":"amd64-cpu","project":"p",
            "flavour":"dev","project_root_at":"/project/p","taken":"2026-01-01T00:00:00Z",
            "base":{SNAPSHOT},"run":{SNAPSHOT},"dev":null,"apt-build":null,
            "contents":{{"schema":1,"distributions":[]}},"now":{SNAPSHOT}}}"#
        )
        .replacen(change.0, change.1, 1)
    }

    #[test]
    fn a_file_has_the_records_of_its_image() {
        let read = SnapshotFile::parse(file(("", "")).as_bytes(), "f.json").expect("read");
        assert_eq!(
            (read.installation.as_str(), read.flavour),
            ("amd64-cpu", Flavour::Dev)
        );
        assert_eq!(read.project_root_at, "/project/p");
        assert!(read.run.is_some() && read.dev.is_none());
    }

    #[test]
    fn what_is_no_such_file_is_told_with_what_makes_one() {
        for change in [
            ("envtpl-snapshot", "other"),
            ("\"schema\":1,\"kind\"", "\"schema\":2,\"kind\""),
            ("\"now\":{\"schema\":1", "\"now\":{\"schema\":7"),
            ("\"now\":", "\"then\":"),
            ("{", ""),
        ] {
            let error = SnapshotFile::parse(file(change).as_bytes(), "f.json").expect_err(change.1);
            assert!(error.message().contains("`f.json`"), "{error}");
            assert!(!error.helps().is_empty());
        }
        // What `snapshot.sh` alone prints says nothing of the image.
        let error = SnapshotFile::parse(SNAPSHOT.as_bytes(), "f.json").expect_err("plain");
        assert!(error.helps()[0].contains("update-env-file"), "{error}");
    }
}
