//! A company's network: proxy, certificates of its own, package servers with a password.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::freeze::Container;
use crate::scanner;
use crate::servers::{Server, bridge};
use crate::workshop::{BASE, Ended, Workshop, docker};

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
    /// The second part of the version of `from-source`.
    number: String,
}

impl Company {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/company.py");
        // A version that no cache of this machine knows.
        let number = SystemTime::now().duration_since(UNIX_EPOCH);
        let number = number.expect("a clock").as_secs().to_string();
        std::fs::write(directory.path().join("number"), &number).expect("written");
        let mut command = Command::new("python3");
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args([script, &bridge()])
            .arg(directory.path())
            .args(archives());
        Self {
            directory,
            proxy: Server::start(command, |line| {
                line.starts_with("http").then(|| line.trim().to_owned())
            }),
            number,
        }
    }

    /// Settings with which a project's builds and containers get through.
    fn connect(&self, shop: &Workshop, index: &str) {
        let known = std::env::var("ENVTPL_TEST_CA_BUNDLE").unwrap_or_else(|_| {
            let system = "/etc/ssl/certs/ca-certificates.crt";
            system.to_owned()
        });
        let mut bundle = std::fs::read_to_string(known).unwrap_or_default();
        bundle += &std::fs::read_to_string(self.file("ca.pem")).expect("made");
        std::fs::write(self.file("bundle.pem"), bundle).expect("written");
        let proxy = (self.proxy.address).replace("://", "://reader:s3cret-word@");
        for (key, value) in [
            ("HTTPS_PROXY", proxy.as_str()),
            ("APT_MIRROR", "https://packages.company.test"),
            ("PIP_EXTRA_INDEX_URL", index),
        ] {
            shop.set(key, value);
        }
        let settings = shop.read(".env").replace(
            "CA_BUNDLE='",
            &format!("CA_BUNDLE='{}'\n#'", self.file("bundle.pem")),
        );
        shop.write(".env", &settings);
    }

    /// Asserts that images tell none of what the company keeps to itself.
    #[track_caller]
    fn is_in_none_of(&self, shop: &Workshop, images: &[&str]) {
        let certificate = std::fs::read_to_string(self.file("ca.pem")).expect("made");
        let certificate = certificate.lines().nth(3).expect("some lines");
        let (_, proxy) = self.proxy.address.split_once("://").expect("an address");
        for image in images {
            assert_eq!(scanner::secrets(&shop.tag(image)), Vec::<String>::new());
            for secret in [certificate, "s3cret-word", proxy] {
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

    /// Tells the indexes that something happened; see company_packages.py.
    fn happens(&self, what: &str) {
        std::fs::write(self.file(what), "").expect("written");
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
    company.connect(&shop, "https://packages.company.test/simple");
    std::fs::write(
        company.file("netrc"),
        "machine packages.company.test login reader password s3cret-word\n",
    )
    .expect("written");
    let settings = shop.read(".env");
    let netrc = format!("{settings}NETRC_FILE='{}'\n", company.file("netrc"));
    shop.write(".env", &netrc);
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

    company.is_in_none_of(&shop, &["run-latest-alice", "dev-latest-alice"]);
}

#[test]
fn what_is_frozen_in_a_company_is_built_again_from_its_index_or_named() {
    let company = Company::open();
    let shop = Workshop::new("company-freeze");
    let inside = "https://reader:s3cret-word@packages.company.test";
    company.connect(&shop, &format!("{inside}/simple"));
    shop.commit("company");
    shop.envtpl(&["build-user"]).expect(0);
    // Alice is not who runs this test; the project is hers all the same.
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(shop.root(), everybody).expect("set");
    let container = Container::start(&shop);
    container
        .types(&format!(
            "pip install --quiet other-tool from-source local-tool withdrawn-tool
             pip install --quiet --no-deps --index-url {inside}/elsewhere borrowed-tool"
        ))
        .expect(0);
    company.happens("withdrawn");

    let lost = [
        (
            "borrowed-tool",
            "1.0+mine: no configured index has its local version (`+mine`)",
        ),
        (
            "withdrawn-tool",
            "1.0: no configured index has this version",
        ),
    ];
    let checked = shop.envtpl(&["freeze", "--check"]).expect(1);
    let frozen = shop.envtpl(&["-vv", "freeze"]).expect(1);
    for told in [&checked, &frozen] {
        for (name, why) in lost {
            let line = format!("{name} {why}");
            assert!(told.stderr.contains(&line), "{line}\n{}", told.stderr);
        }
        let served = "local-tool 1.0+company: no";
        assert!(!told.stderr.contains(served), "{}", told.stderr);
    }
    let locked = |name: &str| shop.read(&format!("dependencies/locked/{name}"));
    let declared = shop.read("dependencies/requirements.txt");
    assert!(
        declared.ends_with("\nfrom-source\nlocal-tool\nother-tool\n"),
        "{declared}"
    );
    assert!(locked("requirements.txt").contains("\nlocal-tool==1.0+company --hash=sha256:"));
    let version = format!("1.{}", company.number);
    let sources = locked("requirements-source.txt");
    assert!(
        sources.contains(&format!("\nfrom-source=={version} --hash=sha256:")),
        "{sources}"
    );
    let lock = shop.read("envtpl.lock");
    assert!(lock.contains("    index: https://packages.company.test/simple\n"));
    for (name, _) in lost {
        let block = format!("  - name: {name}\n");
        let block = lock.split_once(&block).expect("locked").1;
        let block = block.split("  - name: ").next().expect("a block");
        assert!(block.contains("    unfrozen: "), "{block}");
    }
    shop.envtpl(&["build-generic", "--locked", "--allow-dirty"])
        .expect(1)
        .says("no build can get `borrowed-tool` 1.0+mine again");
    drop(container);

    // The rest is built; then it is known what the source package was built with.
    shop.commit("freeze");
    shop.envtpl(&["build"]).expect(0);
    let again = shop.envtpl(&["-vv", "freeze"]).expect(0);
    let sources = locked("requirements-source.txt");
    assert!(
        sources.contains("\n# built with: company-backend==1.0\n# Python alone: ")
            && sources.contains(&format!("\nfrom-source=={version} --hash")),
        "{sources}{}",
        again.stderr
    );
    shop.commit("freeze again");
    company.happens("published");
    shop.envtpl(&["build", "--locked", "--no-cache", "--progress", "plain"])
        .expect(0)
        .says("built with what the lock says: company-backend==1.0");
    let built_with = "import from_source, other_tool, local_tool; print(from_source.BUILT_WITH)";
    let built = shop.in_image("run-latest-root", &format!("python3 -c '{built_with}'"));
    assert_eq!(built.expect(0).stdout, "1.0\n");
    // Without the lock it would be the newer one.
    let newest = "pip install --quiet --no-cache-dir --no-deps --target /tmp/x from-source
                  PYTHONPATH=/tmp/x python -c 'import from_source as x; print(x.BUILT_WITH)'";
    let newest = shop.envtpl(&["dev", "--", "sh", "-ec", newest]).expect(0);
    assert_eq!(newest.stdout, "2.0\n");
    shop.envtpl(&["freeze", "--check"]).expect(0);
    let verified = shop.envtpl(&["verify"]).expect(0);
    assert!(
        verified.stdout.starts_with("reproduced: "),
        "{}",
        verified.stdout
    );

    // What the lock names comes through the proxy's tunnel too, with the password of the settings.
    company.asked();
    let fetched = shop.envtpl(&["-v", "sources", "fetch"]).expect(0);
    let inside = "packages.company.test".to_owned();
    assert!(company.asked().contains(&inside));

    for told in [&checked, &frozen, &again, &verified, &fetched] {
        let told = format!("{}{}", told.stdout, told.stderr);
        assert!(!told.contains("s3cret-word"), "{told}");
    }
    let mut kept = Command::new("grep");
    // What is in the cache is for its owner alone.
    kept.args(["-rlF", "--exclude-dir=cache", "s3cret-word", "."])
        .current_dir(shop.root());
    let kept = Ended::run(&mut kept).expect(0);
    assert_eq!(kept.stdout, "./installation/amd64-cpu/.env\n");
    company.is_in_none_of(&shop, &["run-latest-alice", "dev-latest-alice"]);
}
