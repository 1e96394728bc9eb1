//! System packages from an archive that changes, as archives do.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::freeze::Container;
use crate::servers::{Server, bridge};
use crate::workshop::{BASE, Ended, Workshop, docker, image_name};

/// When the archive had version 1.0, as its Release file and as snapshot services write it.
const PUBLISHED: &str = "Fri, 02 Jan 2026 03:04:05 UTC";
const MOMENT: &str = "20260102T030405Z";
/// The service's next picture.
const A_DAY_LATER: &str = "20260103T030405Z";

fn run(command: &mut Command) -> String {
    Ended::of(command.output().expect("it runs"))
        .expect(0)
        .stdout
}

/// An archive of packages in several states, served to builds.
struct Archive {
    directory: tempfile::TempDir,
    server: Server,
}

impl Archive {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for keys in ["own", "strange"] {
            let home = directory.path().join(keys);
            std::fs::create_dir(&home).expect("made");
            run(Command::new("chmod").arg("700").arg(&home));
            run(Command::new("gpg")
                .args(["--batch", "--quiet", "--passphrase", "", "--homedir"])
                .arg(&home)
                .args(["--quick-generate-key", "Test <test@example.org>", "ed25519"]));
        }
        let root = directory.path().join("served");
        std::fs::create_dir(&root).expect("made");
        Self {
            server: Server::of_files(&root, &bridge()),
            directory,
        }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("served")
    }

    /// A base image whose archive is Debian's by name, with this archive's key.
    fn base(&self, image: &str) {
        let context = self.directory.path().join("base");
        std::fs::create_dir(&context).expect("made");
        let key = Command::new("gpg")
            .args(["--batch", "--export", "--homedir"])
            .arg(self.directory.path().join("own"))
            .output()
            .expect("gpg runs");
        std::fs::write(context.join("test.gpg"), key.stdout).expect("written");
        std::fs::write(
            context.join("Dockerfile"),
            format!(
                "FROM {BASE}\nCOPY test.gpg /etc/apt/\nRUN rm -f /etc/apt/sources.list.d/* && echo \
                 'deb [signed-by=/etc/apt/test.gpg] http://deb.debian.org/debian bookworm main' \
                 >/etc/apt/sources.list\nLABEL envtpl.bootstrap='envtpl bootstrap-base bookworm'\n"
            ),
        )
        .expect("written");
        let context = context.to_string_lossy().into_owned();
        docker(&["build", "--quiet", "--tag", image, &context]).expect(0);
    }

    /// A package file; `text` is what it installs.
    fn package(
        &self,
        directory: &Path,
        name: &str,
        version: &str,
        depends: &str,
        text: &str,
    ) -> String {
        let tree = tempfile::tempdir().expect("a directory");
        let files = tree.path().join("usr/share").join(name);
        std::fs::create_dir_all(&files).expect("made");
        std::fs::write(files.join("text"), text).expect("written");
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T \
             <t@example.org>\n{depends}Description: a test\n"
        );
        std::fs::create_dir(tree.path().join("DEBIAN")).expect("made");
        std::fs::write(tree.path().join("DEBIAN/control"), &control).expect("written");
        let file = directory.join(format!("{name}_{version}_all.deb"));
        run(Command::new("dpkg-deb")
            // The same bytes each time.
            .env("SOURCE_DATE_EPOCH", "1600000000")
            .args(["--root-owner-group", "--build"])
            .arg(tree.path())
            .arg(&file));
        control
    }

    /// Publishes both packages in one version, as they are below `state`.
    fn publish(&self, state: &str, version: &str, text: &str, valid_until: &str, keys: &str) {
        let root = self.root().join(state);
        let pool = root.join("pool/main");
        let index = root.join("dists/bookworm/main/binary-amd64");
        std::fs::create_dir_all(&pool).expect("made");
        std::fs::create_dir_all(&index).expect("made");
        let mut packages = String::new();
        for (name, depends) in [
            (
                "envtpl-tool",
                format!("Depends: envtpl-lib (= {version})\n"),
            ),
            ("envtpl-lib", String::new()),
        ] {
            let control = self.package(&pool, name, version, &depends, text);
            let file = format!("pool/main/{name}_{version}_all.deb");
            let (digest, size) = facts(&root.join(&file));
            packages += &format!("{control}Filename: {file}\nSize: {size}\nSHA256: {digest}\n\n");
        }
        std::fs::write(index.join("Packages"), &packages).expect("written");
        let (digest, size) = facts(&index.join("Packages"));
        let release = format!(
            "Origin: Debian\nSuite: stable\nCodename: bookworm\nDate: {PUBLISHED}\n{valid_until}\
             Architectures: amd64\nComponents: main\nSHA256:\n {digest} {size} \
             main/binary-amd64/Packages\n"
        );
        let dists = root.join("dists/bookworm");
        std::fs::write(dists.join("Release"), release).expect("written");
        run(Command::new("gpg")
            .args(["--batch", "--yes", "--homedir"])
            .arg(self.directory.path().join(keys))
            .args(["--clearsign", "--output"])
            .arg(dists.join("InRelease"))
            .arg(dists.join("Release")));
        std::fs::remove_file(dists.join("Release")).expect("there");
    }
}

/// The digest and the size of a file.
fn facts(file: &Path) -> (String, u64) {
    let digest = run(Command::new("sha256sum").arg(file));
    let digest = digest.split(' ').next().expect("a digest").to_owned();
    (digest, std::fs::metadata(file).expect("there").len())
}

impl Drop for Archive {
    fn drop(&mut self) {
        for keys in ["own", "strange"] {
            drop(
                Command::new("gpgconf")
                    .arg("--homedir")
                    .arg(self.directory.path().join(keys))
                    .args(["--kill", "all"])
                    .output(),
            );
        }
    }
}

const INSTALLED: &str = "dpkg-query -W -f '${Package} ${Version}\\n' 'envtpl-*'";

#[test]
fn locked_system_packages_come_from_a_snapshot_when_their_archive_has_newer_ones() {
    let archive = Archive::new();
    let base = format!("{}:base", image_name("archive"));
    archive.base(&base);
    archive.publish("first/debian", "1.0", "one", "", "own");
    let shop = Workshop::with("archive", "amd64-cpu", &["--base-image", &base]);
    shop.write("dependencies/requirements.txt", "");
    shop.write("dependencies/apt-runtime.txt", "envtpl-tool\n");
    shop.write("dependencies/apt-dev.txt", "");
    // Whatever states the archive goes through, for apt it is Debian's.
    let mirror =
        |state: &str| shop.set("APT_MIRROR", &format!("{}/{state}", archive.server.address));
    let snapshots = |state: &str| {
        let pattern = format!("{}/{state}/@PATH@/@SNAPSHOTID@", archive.server.address);
        shop.set("APT_SNAPSHOT", &pattern);
    };
    mirror("first");
    shop.commit("packages");
    shop.envtpl(&["build-user"]).expect(0);

    // What came from a file cannot be had again.
    let container = Container::start(&shop);
    let files = tempfile::tempdir().expect("a directory");
    archive.package(files.path(), "envtpl-file", "1", "", "file");
    container.install(&files.path().join("envtpl-file_1_all.deb"));
    shop.envtpl(&["freeze"])
        .expect(1)
        .says("envtpl-file 1: there are no package lists")
        .says("sudo apt-get update");
    container.types_as_root("apt-get update");
    shop.envtpl(&["freeze"])
        .expect(1)
        .says("envtpl-file 1: no archive");
    drop(container);

    shop.envtpl(&["freeze"]).expect(0);
    let locked = "dependencies/locked/apt-runtime.txt";
    let (digest, _) = facts(
        &archive
            .root()
            .join("first/debian/pool/main/envtpl-lib_1.0_all.deb"),
    );
    let list = shop.read(locked);
    let url = "http://deb.debian.org/debian/pool/main/envtpl-lib_1.0_all.deb";
    assert!(
        list.contains(&format!(
            "\nenvtpl-lib=1.0 # sha256:{digest} snapshot:{MOMENT} url:{url}\n"
        )),
        "{list}"
    );
    let lock = shop.read("envtpl.lock");
    assert!(
        lock.contains(&format!("url: {url}\n")) && !lock.contains(&archive.server.address),
        "{lock}"
    );
    assert!(
        lock.contains("  made: 'envtpl bootstrap-base bookworm'\n"),
        "{lock}"
    );
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");

    // The archive goes on. What its Release file said then has expired since.
    let expired = "Valid-Until: Fri, 09 Jan 2026 03:04:05 UTC\n";
    archive.publish("second/debian", "2.0", "two", "", "own");
    archive.publish(
        &format!("pictures/debian/{A_DAY_LATER}"),
        "1.0",
        "one",
        expired,
        "own",
    );
    mirror("second");
    snapshots("pictures");
    shop.commit("locked");
    shop.envtpl(&["build-generic", "--progress", "plain"])
        .expect(0)
        .says("asking for a snapshot");
    let found = shop.in_image("run-latest-root", INSTALLED).expect(0);
    assert_eq!(found.stdout, "envtpl-lib 1.0\nenvtpl-tool 1.0\n");
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");

    // A comment makes the build do it again.
    archive.publish("third/debian", "1.0", "replaced", "", "own");
    mirror("third");
    shop.write(locked, &format!("# again\n{list}"));
    shop.commit("again");
    shop.envtpl(&["build-generic"])
        .expect(1)
        .says("another file for what apt-runtime.txt locks: envtpl-lib=1.0 envtpl-tool=1.0");

    // A snapshot is only as good as its signature.
    archive.publish(
        &format!("forged/debian/{A_DAY_LATER}"),
        "1.0",
        "one",
        expired,
        "strange",
    );
    mirror("second");
    snapshots("forged");
    shop.write(locked, &format!("# and again\n{list}"));
    shop.commit("and again");
    shop.envtpl(&["build-generic"])
        .expect(1)
        .says("neither the archives nor a snapshot of them have: envtpl-lib=1.0 envtpl-tool=1.0");

    // What is at its address is taken from there, and no archive is asked what it has; also where
    // git gave the list another machine's line ends.
    mirror("first");
    shop.write(
        locked,
        &format!("# once more\n{list}").replace('\n', "\r\n"),
    );
    shop.commit("once more");
    shop.envtpl(&["build-generic", "--progress", "plain"])
        .expect(0)
        .says("/first/debian/pool/main/envtpl-lib_1.0_all.deb")
        .keeps_quiet_about("InRelease");
    let found = shop.in_image("run-latest-root", INSTALLED).expect(0);
    assert_eq!(found.stdout, "envtpl-lib 1.0\nenvtpl-tool 1.0\n");
    shop.write(locked, &list);
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");

    // With the tool goes what only the tool needs.
    shop.write("dependencies/apt-runtime.txt", "");
    shop.envtpl(&["freeze"])
        .expect(0)
        .says("envtpl-tool is in the image but declared nowhere")
        .says("nothing that is declared needs envtpl-lib");
    assert!(!shop.path(locked).exists());
}
