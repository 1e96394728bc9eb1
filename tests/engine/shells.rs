//! Shells in dev containers, typed into through a terminal.

use rexpect::session::{PtySession, spawn_command};

use crate::ended::Ended;
use crate::run::give_to_alice;
use crate::terminal::PATIENCE;
use crate::workshop::{Workshop, docker};

/// Types a line; returns when the shell shows a text.
fn type_in(session: &mut PtySession, line: &str, shown: &str) {
    session.send_line(line).expect("sent");
    session.exp_string(shown).expect(shown);
}

/// Opens a shell and waits for its prompt.
fn open(shop: &Workshop, command: &[&str], prompt: &str) -> PtySession {
    let command = shop.command(&[&["dev"], command].concat());
    let mut session = spawn_command(command, Some(PATIENCE)).expect("starts");
    session.exp_string(prompt).expect(prompt);
    session
}

fn leave(mut session: PtySession) {
    session.send_line("exit").expect("sent");
    session.exp_eof().expect("it ends");
}

#[test]
fn a_shell_says_where_it_is_and_knows_what_was_typed_before() {
    let shop = Workshop::new("shells");
    shop.append("dependencies/apt-dev.txt", "zsh\n");
    give_to_alice(shop.root());
    shop.envtpl(&["build", "--allow-dirty"]).expect(0);
    let prompt = format!("amd64-cpu:/project/{}$ ", shop.project);

    for (shell, list) in [("bash", "history"), ("zsh", "fc -l 1")] {
        let mut session = open(&shop, &[shell], &prompt);
        type_in(
            &mut session,
            &format!("echo in-{shell}-$((40+2))"),
            &format!("in-{shell}-42"),
        );
        type_in(&mut session, " echo not-$((1+1))-kept", "not-2-kept");
        leave(session);
        let mut session = open(&shop, &[shell], &prompt);
        type_in(&mut session, list, &format!("echo in-{shell}-$((40+2))"));
        type_in(&mut session, "cd; echo at home", "amd64-cpu:~$ ");
        leave(session);
    }
    // Nobody else reads it, and the project has nothing of it.
    let kept = "cd /var/lib/envtpl/kept; stat -c '%n %U %a' *; grep -c not- *";
    let ended = shop.envtpl(&["dev", "sh", "-c", kept]).expect(1);
    assert_eq!(
        ended.stdout,
        "bash_history alice 600\nzsh_history alice 600\nbash_history:0\nzsh_history:0\n"
    );
    let found = std::process::Command::new("grep")
        .args(["--recursive", "--files-with-matches", "in-bash-"])
        .arg(shop.root())
        .output()
        .expect("grep runs");
    assert_eq!(Ended::of(found).expect(1).stdout, "");

    // The shell of one's choice, in the workspace as well; and opened past the entrypoint.
    shop.set("DEV_SHELL", "zsh");
    let mut session = open(&shop, &[], &prompt);
    type_in(&mut session, "echo is-$ZSH_NAME", "is-zsh");
    leave(session);
    let up = shop.envtpl(&["dev", "--up"]).expect(0);
    let workspace = up.stdout.trim();
    let mut session = spawn_command(shop.command(&["attach"]), Some(PATIENCE)).expect("starts");
    session.exp_string(&prompt).expect("the prompt");
    type_in(&mut session, "echo is-$ZSH_NAME", "is-zsh");
    leave(session);
    for shell in ["bash", "zsh"] {
        let ask = "echo $HISTFILE; case $PATH in */current/bin:*) echo with the project ;; esac";
        let ended = docker(&["exec", workspace, shell, "-ic", ask]).expect(0);
        assert_eq!(
            ended.stdout,
            format!("/var/lib/envtpl/kept/{shell}_history\nwith the project\n")
        );
    }
    shop.envtpl(&["down"]).expect(0);

    // A person's own settings come last.
    let own = shop.root().join("own rc");
    std::fs::write(&own, "PS1='mine> '; PROMPT='mine> '\n").expect("written");
    shop.write(
        "compose.override.yaml",
        "services:\n  dev-local-cpu:\n    volumes:\n      \
         - {type: bind, source: \"../../own rc\", target: /home/alice/.bashrc}\n      \
         - {type: bind, source: \"../../own rc\", target: /home/alice/.zshrc}\n",
    );
    for (shell, list) in [("bash", "history"), ("zsh", "fc -l 1")] {
        let mut session = open(&shop, &[shell], "mine> ");
        type_in(&mut session, list, &format!("echo in-{shell}-$((40+2))"));
        leave(session);
    }
}
