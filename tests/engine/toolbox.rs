//! An image of a few programs, and the ways to run one of them: `envtpl tool`, and the script that
//! `envtpl wrap` prints under each shell, with docker and with podman.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::registries::Registry;
use crate::workshop::{BARE, Ended, Workshop, docker};

/// The programs of the image, without the rest of the distribution: a registry has it in a second.
const PROGRAMS: &str = "sh env id cat install stat setpriv ls wc sleep stty touch true";

/// A project whose generic dev image is small and in a registry, and the script for that image.
pub struct Toolbox {
    pub shop: Workshop,
    pub registry: Registry,
    /// The script of `envtpl wrap`, beside the project.
    pub script: PathBuf,
    /// The image's name in the registry.
    pub image: String,
    /// Where whatever envtpl and the engines need for this test lies.
    pub beside: tempfile::TempDir,
}

/// Who runs a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Root,
    /// 1234:1234, whom no list of users here knows; also in the group 4999.
    Alice,
}

impl Who {
    pub fn id(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Alice => 1234,
        }
    }
}

/// A way to run a command of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Tool,
    /// The script, under this shell.
    Script(&'static str),
    /// The script, with podman.
    Podman,
}

impl Toolbox {
    pub fn new(name: &str) -> Self {
        let shop = Workshop::new(name);
        let registry = Registry::start();
        let beside = tempfile::Builder::new()
            .prefix("envtpl test tools ")
            .tempdir()
            .expect("a directory");
        let mut toolbox = Self {
            script: beside.path().join("toolchain"),
            image: String::new(),
            shop,
            registry,
            beside,
        };
        toolbox.image = toolbox.push("first");
        let script = toolbox.script.to_str().expect("text");
        toolbox.shop.envtpl(&["wrap", "-o", script]).expect(0);
        toolbox.write_settings();
        toolbox.open_to_everybody();
        toolbox
    }

    /// Makes the image, with a word in `/word`, and gives it to the registry. Gives its name there.
    pub fn push(&self, word: &str) -> String {
        let image = self.shop.tag("dev-latest-root");
        let dockerfile = format!(
            "FROM {BARE} AS full\n\
             RUN mkdir -p /small/usr/bin /small/usr/lib /small/usr/lib64 /small/etc /small/root && cd /small && \
                 ln -s usr/bin bin && ln -s usr/lib lib && ln -s usr/lib64 lib64 && \
                 mkdir -m 1777 tmp && cp /etc/passwd /etc/group etc && \
                 for program in {PROGRAMS}; do \
                     path=$(command -v $program); if [ ! -x \"$path\" ]; then path=/usr/bin/$program; fi; \
                     cp --parents -L $path $(ldd $path | grep -o '/[^ ]*') /small || exit 1; \
                 done\n\
             FROM scratch\n\
             COPY --from=full /small /\n\
             ENV WORD={word} TOOLBOX={}\n",
            // Another image than that of another test, which is in another registry.
            self.shop.project
        );
        let file = self.beside.path().join("Dockerfile");
        std::fs::write(&file, dockerfile).expect("written");
        let file = file.to_str().expect("text");
        let context = self.shop.path("entrypoints");
        let context = context.to_str().expect("text");
        docker(&["build", "--quiet", "--tag", &image, "--file", file, context]).expect(0);
        self.registry.push(&image, "lab/tools:dev-latest")
    }

    /// What podman needs on a machine that gives it few rights, and to reach the registry.
    fn write_settings(&self) {
        let settings = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\", \"nproc=4096:4096\"]\n\
                        pids_limit=0\n[engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\n\
                        events_logger=\"file\"\n";
        std::fs::write(self.beside.path().join("containers.conf"), settings).expect("written");
        let registry = self.registry.name("");
        let registry = registry.trim_end_matches('/');
        let settings = format!("[[registry]]\nlocation = \"{registry}\"\ninsecure = true\n");
        std::fs::write(self.beside.path().join("registries.conf"), settings).expect("written");
    }

    /// The program, where everybody may run it; what the tests of this machine's person built may
    /// stand below a home that nobody else enters.
    fn open_to_everybody(&self) {
        let program = self.beside.path().join("envtpl");
        std::fs::copy(env!("CARGO_BIN_EXE_envtpl"), program).expect("copied");
        let opened = Command::new("chmod")
            .args(["755"])
            .arg(self.beside.path())
            .output();
        Ended::of(opened.expect("chmod runs")).expect(0);
    }

    /// A directory with a difficult name, which belongs to that person.
    pub fn directory(&self, who: Who) -> PathBuf {
        let directory = self.beside.path().join(format!("a, \"b\": é {}", who.id()));
        std::fs::create_dir_all(&directory).expect("made");
        std::os::unix::fs::chown(&directory, Some(who.id()), Some(who.id())).expect("given");
        directory
    }

    /// A command of the image, to be run in a directory by somebody in a certain way.
    pub fn command(&self, way: &Way, who: Who, directory: &Path, arguments: &[&str]) -> Command {
        let mut words: Vec<String> = Vec::new();
        if who == Who::Alice {
            let socket = std::fs::metadata("/var/run/docker.sock").expect("the engine's socket");
            let groups = format!("--groups={},4999", socket.gid());
            words.extend(["setpriv", "--reuid=1234", "--regid=1234"].map(str::to_owned));
            words.push(groups);
        }
        match way {
            Way::Tool => {
                words.push(self.beside.path().join("envtpl").display().to_string());
                words.push("-C".to_owned());
                words.push(self.shop.root().display().to_string());
                words.extend(["tool", "--mount"].map(str::to_owned));
                words.push(directory.display().to_string());
            }
            Way::Script(shell) => {
                words.extend(shell.split(' ').map(str::to_owned));
                words.push(self.script.display().to_string());
            }
            Way::Podman => words.push(self.script.display().to_string()),
        }
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .current_dir(directory)
            .env("HOME", self.beside.path())
            .env(
                "CONTAINERS_CONF",
                self.beside.path().join("containers.conf"),
            )
            .env(
                "CONTAINERS_REGISTRIES_CONF",
                self.beside.path().join("registries.conf"),
            )
            .env_remove("ENVTPL_INSTALLATION")
            .stdin(Stdio::null());
        if *way == Way::Podman {
            command.env("ENVTPL_ENGINE", "podman");
        }
        command
    }
}

impl Drop for Toolbox {
    fn drop(&mut self) {
        docker(&["image", "rm", "--force", &self.image]);
        let repository = self.image.rsplit_once(':').expect("a tag").0;
        let listed = Command::new("podman")
            .args(["images", "--quiet", "--filter"])
            .arg(format!("reference={repository}"))
            .output()
            .expect("podman runs");
        for image in Ended::of(listed).stdout.lines() {
            let removed = Command::new("podman")
                .args(["image", "rm", "--force", image])
                .output();
            drop(removed);
        }
    }
}
