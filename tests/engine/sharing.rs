//! Images that are pushed to a registry and pulled from it, by people and by two at once.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::ended::Ended;
use crate::registries::{Logins, OWNER, Registry};
use crate::second_engine::SecondEngine;
use crate::waiting::{MINUTE, eventually};
use crate::wire::Wire;
use crate::working::{path, steps};
use crate::workshop::{BASE, BASE_ARM64, Workshop, docker, never_seen};

/// Images of a few files each, with one layer more in dev.
const SMALL: &str = "FROM scratch AS runtime-generic
COPY dependencies /dependencies
COPY entrypoints /entrypoints
FROM runtime-generic AS development-generic
COPY build-steps /build-steps
";

/// A project whose images are quickly built and pushed, and that no earlier run has built.
pub fn small(name: &str, installation: &str, base: &str) -> Workshop {
    let shop = Workshop::with(name, installation, &["--base-image", base]);
    shop.write("Dockerfile", SMALL);
    shop.append("dependencies/apt-runtime.txt", &never_seen());
    shop.commit("small");
    shop
}

/// Takes the names of images that begin with a registry's address from the engine, at the end.
pub struct Names(String);

impl Names {
    pub fn of(address: &str) -> Self {
        Self(format!("{address}/"))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // What a later push took the tag from still has its digest for a name.
        for format in ["{{.Repository}}:{{.Tag}}", "{{.Repository}}@{{.Digest}}"] {
            let listed = docker(&["images", "--digests", "--format", format]);
            let names = listed.stdout.lines();
            for name in names.filter(|name| name.starts_with(&self.0) && !name.contains('<')) {
                docker(&["image", "rm", "--force", name]);
            }
        }
    }
}

/// The tags of a repository, sorted, as the registry tells them.
fn tags(registry: &Registry, repository: &str) -> Vec<String> {
    let list = ask(registry, &format!("{repository}/tags/list"), "*/*");
    let mut tags: Vec<String> = (list["tags"].as_array().into_iter().flatten())
        .map(|tag| tag.as_str().expect("a text").to_owned())
        .collect();
    tags.sort();
    tags
}

fn manifest(registry: &Registry, repository: &str, tag: &str) -> Value {
    ask(registry, &format!("{repository}/manifests/{tag}"), ACCEPTED)
}

/// Every kind of manifest.
const ACCEPTED: &str = "application/vnd.docker.distribution.manifest.v2+json,\
                        application/vnd.docker.distribution.manifest.list.v2+json,\
                        application/vnd.oci.image.manifest.v1+json,\
                        application/vnd.oci.image.index.v1+json";

fn ask(registry: &Registry, path: &str, accept: &str) -> Value {
    let address = format!("http://{}/v2/{path}", registry.address());
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--header",
        &format!("Accept: {accept}"),
        &address,
    ]);
    let ended = Ended::run(command.stdin(Stdio::null())).expect(0);
    ended.json()
}

/// Requests of a method whose path holds a text, with their status.
fn requests(registry: &Registry, method: &str, part: &str) -> Vec<String> {
    let all = registry.requests().into_iter();
    all.filter(|line| line.contains(&format!("\"{method} ")) && line.contains(part))
        .collect()
}

/// Blobs that were taken whole.
fn uploads(registry: &Registry) -> usize {
    let ended = requests(registry, "PUT", "/blobs/uploads/").into_iter();
    ended.filter(|line| line.contains("\" 201 ")).count()
}

#[test]
fn what_is_pushed_is_true_remembered_and_told_to_team_mates() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let shop = small("push", "amd64-cpu", BASE);
    let repository = registry.name("lab/p");
    let sha = shop.head();

    let planned = shop
        .envtpl(&["push-generic", &repository, "--dry-run"])
        .expect(0);
    assert!(
        planned.stdout.contains("envtpl build-generic -i amd64-cpu"),
        "{}",
        planned.stdout
    );
    assert_eq!(planned.stdout.matches("docker push").count(), 4);
    assert!(registry.requests().is_empty() && shop.tags().is_empty());

    let pushed = shop
        .envtpl(&["push-generic", &repository, "--format", "json"])
        .expect(0);
    let pushed = pushed.says("are not there yet, so they are built first");
    let report = pushed.json();
    let expected = ["dev", "run"].map(|flavour| {
        [sha.as_str(), "latest"].map(|which| format!("amd64-cpu-{flavour}-{which}-root"))
    });
    let mut expected = expected.concat();
    expected.sort();
    assert_eq!(tags(&registry, "lab/p"), expected);
    for image in report["images"].as_array().expect("images") {
        let local = image["local"][0].as_str().expect("a name");
        assert_eq!(image["commit"], shop.git(&["rev-parse", "HEAD"]).as_str());
        assert_eq!(image["there"][0]["digest"], image["there"][1]["digest"]);
        let there = image["there"][0]["name"].as_str().expect("a name");
        let digest = image["there"][0]["digest"].as_str().expect("a digest");
        let by_tag = manifest(&registry, "lab/p", there.rsplit(':').next().expect("a tag"));
        assert_eq!(by_tag, manifest(&registry, "lab/p", digest));
        // The image is the one that is here, and its config is what the engine calls it.
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", local]).expect(0);
        assert_eq!(by_tag["config"]["digest"], id.stdout.trim());
    }
    // No `latest` before its commit.
    let puts = requests(&registry, "PUT", "/manifests/");
    let order: Vec<bool> = puts.iter().map(|line| line.contains("-latest-")).collect();
    assert_eq!(order, [false, false, true, true], "{puts:#?}");
    // Run's layers are in dev as well, and were sent once: three layers, two configurations.
    assert_eq!(uploads(&registry), 5);

    // It is remembered, and nothing calls that a drift or dirt.
    let settings = std::fs::read_to_string(shop.root().join("envtpl.yaml")).expect("written");
    assert!(
        settings.ends_with(&format!("images:\n  generic: {repository}\n")),
        "{settings}"
    );
    let line = format!("`envtpl pull-generic {repository} -i amd64-cpu`");
    assert!(shop.read("README.md").contains(&line));
    let checked = shop.envtpl(&["check", "--no-engine"]).expect(0);
    assert!(!checked.stdout.contains("README.md"), "{}", checked.stdout);

    // Again: nothing is sent, and no file changes.
    let status = shop.git(&["status", "--short"]);
    shop.envtpl(&["push-generic"])
        .expect(0)
        .keeps_quiet_about("Building");
    assert_eq!(uploads(&registry), 5);
    assert_eq!(shop.git(&["status", "--short"]), status);
    // Another place, this once.
    let other = registry.name("me/public");
    shop.envtpl(&["push-generic", &other])
        .expect(0)
        .says("envtpl.yaml still names");
    assert_eq!(tags(&registry, "me/public"), expected);
    assert_eq!(shop.git(&["status", "--short"]), status);
    shop.envtpl(&["push-generic", &other, "--remember"])
        .expect(0);
    assert!(shop.read("README.md").contains(&other));
    // Who took the line away gets none.
    let text = shop.read("README.md");
    let kept: String = (text.split_inclusive('\n'))
        .filter(|line| !line.contains("where to pull the images"))
        .collect();
    shop.write("README.md", &kept);
    shop.envtpl(&["push-generic"]).expect(0);
    assert_eq!(shop.read("README.md"), kept);
}

#[test]
fn only_true_tags_are_pushed() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let shop = small("true", "amd64-cpu", BASE);
    let repository = registry.name("lab/p");
    let push = || shop.envtpl(&["push-generic", &repository]);

    // What is not committed.
    shop.append("dependencies/apt-runtime.txt", "# mine\n");
    push()
        .expect(1)
        .says("files that are not committed")
        .says("git add");
    // What was built from it.
    shop.envtpl(&["build-generic", "--allow-dirty"]).expect(0);
    shop.git(&["checkout", "--quiet", "."]);
    push()
        .expect(1)
        .says("was built from more than a commit")
        .says("envtpl build-generic -i amd64-cpu");
    // What says nothing of itself.
    for flavour in ["run", "dev"] {
        docker(&["tag", BASE, &shop.tag(&format!("{flavour}-latest-root"))]).expect(0);
    }
    push()
        .expect(1)
        .says("does not say which commit it was built from");
    assert!(
        requests(&registry, "PUT", "").is_empty() && requests(&registry, "POST", "").is_empty()
    );

    // What is right is pushed; what the files no longer say is built first.
    shop.envtpl(&["build-generic"]).expect(0);
    push().expect(0).keeps_quiet_about("built first");
    let before = shop.head();
    shop.append("dependencies/apt-runtime.txt", "# more\n");
    shop.commit("more");
    push()
        .expect(0)
        .says("built from other files")
        .says("Building");
    let has =
        |commit: &str| tags(&registry, "lab/p").contains(&format!("amd64-cpu-run-{commit}-root"));
    assert!(has(&before) && has(&shop.head()));
    // A commit that changes nothing of the environment makes no other image.
    shop.git(&["commit", "--quiet", "--allow-empty", "-m", "code"]);
    push().expect(0).keeps_quiet_about("Building");
    assert!(!has(&shop.head()));
}

#[test]
fn a_registry_that_takes_nothing_is_told_before_the_build() {
    let registry = Registry::with_password();
    let _names = Names::of(registry.address());
    let shop = small("denied", "amd64-cpu", BASE);
    let repository = registry.name("lab/p");
    let push = |logins: &Logins| {
        let mut command = shop.command(&["push-generic", &repository]);
        Ended::run(
            command
                .env("DOCKER_CONFIG", logins.path())
                .stdin(Stdio::null()),
        )
    };
    let login = format!("docker login {}", registry.address());
    push(&Logins::none())
        .expect(3)
        .says("you are not logged in")
        .says(&login)
        .keeps_quiet_about("Building");
    let wrong = Logins::of(&registry, ("owner", "wrong"));
    push(&wrong)
        .expect(3)
        .says("does not take your login")
        .says(&login)
        .keeps_quiet_about("Building");
    assert!(shop.tags().is_empty());
    push(&Logins::of(&registry, OWNER)).expect(0);

    // One that was there.
    let gone = Registry::start();
    let name = gone.name("lab/p");
    drop(gone);
    shop.envtpl(&["push-generic", &name])
        .expect(3)
        .says("does not answer")
        .keeps_quiet_about("Pushing");
    shop.envtpl(&["pull-generic", &name])
        .expect(3)
        .says("does not answer");
}

fn start(shop: &Workshop, arguments: &[&str]) -> Child {
    let mut command = shop.command(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("it starts")
}

#[test]
fn what_was_cut_off_published_nothing_and_only_the_rest_is_sent_again() {
    let registry = Registry::start();
    let wire = Wire::to(registry.address());
    let _names = Names::of(&wire.address);
    let shop = small("cut", "amd64-cpu", BASE);
    // Layers that do not compress, the first small.
    let noise = |path: &Path, bytes: &str| {
        let mut command = Command::new("head");
        let file = std::fs::File::create(path).expect("made");
        let ended = command
            .args(["-c", bytes, "/dev/urandom"])
            .stdout(file)
            .status();
        assert!(ended.expect("it runs").success());
    };
    noise(&shop.path("dependencies/noise"), "100K");
    noise(&shop.path("entrypoints/noise"), "8M");
    noise(&shop.path("build-steps/noise"), "8M");
    shop.commit("noise");
    shop.envtpl(&["build-generic"]).expect(0);

    let repository = format!("{}/lab/p", wire.address);
    wire.cut_after(6 << 20);
    let mut push = start(&shop, &["push-generic", &repository]);
    eventually("the wire is cut", MINUTE, || wire.is_cut());
    // The engine tries again by itself, for a minute; a person has enough.
    let pid = push.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .expect("it runs")
            .success()
    );
    assert_eq!(push.wait().expect("it ends").code(), Some(130));
    assert_eq!(
        ask(&registry, "lab/p/tags/list", "*/*")["tags"],
        Value::Null
    );
    assert!(!shop.root().join("envtpl.yaml").exists());
    let before = uploads(&registry);
    assert!((1..5).contains(&before), "{before}");

    wire.mend();
    shop.envtpl(&["push-generic", &repository]).expect(0);
    assert_eq!(uploads(&registry), 5, "{:#?}", registry.requests());
    assert_eq!(tags(&registry, "lab/p").len(), 4);
}

#[test]
fn two_people_push_at_once() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let shop = small("two", "amd64-cpu", BASE);
    let other = shop.cloned("two-other");
    other.git(&["config", "user.name", "Other"]);
    other.git(&["config", "user.email", "other@example.org"]);
    other.append("dependencies/apt-runtime.txt", "# the other's\n");
    other.commit("other");
    let repository = registry.name("lab/p");
    for shop in [&shop, &other] {
        shop.envtpl(&["build-generic"]).expect(0);
    }
    let mut both = [&shop, &other].map(|shop| start(shop, &["push-generic", &repository]));
    for push in &mut both {
        assert_eq!(push.wait().expect("it ends").code(), Some(0));
    }
    for flavour in ["run", "dev"] {
        let there = |which: &str| {
            let tag = format!("amd64-cpu-{flavour}-{which}-root");
            manifest(&registry, "lab/p", &tag)["config"]["digest"].clone()
        };
        let of = |shop: &Workshop| shop.id(&format!("{flavour}-latest-root")).expect("built");
        assert_eq!(there(&shop.head()), of(&shop).as_str());
        assert_eq!(there(&other.head()), of(&other).as_str());
        assert!(
            [of(&shop), of(&other)]
                .iter()
                .any(|id| there("latest") == id.as_str())
        );
    }
}

#[test]
fn platforms_are_joined_and_each_keeps_its_digest() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let repository = registry.name("lab/p");
    let mut shop = small("all", "amd64-cpu", BASE);
    for (installation, base) in [("arm64-cpu", BASE_ARM64), ("amd64-cpu-jax", BASE)] {
        shop.envtpl(&["init", "--yes", "-i", installation, "--base-image", base])
            .expect(0);
        shop.installation = installation.to_owned();
        shop.person("alice", 1234, "alice", 1234);
        shop.set("IMAGE_NAME", &shop.image);
        shop.write("Dockerfile", SMALL);
    }
    shop.commit("platforms");
    let ended = shop
        .envtpl(&["push-generic", &repository, "--all", "--format", "json"])
        .expect(0);
    let report = ended.json();
    let sha = shop.head();
    let names: Vec<&str> = (report["indexes"].as_array().expect("indexes").iter())
        .map(|index| index["name"].as_str().expect("a name"))
        .collect();
    let expected = ["run", "dev"].map(|flavour| {
        [sha.as_str(), "latest"].map(|which| format!("{repository}:cpu-{flavour}-{which}-root"))
    });
    assert_eq!(names, expected.concat());
    for flavour in ["run", "dev"] {
        let index = manifest(&registry, "lab/p", &format!("cpu-{flavour}-latest-root"));
        let entries = index["manifests"].as_array().expect("entries");
        assert_eq!(entries.len(), 2, "{index}");
        for (entry, platform) in entries.iter().zip(["amd64", "arm64"]) {
            assert_eq!(entry["platform"]["architecture"], platform);
            let images = report["images"].as_array().expect("images");
            let own = images.iter().find(|image| {
                image["installation"] == format!("{platform}-cpu") && image["flavour"] == flavour
            });
            assert_eq!(entry["digest"], own.expect("pushed")["there"][0]["digest"]);
        }
        // The engine takes its own out of it.
        let name = format!("{repository}:cpu-{flavour}-latest-root");
        for platform in ["amd64", "arm64"] {
            docker(&[
                "pull",
                "--quiet",
                "--platform",
                &format!("linux/{platform}"),
                &name,
            ])
            .expect(0);
            let id = docker(&[
                "image",
                "inspect",
                "--format",
                "{{.Id}} {{.Architecture}}",
                &name,
            ])
            .expect(0);
            shop.installation = format!("{platform}-cpu");
            let built = shop.id(&format!("{flavour}-latest-root")).expect("built");
            assert_eq!(id.stdout.trim(), format!("{built} {platform}"));
            docker(&["image", "rm", &name]).expect(0);
        }
    }

    // An older name for the same.
    let older = |name: &str| shop.root().join("installation").join(name);
    copy(&older("amd64-cpu"), &older("docker-amd64-cpu"));
    shop.git(&["add", "--all"]);
    shop.envtpl(&["push-generic", "--all"])
        .expect(2)
        .says("are for the same platform")
        .says("-i");
}

fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    let status = command.arg("-a").args([from, to]).status();
    assert!(status.expect("it runs").success());
}

#[test]
fn a_pulled_image_is_compared_with_the_files_here() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let shop = small("pulled", "amd64-cpu", BASE);
    let repository = registry.name("lab/p");
    shop.envtpl(&["push-generic", &repository]).expect(0);
    let first = shop.head();
    let id = shop.id("run-latest-root");
    shop.commit("share");
    let mate = shop.cloned("pulled-mate");
    let pull = |arguments: &[&str]| mate.envtpl(&[&["pull-generic"], arguments].concat());

    let planned = pull(&["--dry-run"]).expect(0).stdout;
    assert!(planned.contains("docker pull --platform linux/amd64") && mate.tags().is_empty());
    pull(&[]).expect(0).says("from the same files as yours");
    assert_eq!(mate.id("run-latest-root"), id);
    assert_eq!(mate.tags(), shop.tags());
    mate.envtpl(&["ls"]).expect(0).keeps_quiet_about("files");

    mate.append("dependencies/requirements.txt", "toolz==1.0.0\n");
    pull(&[])
        .expect(0)
        .says("was built from other dependency files than yours")
        .says("  dependencies/requirements.txt (- the image's, + yours)\n    +toolz==1.0.0\n");
    mate.git(&["checkout", "--quiet", "."]);

    // Of a commit that is older than what is checked out, and of one that is not here.
    shop.append("dependencies/requirements.txt", "toolz==1.1.0\n");
    shop.commit("toolz");
    shop.envtpl(&["push-generic"]).expect(0);
    pull(&[])
        .expect(0)
        .says("which is not here")
        .says("git fetch");
    pull(&["--commit", &first])
        .expect(0)
        .says("from the same files as yours");
    assert_eq!(mate.id("run-latest-root"), id);
    pull(&["--commit", "0123456"])
        .expect(1)
        .says("has no image of the commit 0123456");
    pull(&["--commit", "thesis"])
        .expect(2)
        .says("`thesis` is no commit");

    // What is not of this installation gets no name of it.
    let odd = registry.name("lab/odd");
    for (image, says) in [
        (BASE_ARM64, "is for arm64, and amd64-cpu is for amd64"),
        (BASE, "does not say what it was built from"),
    ] {
        for flavour in ["run", "dev"] {
            registry.push(image, &format!("lab/odd:amd64-cpu-{flavour}-latest-root"));
            docker(&[
                "image",
                "rm",
                &format!("{odd}:amd64-cpu-{flavour}-latest-root"),
            ])
            .expect(0);
        }
        pull(&[&odd]).expect(1).says(says);
        assert_eq!(mate.id("run-latest-root"), id);
    }
    let none = registry.name("lab/none");
    pull(&[&none]).expect(3).says(&format!("has no `{none}:"));
}

#[test]
fn a_team_mate_on_another_machine_works_in_the_same_environment() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let shop = Workshop::new("mate");
    let repository = registry.name("lab/p");
    let report = shop
        .envtpl(&["push-generic", &repository, "--format", "json"])
        .expect(0)
        .json();
    shop.commit("share");
    let commit = shop.git(&["rev-parse", "HEAD~1"]);

    let engine = SecondEngine::start();
    let mut mate = shop.cloned("mate-other");
    mate.engine = Some(engine.address().to_owned());
    mate.envtpl(&["pull-generic"])
        .expect(0)
        .says("from the same files as yours");
    mate.envtpl(&["build-user"])
        .expect(0)
        .keeps_quiet_about("generic images of");
    let code = "import six, os; print(six.__version__, os.getuid())";
    let ran = mate.envtpl(&["run", "--", "python3", "-c", code]).expect(0);
    assert_eq!(ran.stdout, "1.17.0 1234\n");

    // This engine calls an image by its manifest, which is what the registry does.
    let inspect = |rest: &str, format: &str| {
        let name = mate.tag(rest);
        let host = ["--host", engine.address()];
        let question = ["image", "inspect", "--format", format, &name];
        docker(&[&host[..], &question].concat())
            .expect(0)
            .stdout
            .trim()
            .to_owned()
    };
    for image in report["images"].as_array().expect("images") {
        let flavour = image["flavour"].as_str().expect("a text");
        let id = inspect(&format!("{flavour}-latest-root"), "{{.Id}}");
        assert_eq!(image["there"][0]["digest"], id.as_str());
        let revision = "{{index .Config.Labels \"org.opencontainers.image.revision\"}}";
        for user in ["root", "alice"] {
            assert_eq!(
                inspect(&format!("{flavour}-latest-{user}"), revision),
                commit
            );
        }
    }
    let packages = |shop: &Workshop| {
        let listed = shop
            .envtpl(&["list-env", "--format", "json"])
            .expect(0)
            .json();
        listed[0]["packages"].clone()
    };
    assert!(
        packages(&shop)
            .as_array()
            .is_some_and(|packages| packages.len() > 100)
    );
    assert_eq!(packages(&mate), packages(&shop));

    // And back: the mate's own images, on the first machine.
    mate.envtpl(&["push-user", &repository]).expect(0);
    mate.engine = None;
    mate.envtpl(&["pull-user", &repository])
        .expect(0)
        .says("from the same files as yours");
    mate.envtpl(&["run", "--", "python3", "-c", code])
        .expect(0)
        .prints("1.17.0 1234\n");
}

/// Lines without what is another one each time: the registry, the commit, white space.
fn told(text: &str, registry: &Registry, image: &str, sha: &str) -> Vec<String> {
    let text = text
        .replace(registry.address(), "registry.example")
        .replace(image, "ben/vision")
        .replace(sha, "1de3dfe");
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect()
}

#[test]
fn the_page_on_sharing_images_tells_what_happens() {
    let registry = Registry::start();
    let _names = Names::of(registry.address());
    let ann = Workshop::new("page");
    ann.append("dependencies/apt-dev.txt", &never_seen());
    ann.commit("environment");
    let sha = ann.head();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sharing-images.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let steps = steps(&page);
    assert_eq!(steps.len(), 7, "what is done between them is done below");
    let mut ben = None;
    for step in steps {
        if step.typed == "envtpl pull-generic" {
            ann.git(&["checkout", "--quiet", "."]);
            ben = Some(ann.cloned("page-ben"));
        }
        let shop = ben.as_ref().unwrap_or(&ann);
        let typed = step.typed.replace("registry.example", registry.address());
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 2>&1; {typed}")]);
        command.current_dir(shop.root()).env("PATH", path());
        let ended = Ended::run(command.stdin(Stdio::null()));
        let real = told(&ended.stdout, &registry, &shop.image, &sha);
        for shown in told(&step.shown.join("\n"), &registry, &shop.image, &sha) {
            let is_there = |line: &String| match shown.strip_suffix('…') {
                Some(start) => line.starts_with(start.trim_end()),
                None => *line == shown,
            };
            assert!(
                real.iter().any(is_there),
                "$ {typed}\nthe page shows\n{shown}\nand this was told\n{}",
                ended.stdout
            );
        }
    }
}
