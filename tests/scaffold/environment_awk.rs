//! `build-steps/environment.awk`, with every awk that is here: base images have different ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use serde_yaml::Value;

/// What the script writes from an environment file, or what it says when it refuses it.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    conda: String,
    pip: String,
    specs: String,
}

/// Runs the script with every awk; they must agree.
fn split(environment: &str) -> Result<Parts, String> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/templates/installation/common/build-steps/environment.awk"
    );
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("environment.yml"), environment).expect("written");
    let read = |name: &str| fs::read_to_string(path(name)).expect("written by awk");
    let mut found: Vec<Result<Parts, String>> = Vec::new();
    for awk in [
        &["awk"][..],
        &["mawk"],
        &["gawk"],
        &["original-awk"],
        &["busybox", "awk"],
    ] {
        let mut command = Command::new(awk[0]);
        command.args(&awk[1..]).current_dir(directory.path());
        command.args(["-v", "conda=conda", "-v", "pip=pip", "-v", "specs=specs"]);
        // Not every machine has every awk; that there is one is asserted below.
        let Ok(ended) = command
            .args([Path::new("-f"), Path::new(script), &path("environment.yml")])
            .output()
        else {
            continue;
        };
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        found.push(match ended.status.success() {
            true => Ok(Parts {
                conda: read("conda"),
                pip: read("pip"),
                specs: read("specs"),
            }),
            false => Err(told),
        });
    }
    let first = found.pop().expect("an awk on this machine");
    for other in found {
        assert_eq!(other, first);
    }
    first
}

#[test]
fn quotes_escapes_comments_and_anchors_mean_what_they_mean_in_yaml() {
    let text = r#"name: x
x-pin: &np "numpy=1.26"
channels: [conda-forge]
dependencies:
  - python=3.12 # why
  - *np
  - 'c::xz>=5'
  - "zlib >=1" # comment
  - &six six
  - pip:
      # comment
      - 'a ; os_name == ''nt''' # why
      - "b ; os_name == \"nt\""
      - "c\x40d \u0023e \\ \/"
      - d>=1 # why
      - 'x @ https://h/x #egg'
      - *six

      - "it's"
  - tail
"#;
    let parts = split(&format!("\u{feff}{}", text.replace('\n', "\r\n"))).expect("split");
    assert_eq!(
        parts.pip,
        "a ; os_name == 'nt'\nb ; os_name == \"nt\"\nc@d #e \\ /\nd>=1\nx @ https://h/x #egg\nsix\nit's\n"
    );
    assert_eq!(
        parts.specs,
        "python=3.12\nnumpy=1.26\nc::xz>=5\nzlib >=1\nsix\ntail\n"
    );
    let (before, pip) = text.split_once("  - pip:\n").expect("a pip list");
    let behind = pip.split_once("      - \"it's\"\n").expect("the last").1;
    assert_eq!(parts.conda, format!("{before}{behind}"));

    let parts = split("dependencies: ['python>=3.8,<3.12', pip , \"a\"] # b\n").expect("split");
    assert_eq!(parts.specs, "python>=3.8,<3.12\npip\na\n");
}

#[test]
fn what_it_cannot_read_is_named_with_its_line() {
    for (items, why) in [
        ("  - pip: [a, b]\n", "line 3: the packages under `pip:`"),
        ("  - {pip: [a]}\n", "line 3: the packages under `pip:`"),
        ("  - pip:\n    - a\n      >=1\n", "line 5: each package"),
        ("  - pip:\n    - >-\n      a\n", "line 4: each package"),
        ("  - pip:\n    - 'a\n", "line 4: a text in quotes"),
        (
            "  - pip:\n    - \"a\\nb\"\n",
            "line 4: `\\n` is no character",
        ),
        (
            "  - pip:\n    - *none\n",
            "line 4: `*none` stands for nothing",
        ),
    ] {
        let told = split(&format!("dependencies:\n  - python\n{items}")).expect_err(items);
        assert!(
            told.starts_with(&format!("error: in environment.yml, {why}")),
            "{told}"
        );
    }
}

/// A text as YAML has it in one of its three forms.
fn written(text: &str, form: u8) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains([':', '#', '\\'])
        && serde_yaml::from_str::<Value>(text).is_ok_and(|read| read == text);
    match form {
        0 if plain => text.to_owned(),
        0 | 1 => format!("'{}'", text.replace('\'', "''")),
        _ => {
            let escaped = |c: char| match c {
                '"' | '\\' => format!("\\{c}"),
                '@' | '#' => format!("\\x{:02X}", c as u32),
                '=' => format!("\\u{:04x}", c as u32),
                other => other.to_string(),
            };
            format!("\"{}\"", text.chars().map(escaped).collect::<String>())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the packages are called, the script reads what a YAML parser reads.
    #[test]
    fn it_reads_what_a_yaml_parser_reads(
        packages in proptest::collection::vec(("[!-~]([ -~]{0,10}[!-~])?", 0u8..3, "( # [ -~]{0,5})?"), 1..9),
        conda in 0usize..9,
    ) {
        let mut text = "dependencies:\n".to_owned();
        let conda = conda.min(packages.len());
        for (index, (package, form, comment)) in packages.iter().enumerate() {
            if index == conda {
                text.push_str("  - pip:\n");
            }
            let indent = if index < conda { "  " } else { "    " };
            text.push_str(&format!("{indent}- {}{comment}\n", written(package, *form)));
        }
        let yaml: Value = serde_yaml::from_str(&text).expect(&text);
        let items = yaml["dependencies"].as_sequence().expect("a list");
        let lines = |items: &mut dyn Iterator<Item = &Value>| -> String {
            items.filter_map(Value::as_str).map(|line| format!("{line}\n")).collect()
        };
        let pip = items.last().and_then(|last| last["pip"].as_sequence());
        let parts = split(&text).expect(&text);
        prop_assert_eq!(parts.specs, lines(&mut items.iter()));
        prop_assert_eq!(parts.pip, lines(&mut pip.into_iter().flatten()));
    }
}
