//! The report for a pull request.

use crate::commands::diff::human::{shortened, sides};
use crate::commands::diff::image::{Setting, Setup};
use crate::commands::diff::report::{Report, asked_for};
use crate::environment::compare::What;
use crate::output::megabytes;

/// Longer tables are folded, so that they do not fill the page.
const LONGEST: usize = 30;

/// The report's text.
pub fn text(report: &Report) -> String {
    let packages = &report.packages;
    let mut text = format!(
        "### {} → {}\n\n**{} added, {} removed, {} changed**, {} the same\n",
        code(&report.before.name),
        code(&report.after.name),
        packages.added.len(),
        packages.removed.len(),
        packages.changed.len(),
        packages.identical,
    );
    text += &settings("", &report.basics);
    text += &package_table(report);
    if let Some(setup) = &report.setup {
        text += &setup_text(setup);
    }
    for note in &report.notes {
        text += &format!("\n_{}_\n", escaped(note));
    }
    text
}

fn package_table(report: &Report) -> String {
    let row = |kind: String, name: &str, before: &str, after: &str, asked: String| {
        [
            kind,
            code(name),
            escaped(before),
            escaped(after),
            escaped(&asked),
        ]
    };
    let packages = &report.packages;
    let added = packages.added.iter().map(|one| {
        let (package, asked) = (&one.package, asked_for(&one.package));
        row(
            one.kind.to_string(),
            &package.name,
            "",
            &package.version,
            asked,
        )
    });
    let removed = packages.removed.iter().map(|one| {
        let (package, asked) = (&one.package, asked_for(&one.package));
        row(
            one.kind.to_string(),
            &package.name,
            &package.version,
            "",
            asked,
        )
    });
    let changed = packages.changed.iter().flat_map(|change| {
        change.differences.iter().map(move |difference| {
            let (before, after) = sides(difference);
            let before = match difference.what {
                What::Version => before,
                what => format!("{what} {before}"),
            };
            row(
                change.kind.to_string(),
                &change.name,
                &before,
                &after,
                asked_for(&change.after),
            )
        })
    });
    table(
        ["", "package", "before", "after", "who needs it"],
        changed.chain(added).chain(removed).collect(),
    )
}

fn setup_text(setup: &Setup) -> String {
    let mut text = settings("environment variable", &setup.environment);
    text += &settings("setting", &setup.settings);
    let ports = [
        ("added", &setup.ports.added),
        ("removed", &setup.ports.removed),
    ];
    for (verb, ports) in ports {
        if !ports.is_empty() {
            let ports: Vec<String> = ports.iter().map(|port| code(port)).collect();
            text += &format!("\nPorts {verb}: {}\n", ports.join(", "));
        }
    }
    let size = |size: Option<u64>| size.map(megabytes).unwrap_or_default();
    let rows = setup.layers.iter().map(|layer| {
        [
            code(&shortened(&layer.step)),
            size(layer.before),
            size(layer.after),
        ]
    });
    text += &table(["step", "before", "after"], rows.collect());
    if !setup.layers.is_empty() {
        text += &format!(
            "\nSize: {} → {}\n",
            megabytes(setup.size.before),
            megabytes(setup.size.after)
        );
    }
    text
}

fn settings(title: &str, settings: &[Setting]) -> String {
    let shown = |value: &Option<String>| value.as_deref().map(code).unwrap_or_default();
    let rows = settings.iter().map(|setting| {
        [
            escaped(&setting.name),
            shown(&setting.before),
            shown(&setting.after),
        ]
    });
    table([title, "before", "after"], rows.collect())
}

fn table<const N: usize>(titles: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("| {} |\n|{}\n", titles.join(" | "), "---|".repeat(N));
    for row in &rows {
        text += &line(row);
    }
    if rows.len() > LONGEST {
        let number = rows.len();
        return format!("\n<details><summary>{number} lines</summary>\n\n{text}\n</details>\n");
    }
    format!("\n{text}")
}

/// Text in a cell; what Markdown or HTML would read as something else is taken literally.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' => {
                shown.push('\\');
                shown.push(c);
            }
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '\n' | '\r' => shown.push(' '),
            _ => shown.push(c),
        }
    }
    shown
}

/// Text between backticks; in a table a bar ends the cell also there.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    if text.is_empty() {
        String::new()
    } else if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_cell() {
        assert_eq!(escaped("a|b_c <d>\ne"), "a\\|b\\_c &lt;d&gt; e");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b"), "`` a`b ``");
        let rows = vec![["x".to_owned()]; LONGEST + 1];
        let folded = table(["t"], rows);
        assert!(folded.starts_with("\n<details>") && folded.ends_with("</details>\n"));
        assert_eq!(table(["t"], Vec::new()), "");
    }
}
