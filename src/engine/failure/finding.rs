//! A line that may say what went wrong, with what its neighbours add to it: the files that include
//! it, the calls that led there, the rest of its sentence.

use std::sync::LazyLock;

use regex::Regex;

use super::explanation::{Frame, Spot};
use super::log::{Line, Window, trimmed};
use crate::secrets::redact;

/// Longer messages are cut.
const MESSAGE: usize = 2_000;
/// More links of a chain are not kept.
const LINKS: usize = 24;

/// What was said, as one text that rules are matched with.
#[derive(Debug, Clone, Default)]
pub(super) struct Finding {
    pub text: String,
    pub place: Option<Spot>,
    pub excerpt: Vec<String>,
    pub chain: Vec<Frame>,
    /// What whoever said it advises.
    pub help: Vec<String>,
    /// Where the last line of it ends, in the window.
    pub end: usize,
}

fn compiled(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// gcc's and clang's `In file included from a.cpp:1:`, and gcc's further `from b.cpp:2:`.
static INCLUDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"^(?:(?P<first>In file included) | {10,})from (?P<file>[^:]+):(?P<line>\d+)(?::(?P<column>\d+))?[,:]?$",
    )
});
/// What a compiler or linker says of the place before the error.
static INSIDE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"^(?P<file>[^:\s][^:]*)(?::(?P<line>\d+):(?P<column>\d+))?: +(?P<text>(?:In |At |in |required |recursively |instantiat).*?)[:,]?$",
    )
});
/// `  File "a.py", line 1, in f`
static CALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(r#"^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<text>.+))?$"#)
});
/// `  CMakeLists.txt:3 (find_package)`
static CMAKE_CALL: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"^\s+(?P<file>\S+):(?P<line>\d+) \((?P<text>[^)]*)\)$"));
/// `CMake Error at CMakeLists.txt:3 (find_package):`, and the one without a place.
static CMAKE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"^CMake Error(?: \(dev\))?(?: at (?P<file>[^:]+):(?P<line>\d+) \([^)]*\)| in [^:]+(?::\d+)?)?:",
    )
});
/// `  --> src/main.rs:1:5`
static ARROW: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"^\s*--> (?P<file>[^:]+):(?P<line>\d+)(?::(?P<column>\d+))?$"));
/// `   36 | #include <x>` and the marks below it.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"^\s*(?:\d+ )?\s*\|"));

/// What a line says, with its neighbours.
pub(super) fn read(window: &Window<'_>, line: &Line) -> Finding {
    let text = line.trimmed();
    let mut finding = Finding {
        text: cut(text),
        end: line.range.end,
        ..Finding::default()
    };
    if text.starts_with("Traceback (most recent call last)") {
        traceback(window, line, &mut finding);
    } else if text.starts_with("CMake Error") {
        cmake(window, line, &mut finding);
    } else if text.starts_with("× ") || text.starts_with("error: ") || text.starts_with("error[") {
        told_in_lines(window, line, &mut finding);
    } else if ["SyntaxError", "IndentationError", "TabError"]
        .iter()
        .any(|name| text.starts_with(name))
    {
        syntax_error(window, line, &mut finding);
    } else if continues(text) {
        paragraph(window, line, &mut finding);
    } else {
        diagnostic(window, line, &mut finding);
    }
    finding
}

/// Headings whose matter stands in the lines below.
fn continues(text: &str) -> bool {
    [
        "PackagesNotFoundError:",
        "ResolvePackageNotFound:",
        "LibMambaUnsatisfiableError:",
        "UnsatisfiableError:",
        "The following packages have unmet dependencies:",
        "error    libmamba Could not solve",
        "Could not solve for environment specs",
        "Cannot solve the request because of",
    ]
    .iter()
    .any(|heading| text.starts_with(heading))
}

fn spot(found: &regex::Captures<'_>) -> Option<Spot> {
    let number = |name| found.name(name)?.as_str().parse().ok();
    Some(Spot {
        file: found.name("file")?.as_str().to_owned(),
        line: number("line"),
        column: number("column"),
    })
}

fn frame(found: &regex::Captures<'_>) -> Frame {
    Frame {
        place: spot(found),
        text: found.name("text").map(|text| text.as_str().to_owned()),
    }
}

/// What compilers and linkers print round an error.
fn diagnostic(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let (Some(included), Some(inside)) = (INCLUDED.as_ref(), INSIDE.as_ref()) else {
        return;
    };
    // gcc begins with the nearest file and clang with the outermost, so that backwards gcc's are
    // in the wrong order.
    let mut of_gcc = Vec::new();
    for before in window.before(line).take(LINKS) {
        if let Some(found) = included.captures(&before.text) {
            let link = frame(&found);
            if found.name("first").is_none() {
                of_gcc.push(link);
            } else {
                finding.chain.push(link);
                finding.chain.extend(of_gcc.drain(..).rev());
            }
        } else if let Some(found) = inside.captures(&before.text) {
            finding.chain.push(frame(&found));
        } else {
            break;
        }
    }
    quoted(window, line, finding);
}

/// The line at fault as a compiler shows it, with its marks.
fn quoted(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let Some(quote) = QUOTED.as_ref() else { return };
    let lines: Vec<Line> = window.after(line).take(3).collect();
    let marks = |line: &Line| {
        let text = line.text.trim();
        text.starts_with(['^', '~']) || text.ends_with('^')
    };
    let count = match lines.as_slice() {
        [first, ..] if quote.is_match(&first.text) => lines
            .iter()
            .take_while(|line| quote.is_match(&line.text))
            .count(),
        // As clang does it.
        [_, second, ..] if marks(second) => 2,
        _ => 0,
    };
    for line in &lines[..count] {
        finding.excerpt.push(cut(&line.text));
        finding.end = line.range.end;
    }
}

/// A Python traceback: the exception's line is the text, the calls are the chain.
fn traceback(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let Some(call) = CALL.as_ref() else { return };
    let depth = line.text.len() - line.trimmed().len();
    let mut frames = Vec::new();
    let mut said = None;
    let mut again = false;
    for next in window.after(line) {
        let text = next.text.get(depth..).unwrap_or_default();
        if said.is_none() {
            if let Some(found) = call.captures(&next.text) {
                frames.push(frame(&found));
            } else if !text.is_empty()
                && !text.starts_with(' ')
                && next.text.is_char_boundary(depth)
            {
                said = Some(cut(text.trim()));
                finding.end = next.range.end;
            }
            continue;
        }
        // A second one, while the first was handled, is what ended the program.
        if text.starts_with("During handling of the above exception") {
            again = true;
        } else if text.starts_with("Traceback (most recent call last)") {
            if again {
                said = None;
                frames.clear();
            } else {
                break;
            }
        } else if !text.trim().is_empty() && !text.starts_with("The above exception was") {
            break;
        }
        again &= said.is_some();
    }
    frames.reverse();
    frames.truncate(LINKS);
    finding.place = frames.first().and_then(|frame| frame.place.clone());
    finding.chain = frames;
    if let Some(said) = said {
        finding.text = said;
    }
}

/// `SyntaxError: …`; before it stand `File "x.py", line 1`, the line and a mark.
fn syntax_error(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let Some(call) = CALL.as_ref() else { return };
    let mut shown = Vec::new();
    for before in window.before(line).take(4) {
        if let Some(found) = call.captures(&before.text) {
            finding.place = spot(&found);
            shown.reverse();
            finding.excerpt = shown;
            return;
        }
        shown.push(cut(&before.text));
    }
}

/// `CMake Error at FILE:LINE (command):`, its indented paragraphs, its call stack.
fn cmake(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let (Some(head), Some(call)) = (CMAKE.as_ref(), CMAKE_CALL.as_ref()) else {
        return;
    };
    let depth = line.text.len() - line.trimmed().len();
    finding.place = head.captures(line.trimmed()).as_ref().and_then(spot);
    let mut calls = false;
    for next in window.after(line).take(100) {
        let text = next.text.get(depth..).unwrap_or_default();
        if text.is_empty() {
            if calls {
                break;
            }
            continue;
        }
        if text.starts_with("Call Stack (most recent call first)") {
            calls = true;
        } else if !text.starts_with("  ") {
            break;
        } else if let Some(found) = call.captures(text).filter(|_| calls) {
            if finding.chain.len() < LINKS {
                finding.chain.push(frame(&found));
            }
        } else if finding.text.len() < MESSAGE {
            finding.text.push(' ');
            finding.text.push_str(text.trim());
        }
        finding.end = next.range.end;
    }
    finding.text = cut(&finding.text);
    // A module that comes with CMake only passes on what a file of the project asked for.
    let of_cmake = |place: &Spot| place.file.contains("/Modules/Find");
    if finding.place.as_ref().is_some_and(of_cmake)
        && let Some(asked) = finding
            .chain
            .iter()
            .filter_map(|frame| frame.place.as_ref())
            .find(|place| !place.file.contains("/Modules/"))
    {
        finding.place = Some(asked.clone());
    }
}

/// What Rust's tools, uv, pip and the steps of an installation say in several lines.
fn told_in_lines(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let depth = line.text.len() - line.trimmed().len();
    let own = |text: &str| text.strip_prefix("help: ").map(str::to_owned);
    let tree = |text: &str| text.trim_start().starts_with(['╰', '├', '│', '┬', '×']);
    let mut lines = window.after(line).take(40).peekable();
    if let Some(next) = lines.peek()
        && let Some(help) = own(next.text.get(depth..).unwrap_or_default())
    {
        finding.help.push(help);
        finding.end = next.range.end;
        lines.next();
        for next in lines {
            if let Some(help) = own(&next.text) {
                finding.help.push(help);
            } else if next.text.starts_with("      ")
                && let Some(help) = finding.help.last_mut()
            {
                help.push(' ');
                help.push_str(next.text.trim());
            } else {
                break;
            }
            finding.end = next.range.end;
        }
        return;
    }
    // As cargo and uv tell what led to it, uv in other words since 0.13.
    while let Some(words) = lines.peek().and_then(|next| cause(next.trimmed())) {
        if finding.text.len() < MESSAGE {
            finding.text.push_str(": ");
            finding.text.push_str(words);
        }
        finding.end = lines.next().map_or(finding.end, |next| next.range.end);
    }
    if finding.end > line.range.end {
        finding.text = cut(&finding.text);
        return;
    }
    // `  × No solution found:` and what is drawn below it, a tree of words.
    if lines.peek().is_some_and(|next| tree(&next.text)) && !line.text.contains("subprocess-exited")
    {
        let root = line.text.len() - line.text.trim_start().len();
        for next in lines {
            let text = next.text.trim_start();
            let inner = next.text.len() - text.len();
            if text.is_empty() || !(tree(&next.text) || inner > root) {
                break;
            }
            if finding.text.len() < MESSAGE {
                finding.text.push(' ');
                let words = text.trim_start_matches(['╰', '─', '▶', '├', '│', '┬', '>', ' ']);
                finding.text.push_str(words.trim());
            }
            finding.end = next.range.end;
        }
        finding.text = cut(&finding.text);
        return;
    }
    if let Some(next) = lines.peek()
        && let Some(found) = ARROW.as_ref().and_then(|arrow| arrow.captures(&next.text))
    {
        finding.place = spot(&found);
        for next in lines.by_ref() {
            if next.text.trim().is_empty() {
                break;
            }
            if finding.excerpt.len() < 12 {
                finding.excerpt.push(cut(&next.text));
            }
            finding.end = next.range.end;
        }
        return;
    }
    drop(lines);
    diagnostic(window, line, finding);
}

/// What a line says that led to what stands above it.
fn cause(line: &str) -> Option<&str> {
    line.strip_prefix("Caused by: ")
        .or_else(|| line.strip_prefix("cause: "))
}

/// A heading and the lines below it, to the next one that is as far left and no list.
fn paragraph(window: &Window<'_>, line: &Line, finding: &mut Finding) {
    let mut empty = 0;
    for next in window.after(line).take(30) {
        let text = trimmed(&next.text);
        if text.is_empty() {
            empty += 1;
            if empty > 1 {
                break;
            }
            continue;
        }
        let belongs = next.text.starts_with([' ', '-', '├', '└', '│']);
        if !belongs || text.starts_with("Current channels") {
            break;
        }
        if finding.text.len() < MESSAGE {
            finding.text.push(' ');
            finding.text.push_str(text.trim());
        }
        finding.end = next.range.end;
    }
    finding.text = cut(&finding.text);
}

/// A text of a length that can be kept, without passwords of addresses.
pub(super) fn cut(text: &str) -> String {
    let text = redact(text);
    let mut end = text.len().min(MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut kept = text[..end].to_owned();
    if end < text.len() {
        kept.push('…');
    }
    kept
}
