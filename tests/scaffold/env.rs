//! `envtpl env`.

use crate::support::{Ended, Place};

const ENV: &str = "installation/amd64-cpu/.env";

#[test]
fn what_is_missing_is_added_and_the_rest_stays_byte_for_byte() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let mine = "# mine\r\nexport USR = 'joe'\r\nLAB_NAME=lab # ours\r\nX=\"$USR ${LAB_NAME}\"\r\nGRP=domain users\r\nOTHER: y";
    place.put(ENV, mine);
    place.set_mode(ENV, 0o644);
    place
        .envtpl(["env"])
        .expect(0)
        .says("Wrote")
        .says("IMAGE_NAME");
    let text = place.text(ENV);
    assert!(text.starts_with(mine), "{text}");
    let added = &text[mine.len()..];
    assert!(
        added.contains("\r\nIMAGE_NAME=lab/joe/project\r\n"),
        "{added}"
    );
    assert!(added.contains("\r\nUSER_TAG=joe\r\n"), "{added}");
    assert!(added.contains("\r\nGRPID="), "{added}");
    assert!(
        !added.contains("\r\nGRP=") && !added.contains("LAB_NAME=lab\r"),
        "{added}"
    );
    assert_eq!(place.mode(ENV), 0o600);

    let before = place.tree();
    place.envtpl(["env"]).expect(0).says("nothing is missing");
    assert_eq!(place.tree(), before);
    place.set_mode(ENV, 0o400);
    place.envtpl(["env"]).expect(0);
    assert_eq!(place.mode(ENV), 0o400);
}

#[test]
fn nothing_in_it_is_executed() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let marker = place.outside().join("executed");
    let line = format!("USR=$(touch {0})\nX=`touch {0}`\n", marker.display());
    place.put(ENV, &line);
    place.envtpl(["env"]).expect(0);
    assert!(place.text(ENV).starts_with(&line));
    assert!(!marker.exists());
}

#[test]
fn what_is_no_setting_is_pointed_at_and_nothing_changes() {
    let place = Place::scaffolded(&["amd64-cpu", "amd64-cuda"]);
    for (text, line) in [("USR=a\nB='open\n", 2), ("=x\n", 1), ("A=${B\n", 1)] {
        place.put(ENV, text);
        place.remove("installation/amd64-cuda/.env");
        let before = place.tree();
        place
            .envtpl(["env", "-i", "amd64-cuda", "-i", "amd64-cpu"])
            .expect(2)
            .says(&format!(".env:{line}:"));
        assert_eq!(place.tree(), before);
        place.put("installation/amd64-cuda/.env", "");
    }
    place.put(ENV, b"USR=\xff\n");
    place
        .envtpl(["env", "-i", "amd64-cpu"])
        .expect(2)
        .says("is not UTF-8");
}

#[test]
fn the_machines_way_to_the_network_is_taken_over() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.remove(ENV);
    let bundle = place.outside().join("company ca.pem");
    std::os::unix::fs::symlink("/dev/null", &bundle).expect("linked");
    let bundle = place.outside().join("ca bundle.pem");
    place.put("../ca bundle.pem", "x");
    let mut command = place.command(["env"]);
    command
        .env("REQUESTS_CA_BUNDLE", &bundle)
        .env("https_proxy", "http://joe:s3cret@proxy:3128")
        .env("PIP_INDEX_URL", "https://index.example/simple");
    let ended = Ended::run(&mut command)
        .expect(0)
        .says("CA_BUNDLE is set in .env, as REQUESTS_CA_BUNDLE");
    assert!(!ended.stderr.contains("s3cret"));
    let text = place.text(ENV);
    let bundle = bundle.canonicalize().expect("a path");
    assert!(
        text.contains(&format!("\nCA_BUNDLE='{}'\n", bundle.display())),
        "{text}"
    );
    assert!(
        text.contains("\nHTTPS_PROXY=http://joe:s3cret@proxy:3128\n"),
        "{text}"
    );
    assert!(
        text.contains("\nPIP_INDEX_URL=https://index.example/simple\n"),
        "{text}"
    );
    assert!(text.contains("\n#HTTP_PROXY=\n"), "{text}");
}

#[test]
fn an_installation_without_a_record_gets_one_too() {
    let place = Place::called("Older Project");
    place.put(
        "installation/docker-amd64-cuda/compose.yaml",
        "services: {}\n",
    );
    place.envtpl(["env"]).expect(0);
    let text = place.text("installation/docker-amd64-cuda/.env");
    assert!(
        text.contains("\nPROJECT_NAME=older-project\nPACKAGE_NAME=older_project\n"),
        "{text}"
    );
    assert!(
        text.contains("\nIMAGE_PLATFORM=docker-amd64-cuda\n"),
        "{text}"
    );
    assert!(text.contains("\nACCELERATION=cuda\n"), "{text}");
    place
        .envtpl(["env", "-i", "amd64-cpu"])
        .expect(2)
        .says("docker-amd64-cuda");
}

#[test]
fn a_dry_run_and_json_say_what_would_be_added() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.put(ENV, "USR=joe\n");
    let before = place.tree();
    let report = place
        .envtpl(["env", "--dry-run", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["report"][0]["added"][0], "USRID");
    assert_eq!(report["files"][0]["action"], "change");
    assert_eq!(place.tree(), before);
}

#[test]
fn it_works_from_inside_the_installation_and_not_without_one() {
    let place = Place::scaffolded(&["amd64-cpu", "arm64-cuda"]);
    place.remove("installation/arm64-cuda/.env");
    place
        .envtpl(["env", "-C", "installation/arm64-cuda/entrypoints"])
        .expect(0);
    assert!(place.has("installation/arm64-cuda/.env"));
    Place::empty().envtpl(["env"]).expect(2).says("envtpl init");
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_or_the_new_settings() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.put(ENV, "USR=joe\n");
    place.survives_kills(&["env"], &["env", "--dry-run"]);
}

#[test]
fn the_variable_names_installations_and_nothing_when_empty() {
    let place = Place::scaffolded(&["amd64-cpu", "arm64-cpu"]);
    let with = |value: &str| {
        let mut command = place.command(["env", "--format", "json"]);
        Ended::run(command.env("ENVTPL_INSTALLATION", value))
    };
    let both = with("amd64-cpu, arm64-cpu").expect(0).json();
    assert_eq!(both["report"].as_array().map(Vec::len), Some(2));
    let without = with("").json();
    assert_eq!(without["report"].as_array().map(Vec::len), Some(1));
    place.envtpl(["env", "-i", ""]).expect(2);
}

#[test]
fn a_directory_where_settings_belong_is_told() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.remove("installation/amd64-cpu/.env");
    place.put("installation/amd64-cpu/.env/file", "");
    place
        .envtpl(["env"])
        .expect(2)
        .says("amd64-cpu/.env`")
        .says("it is a directory: rename or remove it");
}
