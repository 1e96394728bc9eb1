//! The verdict, as it is printed and kept.

use serde::{Deserialize, Serialize};

use crate::commands::verify::bits::Bits;
use crate::environment::lock;
use crate::environment::verdict::Judgement;
use crate::error::{Error, Result};
use crate::files;
use crate::installation::flavour::Flavour;
use crate::project::{Installation, Project, Revision};

/// The form of the file that is written.
const SCHEMA: u32 = 1;

/// What a verification found, when, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The form of the file.
    pub schema: u32,
    /// The installation.
    pub installation: String,
    /// When, RFC 3339 in UTC.
    pub date: String,
    /// The outcome.
    pub verdict: Outcome,
    /// The commit of the installation's files, with `-dirty` when more than it was built; empty
    /// without one.
    pub revision: String,
    /// `sha256:…` of `envtpl.lock`.
    pub lock: String,
    /// The images that were built and compared.
    pub images: Vec<TriedImage>,
    /// What was found.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// What two more builds made, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<Bits>,
}

/// The outcome in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything is the same.
    Reproduced,
    /// Something differs.
    Different,
}

/// An image that was built to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedImage {
    /// Its flavour.
    pub flavour: Flavour,
    /// Its id; it has been removed since.
    pub rebuilt: String,
    /// The digests of its layers.
    pub layers: Vec<String>,
    /// The id of the image that people use, if there is one.
    pub present: Option<String>,
    /// Whether the two were compared: they are made of the same files.
    pub compared: bool,
}

impl Verdict {
    /// The verdict of now.
    ///
    /// # Errors
    /// When the clock shows an impossible time.
    pub fn new(
        installation: &Installation,
        revision: &Revision,
        lock: &str,
        images: Vec<TriedImage>,
        judgement: Judgement,
    ) -> Result<Self> {
        let seconds = jiff::Timestamp::now().as_second();
        let date = jiff::Timestamp::from_second(seconds).map_err(|source| {
            Error::failed("the clock shows an impossible time").because(source)
        })?;
        Ok(Self {
            schema: SCHEMA,
            installation: installation.name().to_string(),
            date: date.to_string(),
            verdict: if judgement.is_reproduced() {
                Outcome::Reproduced
            } else {
                Outcome::Different
            },
            revision: revision.label(false),
            lock: digest(lock),
            images,
            judgement,
            bits: None,
        })
    }

    /// Keeps it below `.envtpl/`, in the place of the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, project: &Project) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|source| Error::failed("cannot write the verdict").because(source))?;
        json.push(b'\n');
        files::keep(project.root(), path(&self.installation), &json)
    }

    /// The verdict on the lock as it is now; `None` when there is none, or it is on another lock.
    pub fn of(project: &Project, installation: &Installation) -> Option<Self> {
        let name = installation.name().to_string();
        let kept = project
            .root()
            .join(files::STATE_DIRECTORY)
            .join(path(&name));
        let verdict: Self = serde_json::from_slice(&files::read(&kept).ok()?).ok()?;
        let lock = files::read_text(&installation.path(lock::FILE)).ok()?;
        (verdict.lock == digest(&lock)).then_some(verdict)
    }
}

fn path(installation: &str) -> String {
    format!("verdicts/{installation}.json")
}

fn digest(lock: &str) -> String {
    format!("sha256:{}", files::digest(lock.as_bytes()))
}
