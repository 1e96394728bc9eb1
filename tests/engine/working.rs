//! The transcripts of docs/working-in-the-container.md, typed as they stand there.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::give_to_alice;
use crate::ssh::Person;
use crate::workshop::{Ended, Workshop};

/// A line that a person types, and the lines that the page shows below it.
struct Step {
    typed: String,
    shown: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
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
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let Some(found) = lines.next().map(words) else {
            return false;
        };
        let expected = words(line.trim_end_matches('…'));
        let same = if line.ends_with('…') {
            found.starts_with(&expected)
        } else {
            found == expected
        };
        if !same {
            return false;
        }
    }
    lines.next().is_none()
}

#[test]
fn the_transcripts_can_be_typed_one_after_the_other() {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/working-in-the-container.md"
    );
    let page = std::fs::read_to_string(page).expect("the page is there");
    let shop = Workshop::new("working");
    shop.write("dependencies/apt-dev.txt", "sudo\nopenssh-server\n");
    give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    let page = page.replace("my-project", &shop.project);
    let program = Path::new(env!("CARGO_BIN_EXE_envtpl"));
    // The person's ~/.ssh/config, which this machine's own ssh would look for in another home.
    let person = Person::new();
    let clients = person.clients();
    let path = format!(
        "{}:{}:{}",
        clients.display(),
        program.parent().expect("a directory").display(),
        std::env::var("PATH").expect("a path")
    );
    let steps = steps(&page);
    assert!(steps.len() > 10, "the page has its transcripts");
    for step in steps {
        let ended = Command::new("sh")
            .args(["-ec", &step.typed])
            .current_dir(shop.root())
            .env("PATH", &path)
            .envs(person.variables())
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        let ended = Ended::of(ended).expect(0);
        if ended.stderr.contains("\nHost ") {
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
}
