//! A Dockerfile with a stage of its own for what is to be handed out: text in, text out.

use super::Dockerfile;

/// The stage that holds what was selected and nothing else.
pub const SELECTED: &str = "envtpl-selected";

/// A path of a stage, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The path from `/`, with patterns in its last part.
    pub from: String,
    /// Where it comes to, from `/`.
    pub to: String,
}

impl Selection {
    /// Reads a path as a person writes it: from `/` in any case, files matched by `*`, `?` and
    /// `[…]` in its last part.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn read(path: &str) -> Result<Self, String> {
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let Some((name, directories)) = parts.split_last() else {
            return Err(format!(
                "`{path}` is the whole stage, for which there is `--all`"
            ));
        };
        if parts.contains(&"..") {
            return Err(format!("`{path}` leads upwards: write it from `/`"));
        }
        if directories.iter().any(|part| part.contains(PATTERN)) {
            return Err(format!("`{path}` has a pattern before its last part"));
        }
        Ok(Self {
            from: format!("/{}", parts.join("/")),
            // What a pattern matches keeps its own name.
            to: match name.contains(PATTERN) {
                true => "/".to_owned(),
                false => format!("/{name}"),
            },
        })
    }
}

/// Characters of a pattern of file names.
const PATTERN: [char; 3] = ['*', '?', '['];

impl Dockerfile {
    /// The same Dockerfile with the stage [`SELECTED`] behind it, which holds these paths of a
    /// stage.
    pub fn selecting(&self, stage: usize, selections: &[Selection]) -> String {
        let last = self.instructions().last();
        let text = match last {
            // A continuation at the end of the file would swallow what comes next.
            Some(last) => self.text()[..last.span.start].to_owned() + self.own_text(last),
            None => self.text().to_owned(),
        };
        let mut text = text + &format!("\nFROM scratch AS {SELECTED}\n");
        for selection in selections {
            let words = [&selection.from, &selection.to].map(|word| self.plain(word));
            text += &format!("COPY --from={stage} {}\n", serde_json::json!(words));
        }
        text
    }

    /// A word that the builder is to take as it is.
    fn plain(&self, word: &str) -> String {
        let mut plain = String::new();
        for character in word.chars() {
            if matches!(character, '$' | '\'' | '"') || character == self.escape() {
                plain.push(self.escape());
            }
            plain.push(character);
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn paths_come_to_their_own_names() {
        for (path, from, to) in [
            ("/a/b.txt", "/a/b.txt", "/b.txt"),
            ("a//b/", "/a/b", "/b"),
            ("./a/*.log", "/a/*.log", "/"),
        ] {
            let selection = Selection::read(path).expect(path);
            assert_eq!((selection.from.as_str(), selection.to.as_str()), (from, to));
        }
        for path in ["/", "", ".", "/a/../b", "/a*/b"] {
            Selection::read(path).expect_err(path);
        }
    }

    #[test]
    fn the_stage_is_behind_a_file_that_stays_as_it_is() {
        let file = |text: &str| Dockerfile::parse(Path::new("Dockerfile"), text).expect("valid");
        let text = "# escape=`\r\nFROM x AS y\r\nRUN a `\r\n";
        let selection = Selection::read("/a $b/it's`x").expect("a path");
        let derived = file(text).selecting(0, &[selection]);
        assert_eq!(
            derived,
            "# escape=`\r\nFROM x AS y\r\nRUN a\nFROM scratch AS envtpl-selected\nCOPY --from=0 \
             [\"/a `$b/it`'s``x\",\"/it`'s``x\"]\n"
        );
        file(&derived);
        let heredoc = "FROM x\nRUN <<E\n \\\nE";
        let derived = file(heredoc).selecting(0, &[]);
        assert!(
            derived.starts_with("FROM x\nRUN <<E\n \\\nE\nFROM scratch"),
            "{derived}"
        );
    }
}
