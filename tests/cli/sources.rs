//! `envtpl sources`, with a server of files on this machine.

#![expect(
    clippy::disallowed_methods,
    reason = "tests look at files and stop envtpl"
)]

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::desk::{Desk, Ended};
use crate::files_server::FilesServer;

const LOCK: &str = "installation/amd64-cpu/envtpl.lock";

/// Files of a lock: name, contents.
const FILES: [(&str, usize); 3] = [
    ("one-1.0-py3-none-any.whl", 3),
    ("two-1.0-py3-none-any.whl", 300_000),
    ("uv-0.1-py3-none-manylinux_2_17_x86_64.whl", 1000),
];

fn contents(name: &str, length: usize) -> Vec<u8> {
    name.bytes().cycle().take(length).collect()
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(name: &str) -> String {
    let (_, length) = FILES
        .iter()
        .find(|(file, _)| *file == name)
        .expect("a file");
    digest(&contents(name, *length))
}

fn block(name: &str, address: &str, indent: &str) -> String {
    let package = name.split('-').next().expect("a name");
    let sha256 = sha256(name);
    format!(
        "{indent}- name: {package}\n{indent}  version: '1.0'\n{}{indent}  files:\n{indent}  - \
         name: {name}\n{indent}    url: {address}/files/{name}\n{indent}    sha256: {sha256}\n{}",
        if package == "uv" {
            String::new()
        } else {
            format!("{indent}  origin: index\n")
        },
        if package == "uv" {
            String::new()
        } else {
            format!("{indent}  requested: true\n")
        },
    )
}

/// A lock of the files, which it finds at an address.
fn lock(address: &str) -> String {
    let packages: String = FILES[..2]
        .iter()
        .map(|(name, _)| block(name, address, "  "))
        .collect();
    format!(
        "schema: 1\nplatform: amd64\nbase:\n  image: x\n  os: debian 12\npython:\n  version: \
         3.11.2\n  packages:\n{packages}tools:\n{}",
        block(FILES[2].0, address, "")
    )
}

/// A project with a lock whose files a server has.
fn desk() -> (Desk, FilesServer) {
    let server = FilesServer::start();
    for (name, length) in FILES {
        server.serve(&format!("/files/{name}"), contents(name, length));
    }
    let desk = Desk::new();
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu", "--project-name", "demo"])
        .expect(0);
    desk.write(LOCK, lock(&server.address));
    (desk, server)
}

fn stored(root: &Path, name: &str) -> PathBuf {
    let digest = sha256(name);
    root.join("sha256").join(&digest[..2]).join(digest)
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

fn states(ended: &Ended) -> Vec<String> {
    let json = ended.json();
    let files = json[0]["files"].as_array().expect("files");
    files
        .iter()
        .map(|file| format!("{} {}", file["package"], file["state"]).replace('"', ""))
        .collect()
}

#[test]
fn what_the_lock_names_is_fetched_once_and_a_flipped_byte_is_caught_and_named() {
    let (desk, server) = desk();
    let store = desk.work().join(".envtpl/sources");
    desk.envtpl(&["sources", "fetch", "--dry-run"])
        .expect(0)
        .prints("one 1.0 (one-1.0-py3-none-any.whl) from http://127.0.0.1");
    assert!(!store.exists());
    desk.envtpl(&["sources", "verify"])
        .expect(1)
        .says("one 1.0 (one-1.0-py3-none-any.whl): it is not in the store");
    assert_eq!(server.asked(), [""; 0]);

    desk.envtpl(&["sources", "fetch"])
        .expect(0)
        .prints("amd64-cpu: 3 of 3 files in the store, 3 of them new (301 kB)");
    assert_eq!(server.asked().len(), 3);
    desk.envtpl(&["sources", "fetch"])
        .expect(0)
        .prints("3 of 3 files in the store\n");
    assert_eq!(server.asked(), [""; 0]);
    desk.envtpl(&["sources", "verify"]).expect(0);

    flip(&stored(&store, "two-1.0-py3-none-any.whl"));
    let verified = desk
        .envtpl(&["sources", "verify", "--format", "json"])
        .expect(1);
    assert_eq!(states(&verified), ["one right", "two wrong", "uv right"]);
    let verified = verified.says("two 1.0 (two-1.0-py3-none-any.whl): its sha256 is ");
    assert!(!verified.stderr.contains("one 1.0"), "{}", verified.stderr);
    desk.envtpl(&["sources", "push", "./shared"])
        .expect(1)
        .says("two 1.0");
    assert!(!desk.has("shared"));
    let again = desk
        .envtpl(&["sources", "fetch", "--format", "json"])
        .expect(0);
    assert_eq!(states(&again), ["one right", "two fetched", "uv right"]);
    assert_eq!(server.asked(), ["GET /files/two-1.0-py3-none-any.whl"]);
}

#[test]
fn a_directory_to_fetch_from_that_is_not_there_is_told_once() {
    let desk = Desk::new().file(LOCK, lock("http://127.0.0.1:9"));
    desk.envtpl(&["sources", "fetch", "--from", "/no/such/place"])
        .expect(2)
        .says("there is no directory `/no/such/place`");
}

#[test]
fn a_cut_download_is_carried_on_and_what_failed_does_not_keep_the_rest() {
    let (desk, server) = desk();
    let path = "/files/two-1.0-py3-none-any.whl";
    server.cut(path, 100_000);
    server.cut(path, 50_000);
    desk.envtpl(&["sources", "fetch"]).expect(0);
    let asked: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|one| one.contains("two"))
        .collect();
    assert_eq!(
        asked,
        [
            format!("GET {path}"),
            format!("GET {path} range: bytes=100000-"),
            format!("GET {path} range: bytes=150000-"),
        ]
    );
    desk.envtpl(&["sources", "verify"]).expect(0);

    // Something else by that name, and nothing by another: both are named, the third comes.
    for (name, _) in FILES {
        std::fs::remove_file(stored(&desk.work().join(".envtpl/sources"), name)).expect("there");
    }
    server.serve(path, "something else");
    let lacking = lock(&server.address).replace("/files/one", "/gone/one");
    desk.write(LOCK, lacking);
    let failed = desk.envtpl(&["sources", "fetch"]).expect(1);
    let failed = failed
        .says("one 1.0 (one-1.0-py3-none-any.whl): 127.0.0.1")
        .says("the server answers 404 Not Found")
        .says("two 1.0 (two-1.0-py3-none-any.whl): 127.0.0.1")
        .says("and the lock has ");
    assert!(
        failed.stdout.contains("1 of 3 files in the store"),
        "{}",
        failed.stdout
    );
    let left: Vec<_> = walk(&desk.work().join(".envtpl/sources"));
    assert_eq!(
        left,
        [sha256(FILES[2].0)],
        "no unfinished file of what is not to be had"
    );
}

/// The names of the files below a directory.
fn walk(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).expect("there") {
        let path = entry.expect("read").path();
        if path.is_dir() {
            names.extend(walk(&path));
        } else {
            names.push(
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    names
}

#[test]
fn ctrl_c_leaves_nothing_but_an_unfinished_file_which_is_carried_on() {
    let (desk, server) = desk();
    let name = "two-1.0-py3-none-any.whl";
    // A server that says nothing more after a while: it accepts, and is never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("bound"));
    std::thread::spawn(move || {
        use std::io::Write;
        let held: Vec<_> = silent
            .incoming()
            .flatten()
            .map(|mut stream| {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n";
                stream.write_all(head.as_bytes()).expect("sent");
                stream
                    .write_all(&contents(name, 300_000)[..70_000])
                    .expect("sent");
                stream
            })
            .collect();
        drop(held);
    });
    let slow = lock(&server.address).replace(
        &format!("{}/files/two", server.address),
        &format!("{address}/files/two"),
    );
    desk.write(LOCK, slow);
    let mut child = desk.start(&["sources", "fetch"]);
    let store = desk.work().join(".envtpl/sources");
    let part = PathBuf::from(format!("{}.part", stored(&store, name).display()));
    let whole = FILES.map(|(name, _)| stored(&store, name));
    let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
    for _ in 0..200 {
        if size(&part) == 70_000 && whole[0].exists() && whole[2].exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .expect("runs")
            .success()
    );
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let mut left = walk(&store);
    left.sort();
    let mut expected = vec![
        sha256(FILES[0].0),
        format!("{}.part", sha256(name)),
        sha256(FILES[2].0),
    ];
    expected.sort();
    assert_eq!(left, expected);

    desk.write(LOCK, lock(&server.address));
    server.asked();
    desk.envtpl(&["sources", "fetch"]).expect(0);
    assert_eq!(
        server.asked(),
        [format!("GET /files/{name} range: bytes=70000-")]
    );
}

#[test]
fn what_a_killed_fetch_cannot_carry_on_is_cleared_by_the_next() {
    let (desk, _server) = desk();
    desk.envtpl(&["sources", "fetch"]).expect(0);
    let left = ".envtpl/sources/.new-killed/git/HEAD";
    desk.write(left, "ref: refs/heads/main\n");
    desk.envtpl(&["sources", "fetch"]).expect(0);
    assert!(!desk.work().join(".envtpl/sources/.new-killed").exists());
}

#[test]
fn shared_files_are_checked_on_both_sides_and_sent_once() {
    let (desk, _server) = desk();
    desk.envtpl(&["sources", "fetch"]).expect(0);
    let pushed = desk.envtpl(&["sources", "push", "./shared"]).expect(0);
    assert!(
        pushed.stdout.contains("3 files are in "),
        "{}",
        pushed.stdout
    );
    assert!(
        pushed.stdout.contains(", 3 of them new"),
        "{}",
        pushed.stdout
    );
    let index: serde_json::Value =
        serde_json::from_str(&desk.text("shared/index.json")).expect("JSON");
    let files = &index["installations"]["demo/amd64-cpu"]["files"];
    assert_eq!(files.as_array().map(Vec::len), Some(3), "{index}");
    desk.envtpl(&["sources", "push", "./shared"])
        .expect(0)
        .prints(", 0 of them new");

    // Another machine, which reaches nothing.
    let other = Desk::new();
    other
        .envtpl(&["init", "--yes", "-i", "amd64-cpu", "--project-name", "demo"])
        .expect(0);
    other.write(LOCK, lock("http://127.0.0.1:9"));
    let shared = desk.work().join("shared");
    let text = shared.to_string_lossy().into_owned();
    flip(&stored(&shared, FILES[0].0));
    other
        .envtpl(&["sources", "fetch", "--from", &text])
        .expect(1)
        .says("one 1.0 (one-1.0-py3-none-any.whl): ")
        .prints("2 of 3 files in the store");
    // Pushing again puts it right, and sends nothing else.
    desk.envtpl(&["sources", "push", "./shared"])
        .expect(0)
        .prints(", 1 of them new");
    other
        .envtpl(&["sources", "fetch", "--from", &text])
        .expect(0);
    other.envtpl(&["sources", "verify"]).expect(0);
}

#[test]
fn an_index_of_the_settings_stands_in_and_its_password_is_shown_nowhere() {
    let (desk, server) = desk();
    let host = server.address.trim_start_matches("http://");
    for (name, _) in FILES {
        let package = name.split('-').next().expect("a name");
        let page = format!("<a href=\"../../files/{name}#sha256=0\">{name}</a>");
        server.serve(&format!("/simple/{package}/"), page);
    }
    desk.write(LOCK, lock("http://127.0.0.1:9"));
    let settings = format!("PIP_INDEX_URL='http://joe:s3cret@{host}/simple'\n");
    desk.write("installation/amd64-cpu/.env", settings);
    let fetched = desk.envtpl(&["sources", "fetch", "-v"]).expect(0);
    assert!(!(fetched.stderr + &fetched.stdout).contains("s3cret"));
    let asked = server.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    for one in &asked {
        assert!(
            one.to_lowercase()
                .contains("authorization: basic am9lonmzy3jlda=="),
            "{one}"
        );
    }
}

#[test]
fn a_proxy_is_asked_for_whole_addresses_and_told_of_when_it_lets_nothing_through() {
    let (desk, proxy) = desk();
    for (name, length) in FILES {
        let address = format!("http://packages.test/files/{name}");
        proxy.serve(&address, contents(name, length));
    }
    desk.write(LOCK, lock("http://packages.test"));
    let with = proxy.address.replace("://", "://joe:s3cret@");
    let settings = format!("HTTP_PROXY='{with}'\nHTTPS_PROXY='{with}'\n");
    desk.write("installation/amd64-cpu/.env", settings);
    let fetched = desk.envtpl(&["sources", "fetch", "-v"]).expect(0);
    assert!(!(fetched.stderr + &fetched.stdout).contains("s3cret"));
    let asked = proxy.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    for one in &asked {
        assert!(
            one.starts_with("GET http://packages.test/files/")
                && one.ends_with("Proxy-Authorization: Basic am9lOnMzY3JldA=="),
            "{one}"
        );
    }

    // What has TLS goes through a tunnel, which this one does not make.
    std::fs::remove_dir_all(desk.work().join(".envtpl/sources")).expect("removed");
    desk.write(LOCK, lock("https://packages.test"));
    desk.envtpl(&["sources", "fetch"])
        .expect(1)
        .says("the proxy refuses: proxy server responded 404");
    let asked = proxy.asked();
    assert!(
        asked
            .iter()
            .all(|one| one.starts_with("CONNECT packages.test:443")),
        "{asked:?}"
    );
}

#[test]
fn what_cannot_be_kept_is_named_and_so_is_a_lock_that_is_not_there() {
    let (desk, server) = desk();
    let bare = lock(&server.address).replace(&sha256(FILES[0].0), "''");
    desk.write(LOCK, bare);
    desk.envtpl(&["sources", "fetch"])
        .expect(1)
        .says("one 1.0: the lock names no file with a sha256 for it")
        .prints("2 of 3 files in the store");
    desk.remove(LOCK);
    desk.envtpl(&["sources", "fetch"])
        .expect(3)
        .says("has no lock");
}

#[test]
fn projects_can_share_a_store() {
    let (desk, _server) = desk();
    let shared = desk.work().join("../shared store");
    let text = shared.to_string_lossy().into_owned();
    let variable = ("ENVTPL_SOURCES", text.as_str());
    desk.envtpl_with(variable, &["sources", "fetch"]).expect(0);
    assert!(!desk.has(".envtpl/sources"));
    assert!(stored(&shared, FILES[0].0).exists());
    desk.write(
        "installation/amd64-cpu/.env",
        format!("ENVTPL_SOURCES='{text}'\n"),
    );
    desk.envtpl(&["sources", "verify"]).expect(0);
}
