//! From scratch: conda packages from a real channel, pip's on top.

use crate::workshop::{BARE, Workshop};

/// A project from scratch whose conda packages come from the tests' channel.
pub fn workshop(name: &str) -> Workshop {
    let channel = std::env::var("ENVTPL_TEST_CONDA_URL").expect("scripts/test.sh sets it");
    let files = std::env::var("ENVTPL_TEST_CONDA_DIR").expect("scripts/test.sh sets it");
    let digest = std::fs::read_to_string(format!("{files}/micromamba-linux-64.sha256"))
        .expect("the channel is made");
    let shop = Workshop::with(
        name,
        "amd64-cpu",
        &[
            "--from-base",
            "from-scratch",
            "--base-image",
            BARE,
            "--python",
            "3.11",
        ],
    );
    shop.write(
        "dependencies/environment.yml",
        "channels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - greet # no Python \
         package\n  - pip:\n      - six==1.17.0\n",
    );
    let base: String = shop
        .read("compose-base.yaml")
        .lines()
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            let (key, value) = match line.trim_start().split(':').next() {
                Some("CONDA_URL") => ("CONDA_URL", format!("{channel}/micromamba-linux-64")),
                Some("CONDA_SHA256") => ("CONDA_SHA256", digest.trim().to_owned()),
                _ => return format!("{line}\n"),
            };
            format!("{}{key}: \"{value}\"\n", &line[..indent])
        })
        .collect();
    shop.write("compose-base.yaml", &base);
    shop.set("CONDA_CHANNEL_ALIAS", &channel);
    shop.commit("conda");
    shop
}

#[test]
fn conda_packages_come_from_a_channel_and_pips_are_added_on_top() {
    let shop = workshop("scratch");
    shop.envtpl(&["build-user"]).expect(0);
    let versions = shop
        .envtpl(&[
            "run",
            "python",
            "-c",
            "import sys, six; print(sys.prefix, six.__version__)",
        ])
        .expect(0);
    assert!(
        versions.stdout.trim().ends_with(" 1.17.0"),
        "{}",
        versions.stdout
    );
    shop.in_image("run-latest-root", "true").expect(0);
    shop.envtpl(&["run", "greet"]).expect(0);

    // Bytes that do not have the digest that the file names never run.
    let base = shop.read("compose-base.yaml");
    let digest = base
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("CONDA_SHA256: "))
        .expect("a digest");
    let wrong = format!("\"{}\"", "0".repeat(64));
    shop.write("compose-base.yaml", &base.replace(digest, &wrong));
    shop.commit("another digest");
    let refused = shop.envtpl(&["build-generic"]).expect(1);
    assert!(refused.stderr.contains("sha256"), "{}", refused.stderr);
}
