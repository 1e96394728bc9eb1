//! An installation whose images and containers hold what a test says: a script stands in for
//! Docker and answers with it.
#![expect(
    clippy::disallowed_methods,
    reason = "tests make files and look at them"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::desk::Desk;

/// Answers from the files of its own directory. What is asked of it is in `asked`.
const DOCKER: &str = r#"
here=$(dirname "$0")/answers
printf '%s\n' "$*" >>"$here/asked"
case "$*" in
    "compose config"*) cat "$here/config.json" ;;
    "image inspect "*)
        if [ -e "$here/images/${3#*:}" ]; then cat "$here/images/${3#*:}"; else
            echo "Error response from daemon: No such image: $3" >&2
            exit 1
        fi ;;
    "ps "*) cat "$here/ps" ;;
    "inspect "*) echo "$(cat "$here/started-from")" ;;
    "container inspect "*)
        if [ -e "$here/containers/$4" ]; then cat "$here/containers/$4"; else
            echo "Error response from daemon: No such container: $4" >&2
            exit 1
        fi ;;
    "exec "*"image.conf && exec"*|"run "*"image.conf && exec"*) cat >"$here/question"; cat "$here/index" ;;
    "exec "*newer=*) cat >/dev/null; cat "$here/container" "$here/contents" ;;
    "exec "*entrypoint.sh*) sed -n "s/^\([0-9]*\) [0-9a-f]\{40\} \(.*\)/\1 \2/p" |
        { printf '\036remotes\n'; while read -r number address; do
            case $address in *gone*) echo "$number missing" ;; *) echo "$number there" ;; esac
        done; } ;;
    "run "*" -c "*) printf '/srv/baked\n' ;;
    "run "*)
        if grep -q END_OF_CONTENTS; then cat "$here/image-contents"; else
            case "$*" in
                *run-latest-root*) cat "$here/run" ;;
                *dev-latest-root*) cat "$here/dev" ;;
            esac
        fi ;;
    *) echo "unexpected: $*" >&2; exit 64 ;;
esac"#;

pub const DIRECTORY: &str = "installation/amd64-cpu";

/// The installation.
pub struct Packages {
    pub desk: Desk,
    pub base: Value,
    pub run: Value,
    pub dev: Value,
    pub container: Option<Value>,
    /// Packages whose files the builds did not record.
    pub unrecorded: Vec<String>,
}

pub fn deb(name: &str, version: &str, manual: bool) -> Value {
    json!({"name": name, "version": version, "architecture": "amd64", "manual": manual})
}

pub fn dist(name: &str, version: &str, requested: bool, requires: &[&str]) -> Value {
    json!({"name": name, "version": version, "installer": "pip", "requested": requested,
        "location": "/usr/local/lib/python3.11/dist-packages", "direct_url": null,
        "requires": requires, "user_site": false, "tags": ["py3-none-any"]})
}

/// The digest that the stand-in's wheel of a package has.
pub fn sha256_of(name: &str) -> String {
    let digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits:0<64}")
}

/// The line of the build's list for a package.
pub fn locked_line(name: &str, version: &str) -> String {
    format!("{name}=={version} --hash=sha256:{}\n", sha256_of(name))
}

pub fn snapshot(apt: &[Value], distributions: &[Value]) -> Value {
    json!({"schema": 1, "platform": "amd64",
        "os": {"id": "debian", "version_id": "12", "codename": "bookworm"},
        "apt": apt, "conda": [],
        "python": {"executable": "/usr/bin/python3", "version": "3.11.2", "prefix": "/usr",
            "distributions": distributions}})
}

/// What the files of Python packages are: each with a file that is not as its RECORD says.
pub fn contents(changed: &[(&str, &str, &str)]) -> String {
    let distributions: Vec<Value> = changed
        .iter()
        .map(|(name, version, path)| {
            json!({"name": name, "version": version, "location": "/x", "record": "",
                "changed": [{"path": path, "sha256": "aa"}]})
        })
        .collect();
    let contents = json!({"schema": 1, "distributions": distributions});
    format!("\u{1e}contents\n{contents}\n")
}

impl Packages {
    /// An installation whose images were built from its lists; nothing was installed since.
    pub fn new() -> Self {
        let base_apt = [deb("bash", "5.2", true)];
        let base = snapshot(&base_apt, &[dist("pip", "23.0", false, &[])]);
        let mut apt = base_apt.to_vec();
        apt.push(deb("libgl1", "1.6", true));
        let distributions = [
            dist("numpy", "1.26.4", true, &["helper"]),
            dist("helper", "1.0", false, &[]),
            dist("pip", "23.0", false, &[]),
        ];
        let run = snapshot(&apt, &distributions);
        apt.push(deb("less", "590", true));
        let dev = snapshot(&apt, &distributions);
        let desk = Desk::new()
            .program("docker", DOCKER)
            // A remote engine: envtpl then asks the command line alone.
            .variable("DOCKER_HOST", "tcp://nowhere.invalid:1")
            .file(
                &format!("{DIRECTORY}/.env"),
                "USR=alice\nPROJECT_ROOT_AT=/project/p\n",
            )
            .file(&format!("{DIRECTORY}/compose.yaml"), "services: {}\n")
            .file(&format!("{DIRECTORY}/compose-base.yaml"), "services: {}\n")
            .file(&format!("{DIRECTORY}/dependencies/apt-build.txt"), "")
            .file(
                &format!("{DIRECTORY}/dependencies/apt-runtime.txt"),
                "libgl1\n",
            )
            .file(
                &format!("{DIRECTORY}/dependencies/apt-dev.txt"),
                "# tools\nless # to read\n",
            )
            .file(
                &format!("{DIRECTORY}/dependencies/requirements.txt"),
                "# What the code needs.\r\nnumpy>=1  # arrays\r\n",
            )
            .file(
                &format!("{DIRECTORY}/dependencies/locked/README.md"),
                "Written by freeze.\n",
            );
        let packages = Self {
            desk,
            base,
            run,
            dev,
            container: None,
            unrecorded: Vec::new(),
        };
        let service = |image: &str| json!({"image": format!("lab/p:{image}"), "build": {"args": {"BASE_IMAGE": "base:12"}}});
        let config = json!({"name": "p-amd64-cpu-alice", "services": {
            "image-run-root": service("amd64-cpu-run-latest-root"),
            "image-dev-root": service("amd64-cpu-dev-latest-root"),
            "dev-local-cpu": {"image": "lab/p:amd64-cpu-dev-latest-alice"},
        }});
        packages.answer("config.json", &config.to_string());
        packages.answer("ps", "");
        packages.answer("contents", &contents(&[]));
        packages.answer("image-contents", &contents(&[]));
        packages.answer("started-from", "sha256:amd64-cpu-dev-latest-alice\n");
        for image in [
            "12",
            "amd64-cpu-run-latest-root",
            "amd64-cpu-dev-latest-root",
            "amd64-cpu-dev-latest-alice",
        ] {
            packages.answer(
                &format!("images/{image}"),
                &json!([{"Id": format!("sha256:{image}")}]).to_string(),
            );
        }
        packages
    }

    /// Starts a container with what is in the dev image and these besides.
    pub fn with_container(mut self, apt: &[Value], distributions: &[Value]) -> Self {
        let mut now = self.dev.clone();
        now["apt"]
            .as_array_mut()
            .expect("a list")
            .extend_from_slice(apt);
        now["python"]["distributions"]
            .as_array_mut()
            .expect("a list")
            .extend_from_slice(distributions);
        self.container = Some(now);
        self.answer("ps", "c0ffee p-dev-run-1 dev-local-cpu\n");
        self
    }

    /// Writes a file that the stand-in answers with.
    pub fn answer(&self, name: &str, text: &str) {
        let path = self.answers().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }

    pub fn answers(&self) -> PathBuf {
        self.desk
            .work()
            .parent()
            .expect("a parent")
            .join("bin/answers")
    }

    /// Makes the stand-in answer with what the fields say.
    pub fn ready(&self) -> &Desk {
        let part = |name: &str, snapshot: &Value| format!("\u{1e}{name}\n{snapshot}\n");
        let base = part("base", &self.base);
        let run = part("run", &self.run);
        let dev = part("dev", &self.dev);
        let now = |snapshot: &Value| part("now", snapshot);
        let base = base + &self.resolved();
        self.answer("run", &(base.clone() + &run + &now(&self.run)));
        // The dev image stands on the stage that wrote the record of run.
        self.answer("dev", &(base.clone() + &run + &dev + &now(&self.dev)));
        if let Some(container) = &self.container {
            self.answer("container", &(base + &run + &dev + &now(container)));
        }
        &self.desk
    }

    /// What builds record of the files that they resolve: a wheel for each package.
    pub fn resolved(&self) -> String {
        let snapshots = [Some(&self.dev), self.container.as_ref()];
        let distributions = snapshots
            .iter()
            .flatten()
            .filter_map(|snapshot| snapshot["python"]["distributions"].as_array())
            .flatten();
        let mut seen = BTreeMap::new();
        for found in distributions {
            let text = |field: &str| found[field].as_str().expect(field).to_owned();
            let (name, version) = (text("name").to_lowercase(), text("version"));
            if found["direct_url"].is_null() && !self.unrecorded.contains(&name) {
                seen.insert(name, version);
            }
        }
        let packages = seen.iter().map(|(name, version)| {
            format!(
                "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nwheels = [{{ url = \
                 \"https://files/{name}-{version}-py3-none-any.whl\", hashes = {{ sha256 = \
                 \"{}\" }} }}]\n",
                sha256_of(name)
            )
        });
        format!("\u{1e}resolved\n{}", packages.collect::<String>())
    }

    /// The next build: the images hold what the container holds, with what was asked for marked.
    pub fn rebuild(&mut self) {
        if let Some(container) = self.container.take() {
            self.dev = container;
        }
        self.answer("ps", "");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.desk.work().join(DIRECTORY).join(name)).expect(name)
    }

    /// Every file of the project, envtpl's own state aside.
    pub fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut tree = BTreeMap::new();
        collect(&self.desk.work(), &mut tree);
        tree
    }
}

fn collect(directory: &Path, tree: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.ends_with(".envtpl") {
            continue;
        }
        if path.is_symlink() {
            let target = fs::read_link(&path).expect("read");
            tree.insert(path, target.into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            collect(&path, tree);
        } else {
            tree.insert(path.clone(), fs::read(&path).expect("read"));
        }
    }
}
