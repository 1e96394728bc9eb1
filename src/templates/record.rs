//! `.envtpl-record.yaml`: what rendered an installation directory.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{ObjectType, Oid, Repository};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};
use crate::files;
use crate::templates::answers::Answers;
use crate::templates::render::{self, Files};

/// The name of the file, in the installation directory.
pub const RECORD: &str = ".envtpl-record.yaml";

const SCHEMA: u32 = 1;

const HEADING: &str =
    "# Written by envtpl, for `envtpl edit-platform` and `envtpl check`; not meant to be edited.
# From these answers the files were rendered; `files` are their git blob ids as rendered, so that
# later commands can tell your edits from what envtpl wrote. Commit it with the other files.
";

/// What rendered an installation directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    schema: u32,
    /// The version of envtpl that rendered the files.
    pub envtpl: String,
    /// What they were rendered with.
    pub answers: Answers,
    /// The git blob id of each file as rendered.
    pub files: BTreeMap<String, String>,
}

/// What envtpl wrote in the past, as well as it is known today.
#[derive(Debug)]
pub enum Written {
    /// These bytes.
    Known(Vec<u8>),
    /// Other bytes than today's envtpl renders, and git has no copy of them; their blob id.
    Lost(String),
}

impl Record {
    /// The record for files that were rendered just now.
    ///
    /// # Errors
    /// When git's hash cannot be computed.
    pub fn new(answers: Answers, rendered: &Files) -> Result<Self> {
        let files = rendered
            .iter()
            .map(|(path, file)| Ok((path.clone(), blob_id(&file.bytes)?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            schema: SCHEMA,
            envtpl: env!("CARGO_PKG_VERSION").to_owned(),
            answers,
            files,
        })
    }

    /// Reads the record of an installation directory; `None` when it has none.
    ///
    /// # Errors
    /// `Usage` when it cannot be understood.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(RECORD);
        match files::read_text_if_exists(&path)? {
            Some(text) => Self::parse(&path, &text).map(Some),
            None => Ok(None),
        }
    }

    /// Understands the text of a record.
    ///
    /// # Errors
    /// `Usage` when it cannot be understood.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let record: Self = serde_yaml::from_str(text).map_err(|source| {
            let place = match source.location() {
                Some(location) => Place::line(path, text, location.line()),
                None => Place::file(path),
            };
            Error::usage(format!("`{RECORD}` cannot be read"))
                .at(place)
                .because(source)
                .help("it is written by envtpl: take it back from git (`git checkout -- …`)")
        })?;
        if record.schema != SCHEMA {
            return Err(Error::usage(format!(
                "`{RECORD}` was written by a newer envtpl ({})",
                record.envtpl
            ))
            .at(Place::file(path))
            .help("use that version or a later one"));
        }
        Ok(record)
    }

    /// The record as a file.
    ///
    /// # Errors
    /// When it cannot be written as YAML.
    pub fn to_text(&self) -> Result<String> {
        let text = serde_yaml::to_string(self)
            .map_err(|source| Error::failed("cannot write the record").because(source))?;
        Ok(format!("{HEADING}{text}"))
    }

    /// What the recorded envtpl wrote: what today's renders from the same answers, where that is
    /// the same; otherwise what git keeps under the recorded id. `git` is a directory in the
    /// repository.
    ///
    /// # Errors
    /// When rendering fails.
    pub fn written(&self, git: &Path) -> Result<BTreeMap<String, Written>> {
        let rendered = render::installation(&self.answers)?;
        let mut repository = None;
        let mut written = BTreeMap::new();
        for (path, id) in &self.files {
            let same = match rendered.get(path) {
                Some(file) if blob_id(&file.bytes)? == *id => Some(file.bytes.clone()),
                _ => {
                    let repository =
                        repository.get_or_insert_with(|| Repository::discover(git).ok());
                    stored(repository.as_ref(), id)
                }
            };
            let same = same.map_or_else(|| Written::Lost(id.clone()), Written::Known);
            written.insert(path.clone(), same);
        }
        Ok(written)
    }
}

fn stored(repository: Option<&Repository>, id: &str) -> Option<Vec<u8>> {
    let blob = repository?.find_blob(Oid::from_str(id).ok()?).ok()?;
    Some(blob.content().to_vec())
}

/// The id that git gives a file with these bytes.
///
/// # Errors
/// When git's hash cannot be computed.
pub fn blob_id(bytes: &[u8]) -> Result<String> {
    Oid::hash_object(ObjectType::Blob, bytes)
        .map(|id| id.to_string())
        .map_err(|source| Error::failed("cannot compute a git blob id").because(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_one_that_git_gives() {
        assert_eq!(
            blob_id(b"hello\n").expect("an id"),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
    }
}
