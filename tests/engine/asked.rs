//! What containers have when a variable asks for it: keys, git's settings, editors' directories.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::entrypoint::{Alices, Container, shop, start, told};
use crate::waiting::{MINUTE, found};
use crate::workshop::{Workshop, docker};

const SKIP: &str = "--env=SKIP_INSTALL_PROJECT=1";

/// One that looks like a key, and can be searched for.
pub const KEY: &str = "local-1f0e2d3c4b5a69788796a5b4c3d2e1f0deadbeef";

#[test]
fn keys_come_from_files_and_secrets_and_are_nowhere_to_be_seen() {
    let shop = shop();
    let keys = Alices::new(&[("wandb", &format!("{KEY}\r\n")), ("hf", KEY)]);
    let name = "envtpl-test-entrypoint-keys";
    let netrc = Alices::new(&[("netrc", &format!("machine h login joe password {KEY}\n"))]);
    let netrc = format!(
        "--volume={}/netrc:/run/envtpl/netrc:ro",
        netrc.path().display()
    );
    let secret = format!(
        "--volume={}/hf:/run/secrets/hf_token:ro",
        keys.path().display()
    );
    let script = "import os, time; \
                  print(*(os.environ[name][::-1] for name in ('WANDB_API_KEY', 'HF_TOKEN')), flush=True); \
                  time.sleep(600)";
    let options = [
        "run",
        "--detach",
        "--network=none",
        "--name",
        name,
        "--env=SKIP_INSTALL_PROJECT=1",
        "--env=ENVTPL_VERBOSE=1",
        "--env=WANDB_API_KEY_FILE_AT=/keys/wandb",
        &secret,
        &netrc,
        &keys.at("/keys"),
        &shop.tag("run-latest-alice"),
        "python3",
        "-c",
        script,
    ];
    docker(&options).expect(0);
    let _removed = Container(name);
    let logs = found("it has read its keys", MINUTE, || {
        let logs = docker(&["logs", name]);
        (!logs.stdout.is_empty()).then_some(logs)
    });
    let backwards: String = KEY.chars().rev().collect();
    assert_eq!(logs.stdout, format!("{backwards} {backwards}\n"));
    let logs = logs
        .says("note: WANDB_API_KEY is that of /keys/wandb")
        .says("note: HF_TOKEN is that of /run/secrets/hf_token");
    for shown in [
        logs.stdout + &logs.stderr,
        docker(&["inspect", name]).expect(0).stdout,
        docker(&["top", name, "-eo", "pid,args"]).expect(0).stdout,
        docker(&["exec", name, "sh", "-c", "cat /proc/*/cmdline"]).stdout,
        docker(&["exec", name, "env"]).expect(0).stdout,
    ] {
        assert!(!shown.is_empty());
        assert!(!shown.contains(KEY), "{shown}");
    }
    // Neither is any of it in what the container has written.
    let written = format!("{}:written", shop.image);
    docker(&["commit", name, &written]).expect(0);
    assert_eq!(crate::scanner::secrets(&written), Vec::<String>::new());
}

#[test]
fn a_key_that_cannot_be_had_is_a_warning_and_the_command_runs() {
    let shop = shop();
    let keys = Alices::new(&[
        ("empty", "\n"),
        ("script", "export WANDB_API_KEY=abc\n"),
        ("closed", KEY),
        ("good", KEY),
        ("directory/x", ""),
    ]);
    let closed = keys.path().join("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("set");
    let mount = keys.at("/keys");
    for (variable, file, why) in [
        ("WANDB_API_KEY_FILE_AT", "missing", "is not there"),
        ("WANDB_API_KEY_FILE_AT", "directory", "is a directory"),
        ("WANDB_API_KEY_FILE_AT", "empty", "is empty"),
        ("WANDB_API_KEY_FILE_AT", "script", "is not a key"),
        ("HF_TOKEN_AT", "closed", "cannot be read by user 1234"),
    ] {
        let at = format!("--env={variable}=/keys/{file}");
        let asked = format!("{variable}=/keys/{file}");
        told(
            &shop,
            &[&mount, "--env=SKIP_INSTALL_PROJECT=1", &at],
            &[&asked, why, "is not set: "],
        );
    }
    // What is in the environment is what the library reads.
    let ended = start(
        &shop,
        &[
            &mount,
            "--env=SKIP_INSTALL_PROJECT=1",
            "--env=HF_TOKEN=mine",
            "--env=HF_TOKEN_AT=/keys/good",
        ],
        &["sh", "-c", "echo $HF_TOKEN"],
    );
    assert_eq!(ended.expect(0).silent().stdout, "mine\n");
}

/// What a training script does first: it fails without a key.
const LIBRARIES: &str = "\
import os, wandb, huggingface_hub
os.chdir('/tmp')
print(wandb.login(verify=False), huggingface_hub.get_token()[::-1])
with wandb.init(mode='offline', project='lamp') as run:
    run.log({'bright': 7})
";

#[test]
fn the_libraries_find_their_keys_without_a_network() {
    let shop = Workshop::new("libraries");
    let requirements = "dependencies/requirements.txt";
    shop.append(requirements, "wandb\nhuggingface_hub\n");
    shop.envtpl(&["build-user", "--allow-dirty"]).expect(0);
    let keys = Alices::new(&[("wandb", KEY), ("hf", KEY)]);
    let backwards: String = KEY.chars().rev().collect();
    let found = format!("True {backwards}\n");

    let (wandb, hf) = (
        "--env=WANDB_API_KEY_FILE_AT=/keys/wandb",
        "--env=HF_TOKEN_AT=/keys/hf",
    );
    let options = [SKIP, &keys.at("/keys"), wandb, hf];
    let python = ["python3", "-c", LIBRARIES];
    let ended = start(&shop, &options, &python).expect(0);
    assert_eq!(ended.stdout, found, "{}", ended.stderr);
    assert!(!ended.stderr.contains(KEY), "{}", ended.stderr);
    start(&shop, &[SKIP, hf], &python).expect(1);
    // As it stands in a variable, it is nobody's business but the library's.
    let given = format!("--env=WANDB_API_KEY={KEY}");
    start(&shop, &[SKIP, &given], &["true"]).expect(0).silent();

    // The engine's secrets, as docs/container-variables.md says.
    let document = include_str!("../../docs/container-variables.md");
    let (_, yaml) = document.split_once("```yaml\n").expect("an example");
    let (yaml, _) = yaml.split_once("```").expect("its end");
    let file = "~/.secrets/wandb_api_key";
    assert!(yaml.contains(file), "{yaml}");
    let there = format!("\"{}/wandb\"", keys.path().display());
    shop.write("compose.override.yaml", &yaml.replace(file, &there));
    let script = "import os; print(os.environ['WANDB_API_KEY'][::-1])";
    let ended = shop.envtpl(&[
        "run",
        "-e",
        "SKIP_INSTALL_PROJECT=1",
        "python3",
        "-c",
        script,
    ]);
    assert_eq!(ended.expect(0).stdout, format!("{backwards}\n"));
}

#[test]
fn the_settings_of_git_are_kept_in_a_file() {
    let shop = shop();
    let kept = Alices::new(&[("taken", "[user]\n\tname = home\n"), ("directory/x", "")]);
    let mount = kept.at("/kept");
    let at = "--env=GIT_CONFIG_AT=/kept/new/gitconfig";
    // As a program without any variables sees it, and as the person writes it.
    let write = "git config --global user.name Alice && env -i HOME=$HOME git config user.name";
    let ended = start(&shop, &[&mount, SKIP, at], &["sh", "-c", write]).expect(0);
    assert_eq!(ended.silent().stdout, "Alice\n");
    let file = kept.path().join("new/gitconfig");
    assert_eq!(std::fs::metadata(&file).expect("made").uid(), 1234);
    let read = ["git", "config", "user.name"];
    let ended = start(&shop, &[&mount, SKIP, at], &read).expect(0);
    assert_eq!(ended.silent().stdout, "Alice\n");
    // What somebody mounted in the home is not touched, and what was asked for holds all the same.
    let taken = format!(
        "--volume={}/taken:/home/alice/.gitconfig",
        kept.path().display()
    );
    let ended = start(&shop, &[&mount, &taken, SKIP, at], &read).expect(0);
    assert_eq!(ended.silent().stdout, "Alice\n");
    assert_eq!(kept.read("taken"), "[user]\n\tname = home\n");
    let same = "--env=GIT_CONFIG_AT=/home/alice/.gitconfig";
    let ended = start(&shop, &[&taken, SKIP, same], &read).expect(0);
    assert_eq!(ended.silent().stdout, "home\n");
    for (file, why) in [
        ("/kept/directory", "is a directory"),
        ("/gitconfig", "cannot be made by user 1234"),
        ("/etc/shadow", "cannot be read by user 1234"),
    ] {
        let at = format!("--env=GIT_CONFIG_AT={file}");
        told(
            &shop,
            &[&mount, SKIP, &at],
            &[file, why, "so git does not use it: "],
        );
    }
}

/// Writes a file in each directory that an editor's server uses.
const EDITORS: &str = "cd; for at in .vscode-server .cursor-server .cache/JetBrains \
    .cache/JetBrains/RemoteDev/dist .config/JetBrains .local/share/JetBrains; do \
    cat $at/note 2>/dev/null; echo $at >$at/note || exit; done";

#[test]
fn what_editors_install_is_kept_for_each_project() {
    let shop = shop();
    let kept = Alices::new(&[("x", "")]);
    let mount = kept.at("/kept");
    let options = [
        &mount,
        SKIP,
        "--env=VSCODE_SERVER_AT=/kept/code",
        "--env=CURSOR_SERVER_AT=/kept/cursor",
        "--env=JETBRAINS_SERVER_AT=/kept/jet brains",
    ];
    let project = |root: &str| {
        let root = format!("--env=PROJECT_ROOT_AT={root}");
        let options = [&options[..], &[&root]].concat();
        start(&shop, &options, &["sh", "-c", EDITORS])
            .expect(0)
            .silent()
    };
    assert_eq!(project("/home/alice's é/lamp").stdout, "");
    let name = "home-alice's é-lamp";
    for (file, at) in [
        (format!("code/projects/{name}"), ".vscode-server"),
        (format!("cursor/projects/{name}"), ".cursor-server"),
        (
            format!("jet brains/projects/{name}/cache"),
            ".cache/JetBrains",
        ),
        (
            format!("jet brains/projects/{name}/config"),
            ".config/JetBrains",
        ),
        (
            format!("jet brains/projects/{name}/share"),
            ".local/share/JetBrains",
        ),
        (
            "jet brains/dist".to_owned(),
            ".cache/JetBrains/RemoteDev/dist",
        ),
    ] {
        assert_eq!(kept.read(&format!("{file}/note")), format!("{at}\n"));
    }
    let all = project("/home/alice's é/lamp").stdout;
    assert_eq!(all.lines().count(), 6, "{all}");
    // Another project has only the IDEs of the first.
    assert_eq!(
        project("/other").stdout,
        ".cache/JetBrains/RemoteDev/dist\n"
    );
}

#[test]
fn an_editors_directory_that_cannot_be_used_is_told_in_one_line() {
    let shop = shop();
    let kept = Alices::new(&[("code/extension", "mine")]);
    let code = |at: &str| format!("--env=VSCODE_SERVER_AT={at}");
    told(
        &shop,
        &[SKIP, &code("/nowhere")],
        &[
            "VSCODE_SERVER_AT=/nowhere cannot be written by user 1234",
            "mount a",
        ],
    );
    told(
        &shop,
        &[SKIP, "--env=JETBRAINS_SERVER_AT=/nowhere"],
        &["JETBRAINS_SERVER_AT=/nowhere cannot be written"],
    );
    // As compose.yaml of a person may have it.
    let taken = format!(
        "--volume={}/code:/home/alice/.vscode-server",
        kept.path().display()
    );
    told(
        &shop,
        &[SKIP, &kept.at("/kept"), &taken, &code("/kept/other")],
        &[
            "/home/alice/.vscode-server is there already",
            "take one of the two away",
        ],
    );
    assert_eq!(kept.read("code/extension"), "mine");
}

#[test]
fn editors_are_for_one_rank_and_gits_settings_for_all() {
    let shop = shop();
    let kept = Alices::new(&[("git", "[user]\n\tname = Alice\n")]);
    let mount = kept.at("/kept");
    let script = "git config user.name; readlink ~/.vscode-server || echo none";
    let rank = |number: &str, remote: &str| {
        let ids = [
            format!("--env=SLURM_PROCID={number}"),
            format!("--env=SLURM_LOCALID={remote}"),
        ];
        let options = [
            &mount,
            SKIP,
            "--env=SLURM_JOB_ID=7",
            "--env=SLURM_ONE_REMOTE_DEV=1",
            "--env=GIT_CONFIG_AT=/kept/git",
            "--env=VSCODE_SERVER_AT=/kept/code",
            &ids[0],
            &ids[1],
        ];
        let ended = start(&shop, &options, &["sh", "-c", script]).expect(0);
        ended.silent().stdout
    };
    assert_eq!(rank("0", "0"), "Alice\n/kept/code/projects/none\n");
    assert_eq!(rank("1", "1"), "Alice\nnone\n");
    assert_eq!(rank("4", "0"), "Alice\nnone\n");
    assert!(Path::new(&kept.path().join("code/projects")).is_dir());
}

#[test]
fn jupyter_that_is_not_installed_is_told_with_the_line_that_installs_it() {
    let asked = ["--env=SKIP_INSTALL_PROJECT=1", "--env=JUPYTER_SERVER=1"];
    let add = "add the line `jupyterlab` to dependencies/requirements.txt of the installation";
    let what = ["Jupyter is not installed", add, "run: envtpl build"];
    told(&shop(), &asked, &what);
}
