//! `envtpl sbom`, beside what another tool sees in the same image.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::workshop::{Ended, Workshop};

const PAGE: &str = include_str!("../../docs/sbom.md");

const CHECK: &str = include_str!("sbom_check.py");

fn program(name: &str) -> PathBuf {
    let directory = std::env::var("ENVTPL_TEST_SBOM").expect("scripts/test.sh brings the programs");
    PathBuf::from(directory).join("bin").join(name)
}

/// What those say who know the formats; nothing when all is well.
fn wrong_in(shop: &Workshop, files: &[&str]) -> String {
    let mut check = Command::new(program("python"));
    check.args(["-c", CHECK]).args(files);
    Ended::run(check.current_dir(shop.root())).expect(0).stdout
}

fn document(shop: &Workshop, name: &str) -> Value {
    let text = std::fs::read(shop.root().join(name)).expect("written");
    serde_json::from_slice(&text).expect("JSON")
}

/// The package URLs of Debian's and Python's packages; what follows `?` is told more or less.
fn purls<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let purls = values
        .into_iter()
        .filter_map(|value| value["purl"].as_str());
    purls
        .filter(|purl| purl.starts_with("pkg:deb/") || purl.starts_with("pkg:pypi/"))
        .map(|purl| purl.split('?').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn an_image_is_made_of_what_another_tool_sees_in_it() {
    let shop = Workshop::new("sbom");
    shop.envtpl(&["build-generic"]).expect(0);
    let (_, block) = PAGE.split_once("```sh\n").expect("commands");
    let (block, _) = block.split_once("```").expect("their end");
    for line in block.lines() {
        let (command, _) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let ended = shop.envtpl(&words).expect(0);
        let files = words.iter().filter(|word| **word == "-o").count();
        assert_eq!(ended.stdout.lines().count(), files, "{}", ended.stdout);
    }
    let (spdx, cyclonedx) = ("run.spdx.json", "run.cdx.json");
    let odd = "a name é.spdx.json";
    shop.envtpl(&["sbom", "-o", odd]).expect(0);
    assert_eq!(wrong_in(&shop, &[spdx, cyclonedx, odd]), "");
    let dev = document(&shop, "dev-image.json").to_string();
    assert!(dev.contains("pkg:deb/debian/less@"), "{dev}");

    let mut syft = Command::new(program("syft"));
    let image = shop.tag("run-latest-root");
    syft.args([
        "--quiet",
        "--select-catalogers",
        "dpkg,python",
        "-o",
        "json",
    ]);
    let seen = Ended::run(syft.arg(&image)).expect(0).json();
    let seen = purls(seen["artifacts"].as_array().expect("a list"));
    let told = document(&shop, cyclonedx);
    let components = told["components"].as_array().expect("a list");
    assert_eq!(purls(components), seen);
    assert!(seen.contains("pkg:pypi/six@1.17.0"), "{seen:?}");

    let find = |name: &str| {
        let mut components = components.iter();
        let found = components.find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let six = find("six");
    assert_eq!(six["licenses"][0]["license"]["id"], "MIT");
    assert_eq!(six["hashes"][0]["alg"], "SHA-256");
    let jq = find("jq");
    assert_eq!(jq["hashes"][0]["content"].as_str().map(str::len), Some(64));
    let needs = told["dependencies"].as_array().expect("a list").iter();
    let of_jq = needs.clone().find(|one| one["ref"] == jq["purl"]);
    let of_jq = of_jq.expect("there")["dependsOn"].to_string();
    assert!(of_jq.contains("pkg:deb/debian/libjq1@"), "{of_jq}");
    let subject = &told["metadata"]["component"];
    assert_eq!(
        Some(subject["version"].to_string()),
        shop.id("run-latest-root").map(|id| format!("{id:?}"))
    );
    let commit = shop.git(&["rev-parse", "HEAD"]);
    assert_eq!(subject["pedigree"]["commits"][0]["uid"], commit.as_str());
    let base = &subject["pedigree"]["ancestors"][0]["name"];
    assert_eq!(base, crate::workshop::BASE);

    // The same image gives the same bytes, in whatever way it is asked for, but for its name.
    let again = shop.envtpl(&["sbom", "--spec", "cyclonedx"]).expect(0);
    let file = std::fs::read_to_string(shop.root().join(cyclonedx)).expect("written");
    assert_eq!(again.stdout, file);
    assert_eq!(again.stderr, "");
    let named = shop
        .envtpl(&["sbom", &image, "--spec", "cyclonedx"])
        .expect(0)
        .json();
    assert_eq!(named["components"], told["components"]);

    // What is said of the base is only true of an image that was built from these files.
    shop.append("dependencies/requirements.txt", "# another\n");
    let other = shop
        .envtpl(&["sbom", "--spec", "cyclonedx"])
        .expect(0)
        .json();
    let pedigree = &other["metadata"]["component"]["pedigree"];
    assert_eq!(pedigree["ancestors"], Value::Null);
}

#[test]
fn an_image_without_a_shell_is_told_apart_from_one_without_packages() {
    let image = format!("{}:empty", crate::workshop::image_name("sbom-empty"));
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(
        directory.path().join("Dockerfile"),
        "FROM scratch\nCOPY Dockerfile /\n",
    )
    .expect("written");
    let context = directory.path().to_string_lossy().into_owned();
    crate::workshop::docker(&["build", "--quiet", "--tag", &image, &context]).expect(0);
    let shop = Workshop::empty("sbom-empty", "amd64-cpu");
    let ended = shop.envtpl(&["sbom", &image]);
    crate::workshop::docker(&["image", "rm", "--force", &image]).expect(0);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (1, ""),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("has no shell"), "{}", ended.stderr);
}
