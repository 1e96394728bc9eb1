//! Variables in a text of a Dockerfile: `$NAME`, `${NAME:-word}`, `${NAME#pattern}` and the like.

use super::Reader;

impl Reader<'_> {
    /// What a `$` and what follows it become.
    pub(super) fn dollar(&mut self) -> Result<String, String> {
        self.characters.next();
        if self.characters.next_if_eq(&'{').is_none() {
            let name = self.name();
            return Ok(match name.is_empty() {
                true => "$".to_owned(),
                false => self.value_or(&name, || format!("${name}")),
            });
        }
        match self.characters.peek() {
            None => return Err("a `}` is missing".to_owned()),
            Some('{' | '}' | ':') => return Err("bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        let operator = self.characters.next().ok_or("a `}` is missing")?;
        match operator {
            '}' => Ok(self.value_or(&name, || format!("${{{name}}}"))),
            ':' => {
                let operator = self.characters.next().ok_or("a `}` is missing")?;
                match operator {
                    '-' | '+' | '?' => self.alternative(&name, operator, true),
                    _ => Err(format!("`:{operator}` is not supported in a substitution")),
                }
            }
            '-' | '+' | '?' => self.alternative(&name, operator, false),
            '#' | '%' => self.trimmed(&name, operator),
            '/' => self.replaced(&name),
            _ => Err(format!("`{operator}` is not supported in a substitution")),
        }
    }

    fn value_or(&mut self, name: &str, written: impl FnOnce() -> String) -> String {
        match self.get(name) {
            Some(value) => value,
            None if self.lexer.keep_unset => written(),
            None => String::new(),
        }
    }

    fn alternative(
        &mut self,
        name: &str,
        operator: char,
        empty_is_unset: bool,
    ) -> Result<String, String> {
        let (word, _) = self.until(Some('}'), false)?;
        // A name with an alternative is not missed.
        let value = (self.value)(name);
        if value.is_none() && self.lexer.keep_unset {
            let colon = if empty_is_unset { ":" } else { "" };
            return Ok(format!("${{{name}{colon}{operator}{word}}}"));
        }
        let set = value.filter(|value| !(empty_is_unset && value.is_empty()));
        match (operator, set) {
            ('-', Some(value)) | ('?', Some(value)) => Ok(value),
            ('-', None) => Ok(word),
            ('+', set) => Ok(set.map(|_| word).unwrap_or_default()),
            (_, _) => Err(match word.is_empty() {
                true => format!("`{name}` has no value"),
                false => format!("{name}: {word}"),
            }),
        }
    }

    fn trimmed(&mut self, name: &str, operator: char) -> Result<String, String> {
        let (word, _) = self.until(Some('}'), true)?;
        let Some(value) = self.get(name) else {
            return Ok(match self.lexer.keep_unset {
                true => format!("${{{name}{operator}{word}}}"),
                false => String::new(),
            });
        };
        let (pattern, longest) = match word.strip_prefix(operator) {
            Some(pattern) => (pattern, true),
            None => (word.as_str(), false),
        };
        let front = operator == '#';
        let mut cuts: Vec<usize> = value.char_indices().map(|(index, _)| index).collect();
        cuts.push(value.len());
        // From the shortest match to the longest, or the other way round.
        if front == longest {
            cuts.reverse();
        }
        let cut = cuts.into_iter().find(|&cut| {
            let part = if front { &value[..cut] } else { &value[cut..] };
            matches(pattern, part)
        });
        Ok(match cut {
            Some(cut) if front => value[cut..].to_owned(),
            Some(cut) => value[..cut].to_owned(),
            None => value,
        })
    }

    fn replaced(&mut self, name: &str) -> Result<String, String> {
        let all = self.characters.next_if_eq(&'/').is_some();
        let (pattern, _) = self.until(Some('/'), true)?;
        let (replacement, _) = self.until(Some('}'), true)?;
        let Some(value) = self.get(name) else {
            return Ok(match self.lexer.keep_unset {
                true => format!("${{{name}/{pattern}/{replacement}}}"),
                false => String::new(),
            });
        };
        let mut text = String::new();
        let mut rest = value.as_str();
        while let Some(first) = rest.chars().next() {
            let mut ends = rest.char_indices().map(|(index, _)| index).skip(1);
            let longest = std::iter::once(rest.len())
                .chain(ends.by_ref().collect::<Vec<_>>().into_iter().rev())
                .find(|&end| matches(&pattern, &rest[..end]));
            match longest {
                Some(end) => {
                    text.push_str(&replacement);
                    rest = &rest[end..];
                    if !all {
                        break;
                    }
                }
                None => {
                    text.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    fn get(&mut self, name: &str) -> Option<String> {
        let value = (self.value)(name);
        if value.is_none() {
            self.unset.insert(name.to_owned());
        }
        value
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.characters.peek().copied() {
            Some(digit) if digit.is_ascii_digit() => {
                while let Some(digit) = self.characters.next_if(char::is_ascii_digit) {
                    name.push(digit);
                }
            }
            Some(special) if "@*#?-$!".contains(special) => name.extend(self.characters.next()),
            _ => {
                while let Some(next) = self
                    .characters
                    .next_if(|next| next.is_alphanumeric() || *next == '_')
                {
                    name.push(next);
                }
            }
        }
        name
    }
}

/// Whether a pattern of `*` and `?` is all of a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern.as_str();
            text.char_indices()
                .any(|(index, _)| matches(rest, &text[index..]))
                || matches(rest, "")
        }
        Some(first) => {
            let wanted = match first {
                '\\' => pattern.next(),
                '?' => None,
                _ => Some(first),
            };
            let mut text = text.chars();
            text.next()
                .is_some_and(|next| wanted.is_none_or(|wanted| wanted == next))
                && matches(pattern.as_str(), text.as_str())
        }
    }
}
