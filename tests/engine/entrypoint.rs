//! How a container starts: what it says, and what the command finds.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::asked::KEY;
use crate::workshop::{Ended, Workshop, docker};

/// One built project for all tests that only start containers; the last of them removes it.
pub fn shop() -> Arc<Workshop> {
    static SHOP: Mutex<Weak<Workshop>> = Mutex::new(Weak::new());
    let mut shared = SHOP.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let shop = Workshop::new("entrypoint");
        shop.append("dependencies/apt-runtime.txt", "busybox\ngit\n");
        shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
        let shop = Arc::new(shop);
        *shared = Arc::downgrade(&shop);
        shop
    })
}

/// A directory of alice's on this machine, who is the person of the images.
pub struct Alices(tempfile::TempDir);

impl Alices {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("envtpl test alice's é ")
            .tempdir()
            .expect("a directory");
        let alices = Self(directory);
        for (name, text) in files {
            let path = alices.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        alices.give();
        alices
    }

    /// A package that can be imported once it is installed.
    pub fn project() -> Self {
        Self::new(&[
            ("pyproject.toml", PYPROJECT),
            ("lamp/__init__.py", "BRIGHT = 7\n"),
        ])
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// Writes a file as hers.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("written");
        self.give();
    }

    fn give(&self) {
        let owned = Command::new("chown")
            .args(["-R", "1234:1234"])
            .arg(self.path())
            .output()
            .expect("chown runs");
        Ended::of(owned).expect(0);
    }

    /// The option that mounts it.
    pub fn at(&self, target: &str) -> String {
        format!("--volume={}:{target}", self.path().display())
    }
}

const PYPROJECT: &str = r#"[project]
name = "lamp"
version = "1"
[build-system]
requires = []
build-backend = "hatchling.build"
"#;
const IMPORT: &[&str] = &["python3", "-c", "import lamp; print(lamp.BRIGHT)"];
const ROOT: &str = "--env=PROJECT_ROOT_AT=/project";

/// Starts a container of the run image, as the engine alone does.
pub fn start(shop: &Workshop, options: &[&str], command: &[&str]) -> Ended {
    let image = shop.tag("run-latest-alice");
    let fixed = ["run", "--rm", "--network=none"];
    docker(&[&fixed[..], options, &[&image], command].concat())
}

/// What was told was one line, and the command ran; when strict, the same line, and it did not.
pub fn told(shop: &Workshop, options: &[&str], what: &[&str]) {
    let ended = start(shop, options, &["echo", "it runs"]).expect(0);
    assert_eq!(ended.stdout, "it runs\n");
    let line = ended.stderr.strip_prefix("warning: ").unwrap_or_default();
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for what in what {
        assert!(line.contains(what), "{what} is not in {line}");
    }
    let strict = [options, &["--env=ENVTPL_STRICT=1"]].concat();
    let ended = start(shop, &strict, &["echo", "it runs"]).expect(1);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, format!("error: {line}"));
}

#[test]
fn a_start_where_all_is_well_says_nothing_unless_asked() {
    let shop = shop();
    let project = Alices::project();
    let mount = project.at("/project");
    for _ in 0..2 {
        let ended = start(&shop, &[&mount, ROOT], IMPORT).expect(0).silent();
        assert_eq!(ended.stdout, "7\n");
    }
    std::fs::remove_dir_all(project.path().join(".envtpl")).expect("there");
    let options = [&mount, ROOT, "--env=ENVTPL_VERBOSE=1"];
    let ended = start(&shop, &options, IMPORT)
        .expect(0)
        .says("note: the project is installed in .envtpl/project/");
    assert_eq!(ended.stdout, "7\n");
    let skipped = [&mount, ROOT, "--env=SKIP_INSTALL_PROJECT=1"];
    std::fs::remove_dir_all(project.path().join(".envtpl")).expect("there");
    start(&shop, &skipped, IMPORT).expect(1);
    assert!(!project.path().join(".envtpl").exists());
}

#[test]
fn a_persons_variables_reach_the_command_as_they_are() {
    let shop = shop();
    let project = Alices::project();
    let names =
        "project PROJECT PYTHON INSTALLATION BASE_ENTRYPOINT found name once shell value line";
    let own: Vec<String> = names
        .split(' ')
        .map(|name| format!("--env={name}=a person's {name}"))
        .collect();
    let mount = project.at("/project");
    let mut options: Vec<&str> = own.iter().map(String::as_str).collect();
    options.extend([&mount, ROOT]);
    let ended = start(&shop, &options, &["env"]).expect(0).silent();
    for name in names.split(' ') {
        let line = format!("{name}=a person's {name}\n");
        assert!(ended.stdout.contains(&line), "{name}:\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("envtpl_"), "{}", ended.stdout);
}

#[test]
fn a_project_that_is_not_where_it_should_be_is_told_in_one_line() {
    let shop = shop();
    let elsewhere = "--env=PROJECT_ROOT_AT=/elsewhere";
    told(&shop, &[], &["PROJECT_ROOT_AT is not set", "set it to"]);
    told(
        &shop,
        &[elsewhere],
        &["=/elsewhere", "mount the project there"],
    );
    told(
        &shop,
        &["--env=PROJECT_ROOT_AT=here"],
        &["=here", "begin with /"],
    );
    // What an engine makes where there is nothing to mount.
    let empty = Alices::new(&[]);
    let there = empty.at("/elsewhere");
    told(
        &shop,
        &[&there, elsewhere],
        &["is not the project", "mount"],
    );
    let closed = Alices::project();
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).expect("set");
    let there = closed.at("/elsewhere");
    let other = ["--user=33", "--env=HOME=/tmp", &there, elsewhere];
    told(
        &shop,
        &other,
        &["cannot be read by user 33", "as its owner"],
    );
    // Whoever says so knows it.
    let skip = "--env=SKIP_INSTALL_PROJECT=1";
    start(&shop, &[elsewhere, skip], &["true"])
        .expect(0)
        .silent();
    // Not every project is a package.
    let scripts = Alices::new(&[("installation/amd64-cpu/compose.yaml", "")]);
    let there = scripts.at("/elsewhere");
    start(&shop, &[&there, elsewhere], &["true"])
        .expect(0)
        .silent();
}

#[test]
fn a_read_only_project_is_told_and_works_when_it_was_installed_before() {
    let shop = shop();
    let project = Alices::project();
    let writable = project.at("/project");
    let read_only = format!("{writable}:ro");
    told(
        &shop,
        &[&read_only, ROOT],
        &["read-only for user 1234", "is not installed", "once"],
    );
    start(&shop, &[&writable, ROOT], IMPORT).expect(0).silent();
    start(&shop, &[&read_only, ROOT], IMPORT).expect(0).silent();
    let changed = PYPROJECT.replace("\"1\"", "\"2\"");
    std::fs::write(project.path().join("pyproject.toml"), changed).expect("written");
    told(
        &shop,
        &[&read_only, ROOT],
        &["as it was before pyproject.toml changed"],
    );
    start(&shop, &[&read_only, ROOT], IMPORT)
        .expect(0)
        .prints("7");
    // Writable, but not for everybody.
    let other = ["--user=33", "--env=HOME=/tmp", &writable, ROOT];
    told(&shop, &other, &["read-only for user 33", "as its owner"]);
}

#[test]
fn what_root_makes_in_a_persons_project_is_the_persons() {
    use std::os::unix::fs::MetadataExt;
    let shop = shop();
    let project = Alices::project();
    let options = ["--user=0", &project.at("/project"), ROOT];
    start(&shop, &options, IMPORT).expect(0).silent();
    for made in ["", "/.gitignore", "/project"] {
        let path = format!("{}/.envtpl{made}", project.path().display());
        let owner = std::fs::metadata(&path).expect("there");
        assert_eq!((owner.uid(), owner.gid()), (1234, 1234), "{path}");
    }
    start(&shop, &options[1..], IMPORT).expect(0).silent();
    assert_eq!(project.read(".envtpl/.gitignore"), "*\n");
}

#[test]
fn a_user_whom_the_image_does_not_know_gets_a_home_and_a_name() {
    let shop = shop();
    let unknown = ["--user=4321:4321", "--env=SKIP_INSTALL_PROJECT=1"];
    told(
        &shop,
        &unknown,
        &["no user here has the number 4321", "envtpl build-user"],
    );
    let script = "import getpass, os; print(getpass.getuser(), os.path.expanduser('~')); \
                  open(os.path.expanduser('~/kept'), 'w')";
    let ended = start(&shop, &unknown, &["python3", "-c", script]).expect(0);
    assert_eq!(ended.stdout, "user4321 /tmp/home-4321\n");
    let own = [&unknown[..], &["--env=HOME=/tmp"]].concat();
    start(&shop, &own, &["true"]).expect(0).silent();
    // Somebody else's directory of that name is nobody's home.
    let taken = Alices::new(&[("home-4321/x", "")]);
    std::fs::set_permissions(taken.path(), std::fs::Permissions::from_mode(0o1777)).expect("set");
    let mount = taken.at("/tmp");
    let ended = start(
        &shop,
        &[&unknown[..], &[&mount]].concat(),
        &["sh", "-c", "echo $HOME"],
    );
    let ended = ended.expect(0).says("number 4321");
    assert!(ended.stdout.starts_with("/tmp/tmp."), "{}", ended.stdout);
}

#[test]
fn a_home_that_cannot_be_written_is_told_in_one_line() {
    let shop = shop();
    let root = Alices::new(&[]);
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o555)).expect("set");
    let home = root.at("/home/alice");
    let skip = "--env=SKIP_INSTALL_PROJECT=1";
    told(
        &shop,
        &[&home, skip],
        &["HOME=/home/alice", "by alice", "set HOME"],
    );
    let ended = start(&shop, &[&home, skip], &["sh", "-c", "echo $HOME"]).expect(0);
    assert_eq!(ended.stdout, "/tmp/home-1234\n");
    // Nothing at all can be written.
    told(
        &shop,
        &[&home, skip, "--read-only"],
        &["neither can /tmp be written"],
    );
    let ended = start(
        &shop,
        &[&home, skip, "--read-only"],
        &["sh", "-c", "echo $HOME"],
    )
    .expect(0);
    assert_eq!(ended.stdout, "/home/alice\n");
}

#[test]
fn busybox_can_be_the_shell_and_all_its_tools() {
    let shop = shop();
    let project = Alices::project();
    let keys = Alices::new(&[("hf", KEY), ("shm/x", "")]);
    let (mount, keyed) = (project.at("/project"), keys.at("/keys"));
    let script = "mkdir /tmp/tools; busybox --install -s /tmp/tools; export PATH=/tmp/tools:$PATH; \
                  exec busybox sh /opt/envtpl/entrypoints/entrypoint.sh \"$@\"";
    let image = shop.tag("run-latest-alice");
    let busy = |options: &[&str], command: &str| {
        let fixed = [
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=sh",
            &mount,
            &keyed,
            ROOT,
        ];
        let words = [&image, "-c", script, "sh", "sh", "-c", command];
        docker(&[&fixed[..], options, &words].concat()).expect(0)
    };
    let import =
        "python3 -c 'import lamp; print(lamp.BRIGHT)'; echo $HF_TOKEN; readlink $(command -v stat)";
    let slurm = ["--env=SLURM_JOB_ID=1", "--env=SLURM_LOCALID=0"];
    let options = [
        &slurm[..],
        &[
            "--env=HF_TOKEN_AT=/keys/hf",
            "--env=GIT_CONFIG_AT=/keys/git",
            "--env=VSCODE_SERVER_AT=/keys/code",
            "--env=ENVTPL_VERBOSE=1",
        ],
    ]
    .concat();
    let ended = busy(&options, import)
        .says("note: for all ranks of this node: project")
        .says("note: the project is installed in ")
        .says("note: git's settings are those of /keys/git")
        .says("note: /home/alice/.vscode-server is kept in /keys/code/projects/project")
        .keeps_quiet_about("warning");
    assert_eq!(ended.stdout, format!("7\n{KEY}\n/usr/bin/busybox\n"));
    busy(&slurm, import).silent();
    let unknown = [&slurm[..], &["--user=4321"]].concat();
    let ended = busy(&unknown, "echo $HOME $USER").says("no user here has the number 4321");
    assert_eq!(ended.stdout, "/tmp/home-4321 user4321\n");
}

/// A container that goes when the test ends.
pub struct Container(pub &'static str);

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", self.0]);
    }
}
