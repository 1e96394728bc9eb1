//! The transcripts of docs/working-in-the-container.md, typed as they stand there.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::give_to_alice;
use crate::ssh::Person;
use crate::workshop::{Ended, Workshop};

/// A line that a person types, and the lines that the page shows below it.
pub struct Step {
    pub typed: String,
    pub shown: Vec<String>,
}

/// The transcripts of a page.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").expect("its end");
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(typed) => steps.push(Step {
                    typed: typed.to_owned(),
                    shown: Vec::new(),
                }),
                None => steps
                    .last_mut()
                    .expect("a command")
                    .shown
                    .push(line.to_owned()),
            }
        }
    }
    steps
}

/// Whether a text is as the page shows it: `…` at the end of a line stands for any rest of it, and
/// on a line of its own for any further lines. How wide columns are is not compared.
fn is_as_shown(text: &str, shown: &[String]) -> bool {
    let mut lines = text.lines();
    for line in shown {
        if line == "…" {
            return true;
        }
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(found) = lines.next().map(words) else {
            return false;
        };
        let expected = words(line.trim_end_matches('…'));
        let same = if line.ends_with('…') {
            found.starts_with(&*expected)
        } else {
            found == expected
        };
        if !same {
            return false;
        }
    }
    lines.next().is_none()
}

/// The page, as it is for the project of a shop; with the section of this heading alone, or without
/// it.
fn page(shop: &Workshop, heading: &str, alone: bool) -> String {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/working-in-the-container.md"
    );
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (before, rest) = page.split_once(heading).expect("the heading");
    let (section, after) = rest.split_once("\n## ").expect("another heading");
    let wanted = match alone {
        true => section.to_owned(),
        false => format!("{before}{after}"),
    };
    wanted.replace("my-project", &shop.project)
}

/// The section of another project, with more installed.
const JUPYTER: &str = "\n## Jupyter\n";

/// Types what the section on Jupyter shows, where it is as on a terminal: data and talk together.
pub fn type_section_on_jupyter(shop: &Workshop) {
    let steps = steps(&page(shop, JUPYTER, true));
    assert!(steps.len() > 1, "the section has its transcript");
    for step in steps {
        let typed = format!("exec 2>&1; {}", step.typed);
        type_step(shop, &Step { typed, ..step }, &path(), None);
    }
}

/// Where programs are found, envtpl first.
pub fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_envtpl"));
    format!(
        "{}:{}",
        program.parent().expect("a directory").display(),
        std::env::var("PATH").expect("a path")
    )
}

/// Types one step, as this person if it is a certain one.
fn type_step(shop: &Workshop, step: &Step, path: &str, person: Option<&Person>) {
    let ended = Command::new("sh")
        .args(["-ec", &step.typed])
        .current_dir(shop.root())
        .env("PATH", path)
        .envs(person.map(Person::variables).into_iter().flatten())
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    let ended = Ended::of(ended).expect(0);
    if let Some(person) = person
        && ended.stderr.contains("\nHost ")
    {
        person.learn(&ended.stderr);
    }
    assert!(
        is_as_shown(&ended.stdout, &step.shown),
        "$ {}\n{}\nthe page shows\n{}",
        step.typed,
        ended.stdout,
        step.shown.join("\n")
    );
}

#[test]
fn the_transcripts_can_be_typed_one_after_the_other() {
    let shop = Workshop::new("working");
    shop.write("dependencies/apt-dev.txt", "sudo\nopenssh-server\n");
    give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    // The person's ~/.ssh/config, which this machine's own ssh would look for in another home.
    let person = Person::new();
    let steps = steps(&page(&shop, JUPYTER, false));
    assert!(steps.len() > 10, "the page has its transcripts");
    let path = format!("{}:{}", person.clients().display(), path());
    for step in steps {
        type_step(&shop, &step, &path, Some(&person));
    }
}
