//! Proxies and certificates: what this machine uses and builds would not know.

use super::Settings;
use super::finding::Finding;
use crate::engine::EngineFacts;
use crate::engine::machine::{Machine, Proxy, proxies};
use crate::network::is_loopback;
use crate::secrets::redact;

/// Looks at proxies and certificates of the environment, of the engine and of each `.env`.
pub fn examine(
    machine: &Machine,
    engine: Option<&EngineFacts>,
    settings: &[Settings],
    environment: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = proxy(engine, settings, &environment);
    findings.extend(certificates(machine, settings, &environment));
    findings
}

fn proxy(
    engine: Option<&EngineFacts>,
    settings: &[Settings],
    environment: &impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let here: Vec<Proxy> = proxies(environment)
        .into_iter()
        .filter(|proxy| proxy.name != "NO_PROXY")
        .collect();
    let shown: Vec<String> = here
        .iter()
        .map(|proxy| format!("{}={}", proxy.name, redact(&proxy.value)))
        .collect();
    let mut findings: Vec<Finding> = settings
        .iter()
        .flat_map(|installation| proxy_of(installation, &here))
        .collect();
    if !here.is_empty() && engine.is_some_and(|engine| !engine.has_proxy && !engine.is_desktop()) {
        findings.push(
            Finding::warning(
                "proxy",
                format!(
                    "{}, but the engine has no proxy: it may not reach registries",
                    shown.join(", ")
                ),
            )
            .help("https://docs.docker.com/engine/daemon/proxy/ says where to set it"),
        );
    }
    if findings.is_empty() {
        findings.push(match here.is_empty() {
            true => Finding::ok("proxy", "none in your environment"),
            false => Finding::ok("proxy", shown.join(", ")),
        });
    }
    findings
}

/// The proxies of one `.env`, held against those of the environment.
fn proxy_of(installation: &Settings, here: &[Proxy]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for proxy in here {
        if installation.value(proxy.name).is_none() {
            let message = format!(
                "your environment has {}, and {} does not: builds there go without",
                proxy.name, installation.file
            );
            findings.push(Finding::warning("proxy", message).help(format!(
                "`envtpl env -i {}` takes it over",
                installation.name
            )));
        }
    }
    for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
        if installation
            .value(name)
            .is_some_and(|url| is_loopback(&url))
        {
            let message = format!(
                "{name} in {} is an address of this machine itself, which builds do not reach",
                installation.file
            );
            findings.push(Finding::warning("proxy", message).help(
                "give the address that others know this machine by, and let the proxy listen there",
            ));
        }
    }
    findings
}

fn certificates(
    machine: &Machine,
    settings: &[Settings],
    environment: &impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for installation in settings {
        let Some(bundle) = installation.value("CA_BUNDLE") else {
            continue;
        };
        let path = installation.directory.join(&bundle);
        if !machine.is_certificate_bundle(&path) {
            findings.push(
                Finding::problem(
                    "certificates",
                    format!(
                        "CA_BUNDLE in {} names `{bundle}`, which holds no certificate",
                        installation.file
                    ),
                )
                .help("give it the path of a PEM file, or leave it empty"),
            );
        }
    }
    let certificates = machine.certificates(environment);
    let Some(hint) = certificates
        .hints
        .iter()
        .find(|hint| machine.is_certificate_bundle(&hint.bundle))
    else {
        if let Some(hint) = certificates.hints.first() {
            findings.push(
                Finding::warning(
                    "certificates",
                    format!(
                        "{} names `{}`, which holds no certificate",
                        hint.origin,
                        hint.bundle.display()
                    ),
                )
                .help("correct it, or unset it"),
            );
        }
        if findings.is_empty() {
            findings.push(Finding::ok(
                "certificates",
                "this machine trusts the public ones alone",
            ));
        }
        return findings;
    };
    let bundle = hint.bundle.display();
    let without: Vec<&Settings> = settings
        .iter()
        .filter(|installation| installation.value("CA_BUNDLE").is_none())
        .collect();
    for installation in &without {
        findings.push(
            Finding::warning(
                "certificates",
                format!(
                    "this machine trusts certificates of its own ({}), and builds of {} will not know them",
                    hint.origin, installation.name
                ),
            )
            .help(format!("add to {}: CA_BUNDLE={bundle}", installation.file)),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "certificates",
            if settings.is_empty() {
                format!(
                    "this machine trusts its own ({}): builds need CA_BUNDLE={bundle} in `.env`",
                    hint.origin
                )
            } else {
                format!(
                    "this machine trusts its own ({}), and builds know them",
                    hint.origin
                )
            },
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Report, Status};
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::new("amd64-cpu", "/p/installation/amd64-cpu".as_ref(), text)
    }

    #[test]
    fn a_proxy_that_builds_do_not_know_is_named_without_its_password() {
        let environment =
            |name: &str| (name == "https_proxy").then(|| "http://joe:pw@proxy:3128".to_owned());
        let found = proxy(None, &[settings("USR=joe\n")], &environment);
        assert_eq!(found[0].status(), Status::Warning);
        let found = proxy(
            None,
            &[settings("HTTPS_PROXY=http://proxy:3128\n")],
            &environment,
        );
        assert_eq!(found[0].status(), Status::Ok);
        let shown = Report::new(found).human();
        assert!(
            shown.contains("http://****@proxy:3128") && !shown.contains("pw"),
            "{shown}"
        );
        let found = proxy(
            None,
            &[settings("HTTP_PROXY=http://127.0.0.1:3128\n")],
            &|_| None,
        );
        assert_eq!(found[0].status(), Status::Warning);
        let found = proxy(None, &[], &|_| None);
        assert_eq!(found[0].status(), Status::Ok);
    }

    #[test]
    fn a_bundle_that_is_not_there_is_a_problem() {
        let machine = Machine::here();
        let found = certificates(
            &machine,
            &[settings("CA_BUNDLE=/nonexistent/ca.pem\n")],
            &|_| None,
        );
        assert_eq!(found[0].status(), Status::Problem);
    }
}
