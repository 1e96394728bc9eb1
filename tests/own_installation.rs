//! This project's own environments in `installation/` are what envtpl renders today.
//!
//! After a change of the templates: `UPDATE=1 cargo test --test own_installation`.
#![expect(clippy::disallowed_methods, reason = "tests read files")]

use std::path::Path;

use envtpl::templates::render;
use envtpl::templates::{RECORD, Record};

/// Declared files are a person's own from the start.
fn is_declared(path: &str) -> bool {
    path.starts_with("dependencies/") && !path.starts_with("dependencies/locked/")
}

#[test]
fn the_files_are_what_the_templates_give() {
    let update = std::env::var_os("UPDATE").is_some();
    let installations = Path::new(env!("CARGO_MANIFEST_DIR")).join("installation");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&installations).expect("there are some") {
        let directory = entry.expect("readable").path();
        let record = Record::read(&directory)
            .expect("readable")
            .expect("envtpl wrote it");
        let rendered = render::installation(&record.answers).expect("rendered");
        let again = Record::new(record.answers.clone(), &rendered)
            .and_then(|record| record.to_text())
            .expect("a record");
        let files = rendered
            .iter()
            .filter(|(path, _)| !is_declared(path))
            .map(|(path, file)| (path.as_str(), file.bytes.clone()))
            .chain([(RECORD, again.into_bytes())]);
        for (path, bytes) in files {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let there = root.join(render::place(&record.answers.installation, path));
            if update {
                std::fs::create_dir_all(there.parent().expect("a directory")).expect("made");
                std::fs::write(&there, &bytes).expect("written");
            }
            assert!(
                std::fs::read(&there).ok().as_ref() == Some(&bytes),
                "{} is not what the templates give; see the head of this test",
                there.display()
            );
        }
        seen.push(record.answers.installation.to_string());
    }
    seen.sort();
    assert_eq!(seen, ["amd64-cpu", "arm64-cpu"]);
}
