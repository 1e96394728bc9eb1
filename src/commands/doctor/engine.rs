//! The engine and what belongs to it: reachable, new enough, with Compose and buildx.

use super::finding::{Finding, Status};
use crate::engine::machine::{Machine, Membership};
use crate::engine::{
    EngineFacts, OLDEST_BUILDX, OLDEST_COMPOSE, OLDEST_ENGINE, Tools, Version, local_socket,
    tool_version,
};
use crate::error::{Error, Kind, Result};
use crate::output::Printer;
use crate::process::Invocation;

/// Asks the engine, and tells what it says or why it says nothing.
///
/// # Errors
/// When the person stopped it.
pub fn examine(
    tools: &Tools,
    machine: &Machine,
    user: &str,
    printer: &Printer,
) -> Result<(Vec<Finding>, Option<EngineFacts>)> {
    if which::which(tools.docker().program()).is_err() {
        return Ok((vec![missing(tools, machine)], None));
    }
    match EngineFacts::ask(tools, printer) {
        Ok(Some(facts)) => Ok((about(&facts), Some(facts))),
        Ok(None) => {
            let program = tools.docker();
            Ok((
                vec![
                    Finding::warning(
                        "engine",
                        format!("`{program}` answers, but not as Docker Engine does"),
                    )
                    .help("envtpl is tested with Docker Engine; what others cannot do, they say"),
                ],
                None,
            ))
        }
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(error) => {
            let membership = local_socket(tools, printer)
                .filter(|_| error.message().contains("may not"))
                .and_then(|socket| machine.membership(&socket, user));
            Ok((vec![unreachable(&error, membership, user)], None))
        }
    }
}

/// There is no command line for an engine.
fn missing(tools: &Tools, machine: &Machine) -> Finding {
    let program = tools.docker().program().to_string_lossy().into_owned();
    let finding = Finding::problem("engine", format!("there is no program `{program}`"));
    if program == "docker" {
        finding
            .help(machine.install_line("docker.io docker-compose-v2 docker-buildx"))
            .help(
                "where these packages are old or missing: https://docs.docker.com/engine/install/",
            )
    } else {
        finding.help("correct DOCKER in `.env`, or leave it out to use docker")
    }
}

/// Variables that choose another engine than this machine's, with their values.
fn chosen_elsewhere() -> Option<String> {
    ["DOCKER_HOST", "DOCKER_CONTEXT"]
        .into_iter()
        .find_map(|name| {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
            Some(format!("{name}={value}"))
        })
}

/// Why no engine answers.
fn unreachable(error: &Error, membership: Option<Membership>, user: &str) -> Finding {
    let mut finding = Finding::problem("engine", summary(error));
    match membership {
        Some(Membership::Outside { group }) if group != "root" => {
            finding = finding
                .help(format!("sudo usermod -aG {group} {user}"))
                .help("then log out and in again");
        }
        Some(Membership::NextLogin { group }) => {
            finding = finding.help(format!(
                "{user} is in the group {group}, but was not at login: log out and in again, or \
                 run `newgrp {group}`"
            ));
        }
        _ => {
            if let Some(choice) = chosen_elsewhere() {
                finding = finding.help(format!(
                    "your environment chooses the engine, {choice}: is it right?"
                ));
            }
            for help in error.helps() {
                // This is the doctor.
                if !help.contains("envtpl doctor") && !help.starts_with("the command was") {
                    finding = finding.help(help);
                }
            }
        }
    }
    finding
}

/// An error in one line, with the last thing that the program said.
fn summary(error: &Error) -> String {
    let causes = error.causes();
    let said = causes
        .iter()
        .flat_map(|cause| cause.lines())
        .rfind(|line| !line.trim().is_empty());
    match said {
        Some(said) => format!("{}: {}", error.message(), said.trim()),
        None => error.message().to_owned(),
    }
}

/// What the engine says about itself.
fn about(facts: &EngineFacts) -> Vec<Finding> {
    let mut findings = vec![version_finding(
        "engine",
        "Docker Engine",
        &facts.version,
        OLDEST_ENGINE,
        &format!(
            " ({}, {}, {})",
            facts.system,
            facts.platform(),
            facts.storage
        ),
        "upgrade it: https://docs.docker.com/engine/install/",
    )];
    if facts.containers == "windows" {
        findings.push(
            Finding::problem(
                "engine",
                "it runs Windows containers; installations are for Linux",
            )
            .help("Docker Desktop's menu: `Switch to Linux containers`"),
        );
    }
    if facts.remaps_users {
        findings.push(
            Finding::warning(
                "user-ids",
                "the engine gives containers other user ids than yours (userns-remap): they cannot \
                 write into your project",
            )
            .help("set `userns_mode: host` for the services in compose.yaml, if the administrator allows it"),
        );
    }
    if facts.rootless {
        findings.push(
            Finding::warning(
                "user-ids",
                "the engine runs without root's rights: in containers you are root, and other users \
                 are none of yours",
            )
            .help("set USR=root, USRID=0, GRP=root and GRPID=0 in `.env`, then files keep you as owner"),
        );
    }
    findings
}

/// Compose and buildx.
///
/// # Errors
/// When the person stopped it.
pub fn plugins(tools: &Tools, machine: &Machine, printer: &Printer) -> Result<Vec<Finding>> {
    let compose = tools.compose().args(["version", "--short"]);
    let buildx = tools.docker().args(["buildx", "version"]);
    Ok(vec![
        plugin(
            "compose",
            "Docker Compose",
            OLDEST_COMPOSE,
            ask(tools, &compose, printer)?,
            &machine.install_line("docker-compose-v2"),
            &compose,
        ),
        plugin(
            "buildx",
            "buildx",
            OLDEST_BUILDX,
            ask(tools, &buildx, printer)?,
            &machine.install_line("docker-buildx"),
            &buildx,
        ),
    ])
}

fn ask(tools: &Tools, invocation: &Invocation, printer: &Printer) -> Result<Result<String>> {
    match tool_version(tools, invocation, printer) {
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        answer => Ok(answer),
    }
}

fn plugin(
    check: &'static str,
    title: &str,
    floor: Version,
    answer: Result<String>,
    install: &str,
    invocation: &Invocation,
) -> Finding {
    let docs = "https://docs.docker.com/compose/install/linux/";
    match answer {
        Ok(version) => {
            let shown = Version::find(&version).map_or(version, |version| version.to_string());
            version_finding(check, title, &shown, floor, "", install)
        }
        Err(_) => Finding::problem(check, format!("{title} is missing: `{invocation}` fails"))
            .help(install)
            .help(format!("or from Docker's own packages: {docs}")),
    }
}

fn version_finding(
    check: &'static str,
    title: &str,
    version: &str,
    floor: Version,
    more: &str,
    upgrade: &str,
) -> Finding {
    let shown = format!("{title} {version}{more}");
    match Version::find(version) {
        Some(number) if number < floor => Finding::problem(
            check,
            format!(
                "{title} {version} is too old: envtpl needs {}",
                short(floor)
            ),
        )
        .help(upgrade),
        Some(_) => Finding::ok(check, shown),
        None => Finding::new(
            check,
            Status::Warning,
            format!(
                "{shown}: not a version that envtpl knows; it needs {}",
                short(floor)
            ),
        ),
    }
}

/// A floor as people say it.
fn short(floor: Version) -> String {
    let text = floor.to_string();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    format!("{text} or later")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Error {
        Error::not_ready("you may not talk to the Docker engine")
            .because(std::io::Error::other("permission denied"))
            .help("general help")
    }

    #[test]
    fn the_group_of_the_socket_is_the_one_to_join() {
        let group = "docker".to_owned();
        let outside = unreachable(&denied(), Some(Membership::Outside { group }), "alice");
        let shown = super::super::finding::Report::new(vec![outside]).human();
        assert!(
            shown.contains("help: sudo usermod -aG docker alice\n"),
            "{shown}"
        );
        assert!(shown.contains("log out"), "{shown}");
    }

    #[test]
    fn a_member_who_has_not_logged_in_again_is_told_so() {
        let group = "docker".to_owned();
        let finding = unreachable(&denied(), Some(Membership::NextLogin { group }), "alice");
        let shown = super::super::finding::Report::new(vec![finding]).human();
        assert!(shown.contains("newgrp docker"), "{shown}");
        assert!(!shown.contains("usermod"), "{shown}");
    }

    #[test]
    fn a_socket_of_root_alone_has_no_group_to_join() {
        let group = "root".to_owned();
        let finding = unreachable(&denied(), Some(Membership::Outside { group }), "alice");
        let shown = super::super::finding::Report::new(vec![finding]).human();
        assert!(shown.contains("general help"), "{shown}");
    }

    #[test]
    fn versions_below_the_floor_are_problems() {
        let finding = |version| {
            version_finding(
                "engine",
                "Docker Engine",
                version,
                OLDEST_ENGINE,
                "",
                "upgrade",
            )
            .status()
        };
        assert_eq!(finding("20.10.24+dfsg1"), Status::Problem);
        assert_eq!(finding("23.0.0"), Status::Ok);
        assert_eq!(finding("dev"), Status::Warning);
        assert_eq!(short(OLDEST_BUILDX), "0.12 or later");
        assert_eq!(short(OLDEST_ENGINE), "23.0 or later");
    }
}
