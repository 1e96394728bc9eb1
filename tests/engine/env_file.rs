//! `--env-file` against the engine's own.

use crate::workshop::{Ended, Workshop, docker};

#[test]
fn a_file_of_variables_means_what_docker_makes_of_it() {
    let shop = Workshop::new("env-file");
    crate::run::give_to_alice(shop.root());
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    let file = shop.root().join("keys.env");
    let text = "\u{feff}PLAIN=1\n\n  # a comment\n\tQUOTED= 'as it is' \"and so\" # all of it \r\n\
                EMPTY=\nEQUALS=x=y\nHOME_OF=$HOME ${PATH} $$ `id` \\n\nLETTERS=süß €\n\
                OUTSIDE\nNOT_THERE\nmy.name-1=odd\nPLAIN=2\nKEY=sesame\nTZ=Asia/Tokyo";
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("text");

    // Neither entrypoint nor shell stands between the variables and the answer.
    let image = shop.tag("run-latest-alice");
    let options = ["run", "--rm", "--network=none", "--entrypoint=env"];
    let options = [
        &options[..],
        &["--env=OUTSIDE=a b", "--env-file", path, &image],
    ]
    .concat();
    let expected = docker(&options).expect(0);
    let names = [
        "PLAIN",
        "QUOTED",
        "EMPTY",
        "EQUALS",
        "HOME_OF",
        "LETTERS",
        "OUTSIDE",
        "NOT_THERE",
        "my.name-1",
        "KEY",
        "TZ",
    ];
    let chosen = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| {
            line.split_once('=')
                .is_some_and(|(name, _)| names.contains(&name))
        });
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let envtpl = |options: &[&str]| {
        let arguments = [
            &["run", "--entrypoint=env", "--env-file", path],
            options,
            &["env"],
        ]
        .concat();
        let mut command = shop.command(&arguments);
        Ended::run(
            command
                .env("OUTSIDE", "a b")
                .stdin(std::process::Stdio::null()),
        )
        .expect(0)
    };
    let got = envtpl(&[]);
    assert_eq!(chosen(&got.stdout), chosen(&expected.stdout));
    assert_eq!(chosen(&got.stdout).len(), names.len() - 1);

    // What is said on the command line goes before the file.
    let got = envtpl(&["-e", "PLAIN=3"]);
    assert!(
        got.stdout.lines().any(|line| line == "PLAIN=3"),
        "{}",
        got.stdout
    );

    let again = shop
        .command(&["rerun", "1"])
        .env("OUTSIDE", "a b")
        .output()
        .expect("envtpl runs");
    let again = Ended::of(again).expect(0);
    assert_eq!(chosen(&again.stdout), chosen(&expected.stdout));
    let runs = std::fs::read_to_string(shop.root().join(".envtpl/runs.jsonl")).expect("there");
    assert!(
        !runs.contains("sesame") && runs.contains("keys.env"),
        "{runs}"
    );
    let left = shop.root().join(".envtpl/start");
    assert_eq!(std::fs::read_dir(left).expect("there").count(), 0);
}
