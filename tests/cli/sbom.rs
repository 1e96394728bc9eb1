//! `envtpl sbom`.
#![expect(clippy::disallowed_methods, reason = "tests take images away")]

use serde_json::Value;

use crate::desk::Desk;
use crate::packages::Packages;

const NOTES: &str = "\u{1e}notes\n\
    apt\tlibgl1\t1.6\tamd64\tlibglvnd\t1.6\tbash (>= 5)\t\n\
    {\"kind\":\"python\",\"name\":\"numpy\",\"version\":\"1.26.4\",\"licence\":\"Copyright NumPy\\nAll rights\"}\n\
    {\"kind\":\"python\",\"name\":\"helper\",\"version\":\"1.0\",\"expression\":\"MIT OR Apache-2.0\"}\n";

/// An image whose databases say more than names and versions.
fn packages() -> Packages {
    let packages = Packages::new();
    packages.ready();
    let said = std::fs::read_to_string(packages.answers().join("run")).expect("read");
    packages.answer("run", &(said + NOTES));
    packages
}

fn json(desk: &Desk, file: &str) -> Value {
    serde_json::from_str(&desk.text(file)).expect("JSON")
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut found = list.as_array().expect("a list").iter();
    let found = found.find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn both_formats_say_the_same_of_each_package() {
    let packages = packages();
    let desk = &packages.desk;
    let both = ["sbom", "-o", "a.spdx.json", "-o", "a.cdx.json"];
    let written = desk.envtpl(&[&both[..], &["--format", "json"]].concat());
    let written = written.expect(0).json();
    assert_eq!(written["packages"], 5);
    assert_eq!(written["files"][1]["spec"], "cyclonedx");
    // The image was asked once.
    let asked = std::fs::read_to_string(packages.answers().join("asked")).expect("read");
    let starts = asked.lines().filter(|line| line.starts_with("run "));
    assert_eq!(starts.count(), 1, "{asked}");

    let spdx = json(desk, "a.spdx.json");
    let numpy = named(&spdx["packages"], "numpy");
    assert_eq!(
        numpy["downloadLocation"],
        "https://files/numpy-1.26.4-py3-none-any.whl"
    );
    let sha256 = crate::packages::sha256_of("numpy");
    assert_eq!(numpy["checksums"][0]["checksumValue"], sha256.as_str());
    let text = &spdx["hasExtractedLicensingInfos"][0];
    assert_eq!(numpy["licenseDeclared"], text["licenseId"]);
    assert_eq!(text["extractedText"], "Copyright NumPy\nAll rights");
    let helper = named(&spdx["packages"], "helper");
    assert_eq!(helper["licenseDeclared"], "MIT OR Apache-2.0");
    let needs = serde_json::json!({
        "spdxElementId": numpy["SPDXID"],
        "relationshipType": "DEPENDS_ON",
        "relatedSpdxElement": helper["SPDXID"],
    });
    let relations = spdx["relationships"].as_array().expect("a list");
    assert!(relations.contains(&needs), "{relations:?}");
    let pip = named(&spdx["packages"], "pip");
    assert_eq!(pip["comment"], "from the base image");
    assert_eq!(pip["checksums"], Value::Null);

    let cyclonedx = json(desk, "a.cdx.json");
    let numpy = named(&cyclonedx["components"], "numpy");
    assert_eq!(numpy["hashes"][0]["content"], sha256.as_str());
    assert_eq!(numpy["licenses"][0]["license"]["name"], "Copyright NumPy");
    let libgl = named(&cyclonedx["components"], "libgl1");
    assert_eq!(
        libgl["purl"],
        "pkg:deb/debian/libgl1@1.6?arch=amd64&distro=debian-12&upstream=libglvnd"
    );
    let dependencies = cyclonedx["dependencies"].as_array().expect("a list");
    let of_libgl = dependencies.iter().find(|one| one["ref"] == libgl["purl"]);
    let bash = &named(&cyclonedx["components"], "bash")["purl"];
    assert_eq!(&of_libgl.expect("there")["dependsOn"][0], bash);
}

#[test]
fn a_document_is_the_data_and_its_time_is_the_images_or_the_one_that_is_set() {
    let packages = packages();
    let desk = &packages.desk;
    packages.answer(
        "images/amd64-cpu-run-latest-root",
        r#"[{"Id": "sha256:amd64-cpu-run-latest-root", "Created": "2026-01-02T03:04:05.6Z"}]"#,
    );
    let plain = desk.envtpl(&["sbom"]).expect(0);
    assert_eq!(plain.stderr, "");
    let created = |document: &Value| document["creationInfo"]["created"].clone();
    assert_eq!(created(&plain.json()), "2026-01-02T03:04:06Z");
    // `-o -` is the same, `--format json` changes nothing: it is JSON already.
    let same = desk.envtpl(&["sbom", "-o", "-", "--format", "json"]);
    assert_eq!(same.expect(0).stdout, plain.stdout);
    let set = desk.envtpl_with(("SOURCE_DATE_EPOCH", "86400"), &["sbom"]);
    let set = set.expect(0).json();
    assert_eq!(created(&set), "1970-01-02T00:00:00Z");
    assert_ne!(set["documentNamespace"], plain.json()["documentNamespace"]);
    desk.envtpl_with(("SOURCE_DATE_EPOCH", "tomorrow"), &["sbom"])
        .expect(2)
        .says("SOURCE_DATE_EPOCH is `tomorrow`, which is no time");
}

#[test]
fn what_cannot_be_written_is_said_before_the_image_is_asked() {
    let packages = packages();
    let desk = &packages.desk;
    for (arguments, words) in [
        (&["-o", "x.json"][..], "does not say its format"),
        (&["-o", "x.cdx.json", "--spec", "spdx"], "another format"),
        (&["-o", "a.cdx.json", "-o", "./a.cdx.json"], "both go to"),
        (&["-o", "no/x.spdx.json"], "there is no directory"),
        (&["image", "--flavour", "dev"], "cannot be used with"),
    ] {
        let arguments = [&["sbom"], arguments].concat();
        desk.envtpl(&arguments).expect(2).says(words);
    }
    assert!(!packages.answers().join("asked").exists());
    let plan = desk.envtpl(&["sbom", "-o", "x.cdx.json", "--dry-run"]);
    let plan = plan.expect(0).says("Would write");
    plan.prints("docker run --rm --interactive --network=none");
    assert!(!desk.has("x.cdx.json"));
}

#[test]
fn an_image_that_is_not_there_is_named_with_what_brings_it() {
    let packages = packages();
    let desk = &packages.desk;
    std::fs::remove_file(packages.answers().join("images/amd64-cpu-run-latest-root"))
        .expect("removed");
    desk.envtpl(&["sbom"])
        .expect(3)
        .says("envtpl build-generic -i amd64-cpu");
    desk.envtpl(&["sbom", "lab/other:1"])
        .expect(3)
        .says("there is no image `lab/other:1`")
        .says("docker pull lab/other:1");
}
