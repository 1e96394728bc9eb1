//! The text of a `.env`: written new, or completed.

use std::path::Path;

use crate::commands::env::network::Found;
use crate::commands::person::Person;
use crate::error::Result;
use crate::installation::dotenv::Dotenv;
use crate::installation::identity::image_safe;
use crate::installation::name::{Acceleration, Name};
use crate::templates::render;

/// The template, with every setting there is.
const TEMPLATE: &str = "person/.env";

/// Whose `.env` it is.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The installation.
    pub installation: Name,
    /// The project's name, as Compose and images take it.
    pub project_name: String,
    /// The name of its Python package.
    pub package_name: String,
}

/// A `.env` as it should be.
#[derive(Debug)]
pub struct Completed {
    /// Its text.
    pub text: String,
    /// The settings that were not there before.
    pub added: Vec<String>,
}

/// Completes a `.env`: what is there stays byte for byte, what is missing is added with the
/// comment that explains it.
///
/// # Errors
/// `Usage` when the existing file cannot be read as settings.
pub fn complete(
    path: &Path,
    existing: Option<&str>,
    subject: &Subject,
    person: &Person,
    network: &[Found],
) -> Result<Completed> {
    let mut settings = Dotenv::parse(path, existing.unwrap_or_default())?;
    let there: Vec<String> = settings.keys().map(str::to_owned).collect();
    let wanted = wanted(&settings, subject, person, network);
    let missing: Vec<&(&str, String)> = wanted
        .iter()
        .filter(|(key, _)| !there.iter().any(|other| other == key))
        .collect();
    let added = missing.iter().map(|(key, _)| (*key).to_owned()).collect();
    if missing.is_empty() {
        return Ok(Completed {
            text: settings.to_string(),
            added,
        });
    }
    let template = activate(render::source(TEMPLATE)?, &missing);
    let template = explain(&template, network, person);
    if existing.is_some() {
        let names: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();
        settings.append(&paragraphs_about(&template, &names));
    } else {
        settings = Dotenv::parse(path, &template)?;
    }
    for (key, value) in missing {
        settings.set(key, value)?;
    }
    Ok(Completed {
        text: settings.to_string(),
        added,
    })
}

/// The settings that a `.env` should make; those that build on others build on what is there.
fn wanted(
    there: &Dotenv,
    subject: &Subject,
    person: &Person,
    network: &[Found],
) -> Vec<(&'static str, String)> {
    let or = |key: &str, default: String| there.get(key).unwrap_or(default);
    let user = image_safe(&person.user.name, &format!("user{}", person.user.id));
    let user = or("USR", user.chars().take(32).collect());
    let group = if person.group.name.chars().all(|c| c.is_ascii_digit()) {
        format!("group{}", person.group.id)
    } else {
        person.group.name.clone()
    };
    let lab = or(
        "LAB_NAME",
        image_safe(&group, &format!("group{}", person.group.id)),
    );
    let project = or("PROJECT_NAME", subject.project_name.clone());
    // Settings that are there may hold names that images cannot have.
    let safe = |name: &str, fallback: &str| image_safe(name, fallback);
    let safe_user = safe(&user, &format!("user{}", person.user.id));
    let safe_lab = safe(&lab, &format!("group{}", person.group.id));
    let safe_project = safe(&project, &subject.project_name);
    let tag = match user.as_str() {
        "root" => "user-root".to_owned(),
        _ => safe_user.clone(),
    };
    let acceleration = subject.installation.acceleration();
    let mut wanted = vec![
        ("USR", user.clone()),
        ("USRID", person.user.id.to_string()),
        ("GRP", group),
        ("GRPID", person.group.id.to_string()),
        ("LAB_NAME", lab.clone()),
        ("PROJECT_NAME", project.clone()),
        ("PACKAGE_NAME", subject.package_name.clone()),
        (
            "IMAGE_NAME",
            format!("{safe_lab}/{safe_user}/{safe_project}"),
        ),
        ("IMAGE_PLATFORM", subject.installation.to_string()),
        ("USER_TAG", tag),
        ("PROJECT_ROOT_AT", format!("/project/{project}")),
        ("ACCELERATION", acceleration.to_string()),
    ];
    if acceleration == Acceleration::Rocm {
        for device in &person.devices {
            let key = match device.name.as_str() {
                "video" => "VIDEO_GRPID",
                _ => "RENDER_GRPID",
            };
            wanted.push((key, device.id.to_string()));
        }
    }
    wanted.extend(network.iter().map(|found| (found.key, found.value.clone())));
    wanted
}

/// Turns `#KEY=` of the template into `KEY=` for those that get a value.
fn activate(template: &str, missing: &[&(&str, String)]) -> String {
    template
        .split_inclusive('\n')
        .map(|line| {
            let optional = line.trim_end().strip_prefix('#');
            let wanted = |name: &str| missing.iter().any(|(key, _)| *key == name);
            match optional.and_then(|line| line.strip_suffix('=')) {
                Some(name) if wanted(name) => &line[1..],
                _ => line,
            }
        })
        .collect()
}

/// Says where values come from that the person did not give, and which could be given.
fn explain(template: &str, network: &[Found], person: &Person) -> String {
    let mut text = template.to_owned();
    for found in network {
        let line = format!("\n{}=", found.key);
        let note = format!("\n# (as {} of this machine has it)", found.origin);
        text = text.replacen(&line, &(note + &line), 1);
    }
    let groups: Vec<String> = person
        .groups
        .iter()
        .filter(|group| !group.name.contains([',', ':', '\'']))
        .map(|group| format!("{}:{}", group.name, group.id))
        .collect();
    if !groups.is_empty() {
        let line = format!("\n#GROUPS='{}'\n", groups.join(","));
        text = text.replacen("\n#GROUPS=\n", &line, 1);
    }
    text
}

/// The settings of these names, each with the comment that stands above it in the template.
fn paragraphs_about(template: &str, names: &[&str]) -> String {
    let mut text = String::new();
    for paragraph in template.split("\n\n").skip(1) {
        let mut comment: Vec<&str> = Vec::new();
        let mut lines: Vec<&str> = Vec::new();
        let mut fresh = false;
        for line in paragraph.lines() {
            if let Some(comment_line) = line.strip_prefix("# ") {
                if fresh {
                    comment.clear();
                    fresh = false;
                }
                let _ = comment_line;
                comment.push(line);
                continue;
            }
            fresh = true;
            let key = line.split('=').next().unwrap_or_default();
            if names.contains(&key) {
                lines.append(&mut comment);
                lines.push(line);
            }
        }
        if !lines.is_empty() {
            text.push('\n');
            text.push_str(&lines.join("\n"));
            text.push('\n');
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::person::Account;

    fn account(name: &str, id: u32) -> Account {
        Account {
            name: name.to_owned(),
            id,
        }
    }

    fn person(user: &str, uid: u32, group: &str, gid: u32) -> Person {
        Person {
            user: account(user, uid),
            group: account(group, gid),
            groups: vec![account("lab data", 2000), account("odd:name", 2001)],
            group_ids: vec![gid, 2000, 2001],
            devices: vec![account("video", 44), account("render", 104)],
        }
    }

    fn new(installation: &str, person: &Person) -> Dotenv {
        let subject = Subject {
            installation: installation.parse().expect("a name"),
            project_name: "proj".into(),
            package_name: "proj".into(),
        };
        let path = Path::new(".env");
        let completed = complete(path, None, &subject, person, &[]).expect("completed");
        Dotenv::parse(path, &completed.text).expect("settings")
    }

    fn values(settings: &Dotenv, keys: &[&str]) -> Vec<String> {
        let value = |key: &&str| settings.get(key).unwrap_or_default();
        keys.iter().map(value).collect()
    }

    #[test]
    fn names_of_a_directory_service_are_safe_for_images_and_kept_where_they_may_be() {
        let joe = person("DOM\\Joe", 1_885_580_785, "domain users", 1_885_400_513);
        let settings = new("amd64-cuda", &joe);
        let keys = [
            "USR",
            "USRID",
            "GRP",
            "GRPID",
            "LAB_NAME",
            "IMAGE_NAME",
            "USER_TAG",
        ];
        assert_eq!(
            values(&settings, &keys),
            [
                "joe",
                "1885580785",
                "domain users",
                "1885400513",
                "domain-users",
                "domain-users/joe/proj",
                "joe"
            ]
        );
        let other = [("X", "1")];
        let environment = |name: &str| {
            let found = other.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        crate::installation::identity::check(Path::new(".env"), &settings, environment)
            .expect("what envtpl writes is what envtpl accepts");
        assert!(
            settings.to_string().contains("\n#GROUPS='lab data:2000'\n"),
            "{settings}"
        );
        assert_eq!(settings.get("GROUPS"), None);
    }

    #[test]
    fn names_of_ones_own_are_made_safe_where_images_need_it() {
        let subject = Subject {
            installation: "amd64-cpu".parse().expect("a name"),
            project_name: "proj".into(),
            package_name: "proj".into(),
        };
        let mine = "USR=Jane.Doe\nLAB_NAME=My Lab\n";
        let joe = person("joe", 1000, "joe", 1000);
        let path = Path::new(".env");
        let completed = complete(path, Some(mine), &subject, &joe, &[]).expect("completed");
        let settings = Dotenv::parse(path, &completed.text).expect("settings");
        assert_eq!(
            values(&settings, &["USR", "LAB_NAME", "IMAGE_NAME", "USER_TAG"]),
            ["Jane.Doe", "My Lab", "my-lab/jane-doe/proj", "jane-doe"]
        );
        let nothing = |_: &str| None;
        crate::installation::identity::check(path, &settings, nothing).expect("accepted");
    }

    #[test]
    fn root_has_a_tag_of_its_own() {
        let settings = new("amd64-cpu", &person("root", 0, "root", 0));
        assert_eq!(
            values(&settings, &["USR", "USER_TAG"]),
            ["root", "user-root"]
        );
        assert_eq!(settings.get("RENDER_GRPID"), None);
    }

    #[test]
    fn who_has_no_name_is_called_by_number() {
        let settings = new("amd64-rocm", &person("12345", 12345, "678", 678));
        let keys = ["USR", "GRP", "LAB_NAME", "RENDER_GRPID", "VIDEO_GRPID"];
        assert_eq!(
            values(&settings, &keys),
            ["12345", "group678", "group678", "104", "44"]
        );
        let settings = new("amd64-cpu", &person("王", 1000, "研究室", 1000));
        assert_eq!(
            values(&settings, &["USR", "LAB_NAME"]),
            ["user1000", "group1000"]
        );
        assert_eq!(settings.get("GRP").as_deref(), Some("研究室"));
    }

    #[test]
    fn every_setting_of_the_template_is_one() {
        let template = render::source(TEMPLATE).expect("a template");
        for line in template.lines() {
            let comment = line.strip_prefix("# ").is_some() || line == "#";
            let setting = line.trim_start_matches('#').ends_with('=');
            assert!(line.is_empty() || comment || setting, "{line}");
            assert!(line.len() <= 100, "{line}");
        }
    }
}
