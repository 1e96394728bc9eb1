//! The commands of README.md work as they stand there.

use crate::workshop::{BASE, Workshop};

/// The commands of the first transcript, without comments.
fn commands() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))
        .expect("there is a README");
    let transcript = readme
        .split("```console\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("there is a transcript");
    transcript
        .lines()
        .filter_map(|line| line.strip_prefix("$ envtpl "))
        .map(|line| line.split("  #").next().unwrap_or(line))
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_transcript_can_be_typed_in_an_empty_repository() {
    let shop = Workshop::empty("readme", "amd64-cpu");
    let commands = commands();
    let verbs: Vec<&str> = commands.iter().map(|command| command[0].as_str()).collect();
    assert_eq!(
        verbs,
        ["init", "edit-platform", "build-user", "run", "freeze"]
    );
    for mut command in commands {
        if command[0] == "init" {
            // No registry offers the usual base where these tests run; and the transcript's
            // project is called what its directory is called.
            command
                .extend(["--base-image", BASE, "--project-name", "my-project"].map(str::to_owned));
        }
        let ended = shop.envtpl(&command).expect(0);
        match command[0].as_str() {
            "init" => {
                // So that the images are found and removed when the test ends.
                shop.set("IMAGE_NAME", &shop.image);
            }
            "run" => assert!(ended.stdout.starts_with("accuracy 0."), "{}", ended.stdout),
            _ => {}
        }
    }
    assert!(shop.root().join("outputs/digits.png").exists());
    assert!(shop.path("envtpl.lock").exists());
    let installations = shop.envtpl(&["ls", "--no-engine"]).expect(0).stdout;
    assert!(installations.contains("arm64-cpu") && !installations.contains("amd64-cuda"));
}
