//! Help, completions and manual pages.

use clap::CommandFactory;
use envtpl::cli::Cli;

use crate::desk::Desk;

/// The commands that help lists.
fn commands() -> Vec<String> {
    Cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| command.get_name().to_owned())
        .collect()
}

/// Help without the options that every command has; one place for them will do.
fn without_global_options(help: &str) -> String {
    let heading = "\nGlobal options:\n";
    let (before, rest) = help.split_once(heading).expect("every command has them");
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    format!("{before}\n{after}")
}

/// The whole tree in one file: a change of any option shows up in review.
/// `SNAPSHOTS=overwrite cargo test --test cli help` accepts it.
#[test]
fn the_whole_help_is_as_recorded() {
    let desk = Desk::new();
    let mut tree = String::new();
    let mut ask = |arguments: &[&str], shown: fn(&str) -> String| {
        let help = desk.envtpl(arguments).expect(0).stdout;
        tree.push_str(&format!(
            "$ envtpl {}\n{}\n",
            arguments.join(" "),
            shown(&help)
        ));
    };
    ask(&["-h"], str::to_owned);
    ask(&["--help"], str::to_owned);
    for command in commands() {
        ask(&[&command, "-h"], without_global_options);
    }
    snapbox::assert_data_eq!(tree, snapbox::file!["help.txt"].raw());
}

#[test]
fn every_command_has_examples() {
    let desk = Desk::new();
    for command in commands() {
        let help = desk.envtpl(&[&command, "--help"]).expect(0).stdout;
        let example = format!("\n  envtpl {command}");
        assert!(help.contains("Examples:\n"), "{command}:\n{help}");
        assert!(help.contains(&example), "{command}:\n{help}");
    }
}

#[test]
fn names_with_underscores_are_understood() {
    let desk = Desk::new();
    for older in [
        "edit_platform",
        "edit_from_base",
        "build_generic",
        "build_user",
        "list_env",
        "empty_interactive",
    ] {
        desk.envtpl(&[older, "--help"]).expect(0);
    }
}

#[test]
fn what_is_no_command_is_a_usage_error() {
    let desk = Desk::new();
    desk.envtpl(&["buidl"]).expect(2).says("build");
    desk.envtpl(&["build", "--no-such-option"]).expect(2);
    let ended = desk.envtpl(&[]).expect(2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("Usage:"), "{}", ended.stderr);
}

#[test]
fn completions_know_the_commands_in_every_shell() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        desk.envtpl(&["completions", shell])
            .expect(0)
            .prints("bootstrap-base")
            .prints("build-generic");
    }
    desk.envtpl(&["completions", "tcsh"]).expect(2);
}

#[test]
fn each_command_has_a_manual_page() {
    let desk = Desk::new();
    desk.envtpl(&["man", "--dry-run", "pages/man1"])
        .expect(0)
        .prints("envtpl-build.1");
    assert!(!desk.has("pages"));
    desk.envtpl(&["man", "pages/man1"]).expect(0);
    assert!(
        desk.text("pages/man1/envtpl.1")
            .contains("envtpl\\-check(1)")
    );
    for command in commands() {
        let page = desk.text(&format!("pages/man1/envtpl-{command}.1"));
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let written = envtpl::files::list(&desk.work().join("pages/man1")).expect("listed");
    assert_eq!(written.len(), commands().len() + 1, "{written:?}");
}
