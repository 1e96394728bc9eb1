//! A scanner of secrets that looks at all layers of an image, its history and its settings.

use std::process::Command;

use serde_json::Value;

use crate::workshop::{BASE, Ended, docker, image_name};

/// What tests plant where secrets come in. What keys of known services look like the scanner knows
/// by itself.
const RULES: &str = "rules:\n  - id: planted\n    category: general\n    title: planted\n    \
                     severity: CRITICAL\n    regex: 's3cret-word|local-1f0e2d3c4b5a'\n";

/// The secrets in an image, each with the file that holds it.
pub fn secrets(image: &str) -> Vec<String> {
    let scanner = std::env::var("ENVTPL_TEST_TRIVY").expect("scripts/test.sh brings the scanner");
    let directory = tempfile::tempdir().expect("a directory");
    let rules = directory.path().join("rules.yaml");
    std::fs::write(&rules, RULES).expect("written");
    let mut scan = Command::new(scanner);
    scan.args(["image", "--scanners", "secret"])
        .args(["--image-config-scanners", "secret", "--secret-config"])
        .arg(&rules)
        .args(["--format", "json", "--quiet", "--offline-scan"])
        .args(["--cache-backend", "memory", "--cache-dir"])
        .arg(directory.path())
        .arg(image);
    let report = Ended::run(&mut scan).expect(0).json();
    let lists = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for place in lists(&report, "Results") {
        for secret in lists(&place, "Secrets") {
            found.push(format!("{} in {}", secret["RuleID"], place["Target"]));
        }
    }
    found
}

/// One that finds nothing anywhere would be of no use.
#[test]
fn the_scanner_finds_what_a_layer_hides_and_what_the_settings_tell() {
    let image = format!("{}:planted", image_name("scanner"));
    let directory = tempfile::tempdir().expect("a directory");
    let token = format!("hf_{}", "aBcDeFgHiJ".repeat(3) + "kLmN");
    let dockerfile = format!(
        "FROM {BASE}\nENV KEY=s3cret-word\nRUN echo {token} >/srv/token\nRUN rm /srv/token\n"
    );
    std::fs::write(directory.path().join("Dockerfile"), dockerfile).expect("written");
    let context = directory.path().to_string_lossy().into_owned();
    docker(&["build", "--quiet", "--tag", &image, &context]).expect(0);
    let found = secrets(&image);
    docker(&["image", "rm", "--force", &image]).expect(0);
    for what in [
        "\"hugging-face-access-token\" in \"/srv/token\"",
        "\"planted\" in ",
    ] {
        assert!(found.iter().any(|one| one.contains(what)), "{found:?}");
    }
}
