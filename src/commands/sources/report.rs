//! What is told of an installation's files.

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::sources::scene::Scene;
use crate::environment::sources::{Artefact, Digest, State, Store, Unstorable};
use crate::error::Result;
use crate::files;
use crate::output::{Printer, amount};

/// How it stands for one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Standing {
    /// It is there and right.
    Right,
    /// It was missing, and is there and right now.
    Fetched,
    /// It is not there.
    Missing,
    /// It is there and something else.
    Wrong {
        /// What it is.
        why: String,
    },
    /// It could not be had.
    Failed {
        /// What each place said.
        why: Vec<String>,
    },
}

impl From<State> for Standing {
    fn from(state: State) -> Self {
        match state {
            State::Right => Self::Right,
            State::Missing => Self::Missing,
            State::Wrong(why) => Self::Wrong { why },
        }
    }
}

/// A file and how it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The file.
    #[serde(flatten)]
    pub artefact: Artefact,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// What is told of one installation.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The installation.
    pub installation: String,
    /// The store's directory.
    pub store: PathBuf,
    /// The files.
    pub files: Vec<Row>,
    /// What has no file that could be kept.
    pub unstorable: Vec<Unstorable>,
}

impl Report {
    /// A report on an installation, from how each digest stands.
    pub fn new(scene: &Scene<'_>, mut standing: impl FnMut(&Digest) -> Standing) -> Self {
        let files = scene.inventory.artefacts.iter();
        Self {
            installation: scene.installation.name().to_string(),
            store: scene.store.directory().to_owned(),
            files: files
                .map(|artefact| Row {
                    standing: standing(&artefact.digest),
                    artefact: artefact.clone(),
                })
                .collect(),
            unstorable: scene.inventory.unstorable.clone(),
        }
    }

    /// How many files are in order.
    pub fn right(&self) -> usize {
        let good = |row: &&Row| matches!(row.standing, Standing::Right | Standing::Fetched);
        self.files.iter().filter(good).count()
    }

    /// Whether every file is in order, and every package has one.
    pub fn is_complete(&self) -> bool {
        self.right() == self.files.len() && self.unstorable.is_empty()
    }

    /// What is not in order, a line each; the worst first.
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<(u8, String)> = Vec::new();
        for Row { artefact, standing } in &self.files {
            let fault = match standing {
                Standing::Right | Standing::Fetched => continue,
                Standing::Wrong { why } => (0, why.clone()),
                Standing::Failed { why } => (1, why.join("; ")),
                Standing::Missing => (3, "it is not in the store".to_owned()),
            };
            faults.push((fault.0, format!("{artefact}: {}", fault.1)));
        }
        let unstorable = self.unstorable.iter();
        faults.extend(unstorable.map(|one| (2, one.to_string())));
        faults.sort_by_key(|(rank, _)| *rank);
        faults.into_iter().map(|(_, fault)| fault).collect()
    }

    /// For people: one line.
    pub fn summary(&self) -> String {
        let fetched: Vec<&Row> = self
            .files
            .iter()
            .filter(|row| row.standing == Standing::Fetched)
            .collect();
        let total = self.files.len() + self.unstorable.len();
        let mut text = format!(
            "{}: {} of {total} files in the store",
            self.installation,
            self.right()
        );
        if !fetched.is_empty() {
            let store = Store::at(&self.store);
            let sizes = fetched.iter().map(|row| store.path(&row.artefact.digest));
            let bytes: u64 = sizes.filter_map(|path| files::size(&path)).sum();
            let amount = amount(bytes as f64);
            text.push_str(&format!(", {} of them new ({amount})", fetched.len()));
        }
        text.push('\n');
        text
    }
}

/// Prints reports: data on standard output, what is not in order on standard error.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(printer: &Printer, reports: &Vec<Report>) -> Result<()> {
    printer.report(reports, |reports| {
        reports.iter().map(Report::summary).collect()
    })?;
    for fault in reports.iter().flat_map(Report::faults) {
        printer.warn(fault);
    }
    Ok(())
}
