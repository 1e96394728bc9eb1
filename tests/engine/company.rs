//! A company's network: proxy, certificates of its own, package servers with a password.

use std::collections::BTreeSet;
use std::process::Command;

use crate::servers::{Server, bridge};
use crate::workshop::{BASE, Workshop, docker};

/// The addresses of the archives that the base image knows.
fn archives() -> BTreeSet<String> {
    let list = ["run", "--rm", BASE, "cat", "/etc/apt/sources.list"];
    let list = docker(&list).expect(0).stdout;
    let words = list
        .split_whitespace()
        .map(|word| word.trim_end_matches('/'));
    let archives = words.filter(|word| word.starts_with("http"));
    archives.map(str::to_owned).collect()
}

/// The network, as long as a test runs.
struct Company {
    directory: tempfile::TempDir,
    proxy: Server,
}

impl Company {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/company.py");
        let mut command = Command::new("python3");
        command
            .args([script, &bridge()])
            .arg(directory.path())
            .args(archives());
        Self {
            directory,
            proxy: Server::start(command, |line| Some(line.trim().to_owned())),
        }
    }

    fn file(&self, name: &str) -> String {
        let path = self.directory.path().join(name);
        path.to_string_lossy().into_owned()
    }

    /// The hosts that were asked for through the proxy since the last call.
    fn asked(&self) -> Vec<String> {
        let log = self.file("log");
        let asked = std::fs::read_to_string(&log).unwrap_or_default();
        std::fs::write(&log, "").expect("written");
        asked.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_person_behind_a_company_proxy_gets_through_in_builds_and_in_containers() {
    let company = Company::open();
    let shop = Workshop::new("company");
    let known = std::env::var("ENVTPL_TEST_CA_BUNDLE").unwrap_or_else(|_| {
        let system = "/etc/ssl/certs/ca-certificates.crt";
        system.to_owned()
    });
    let mut bundle = std::fs::read_to_string(known).unwrap_or_default();
    bundle += &std::fs::read_to_string(company.file("ca.pem")).expect("made");
    std::fs::write(company.file("bundle.pem"), bundle).expect("written");
    std::fs::write(
        company.file("netrc"),
        "machine packages.company.test login reader password s3cret-word\n",
    )
    .expect("written");
    for (key, value) in [
        ("HTTPS_PROXY", company.proxy.address.as_str()),
        ("APT_MIRROR", "https://packages.company.test"),
        (
            "PIP_EXTRA_INDEX_URL",
            "https://packages.company.test/simple",
        ),
        ("NETRC_FILE", &company.file("netrc")),
    ] {
        shop.set(key, value);
    }
    let settings = shop.read(".env").replace(
        "CA_BUNDLE='",
        &format!("CA_BUNDLE='{}'\n#'", company.file("bundle.pem")),
    );
    shop.write(".env", &settings);
    shop.append("dependencies/requirements.txt", "company-tool\n");
    shop.append("dependencies/apt-runtime.txt", "tree\n");
    shop.commit("company");

    shop.envtpl(&["build-user", "--no-cache", "--progress", "plain"])
        .expect(0);
    let inside = "packages.company.test".to_owned();
    assert!(company.asked().contains(&inside));
    shop.in_image(
        "run-latest-root",
        "python3 -c 'import company_tool' && tree --version",
    )
    .expect(0);

    // As typed by an ordinary user in the dev container.
    std::process::Command::new("chown")
        .args(["1234:1234", &company.file("netrc")])
        .status()
        .expect("chown runs");
    for line in [
        "pip install --quiet other-tool && python -c 'import other_tool'",
        "sudo apt-get -q update && sudo apt-get -q install --yes bc",
    ] {
        shop.envtpl(&["dev", "--", "sh", "-ec", line]).expect(0);
        assert!(company.asked().contains(&inside), "{line}");
    }

    // Neither image keeps any of it.
    let certificate = std::fs::read_to_string(company.file("ca.pem")).expect("made");
    let certificate = certificate.lines().nth(3).expect("some lines");
    for image in ["run-latest-alice", "dev-latest-alice"] {
        for secret in [certificate, "s3cret-word", &company.proxy.address] {
            let found = shop.in_image(
                image,
                &format!(
                    "grep -rlF -- '{secret}' /etc /opt /usr /var /home /root /srv 2>/dev/null"
                ),
            );
            assert_eq!(found.stdout, "", "{image}: {secret}");
            let tag = shop.tag(image);
            for words in [vec!["history", "--no-trunc", &tag], vec!["inspect", &tag]] {
                assert!(
                    !docker(&words).expect(0).stdout.contains(secret),
                    "{words:?}"
                );
            }
        }
    }
}
