//! Values: strings with Ruby's escapes, heredocs, arrays, hashes.

use super::{Read, Reader, Value};

/// Arrays in hashes in arrays, beyond which no configuration goes.
const MAX_DEPTH: usize = 64;

impl Reader {
    pub(super) fn value(&mut self, depth: usize) -> Read<Value> {
        let here = self.at;
        if depth > MAX_DEPTH {
            return Err(self.refuse(here, "nested too deeply"));
        }
        match (self.peek(), self.peek_at(1)) {
            (Some('\'' | '"'), _) => self.strings().map(Value::Text),
            (Some('<'), Some('<')) => self.heredoc().map(Value::Text),
            (Some('['), _) => self.list(depth).map(Value::List),
            (Some('{'), _) => self.map(depth).map(Value::Map),
            (Some('%'), Some('w' | 'q')) => self.percent(),
            (Some(':'), Some(next)) if next != ':' => {
                self.at += 1;
                let text = match next {
                    '\'' | '"' => self.string()?,
                    _ => self.name().ok_or_else(|| self.not_understood(here))?,
                };
                Ok(Value::Text(text))
            }
            (Some(first), second)
                if first.is_ascii_digit()
                    || (matches!(first, '-' | '+')
                        && second.is_some_and(|c| c.is_ascii_digit())) =>
            {
                Ok(Value::Number(self.number()))
            }
            _ => {
                let word = self.word_at(self.at);
                let value = match word.as_str() {
                    "true" => Value::Truth(true),
                    "false" => Value::Truth(false),
                    "nil" => Value::Nil,
                    _ => return Err(self.not_understood(here)),
                };
                self.at += word.len();
                Ok(value)
            }
        }
    }

    /// Literals next to each other are one string, also with a backslash at the end of the line.
    fn strings(&mut self) -> Read<String> {
        let mut text = self.string()?;
        loop {
            let before = self.at;
            self.blanks_and_comments(false);
            if self.peek() == Some('\\') && self.peek_at(1) == Some('\n') {
                self.at += 2;
                self.blanks_and_comments(false);
            }
            if !matches!(self.peek(), Some('\'' | '"')) {
                self.at = before;
                return Ok(text);
            }
            text.push_str(&self.string()?);
        }
    }

    fn string(&mut self) -> Read<String> {
        let start = self.at;
        let quote = self.next().unwrap_or('"');
        let mut text = String::new();
        loop {
            let here = self.at;
            match self.next() {
                None => return Err(self.refuse(start, "this string does not end")),
                Some(end) if end == quote => return Ok(text),
                Some('\\') if quote == '"' => self.escape(here, &mut text)?,
                Some('\\') if matches!(self.peek(), Some('\'' | '\\')) => text.extend(self.next()),
                Some('#') if quote == '"' && matches!(self.peek(), Some('{' | '@' | '$')) => {
                    let reason = "`#{…}` in a string is computed when Ruby runs";
                    return Err(self.refuse(here, reason));
                }
                Some(other) => text.push(other),
            }
        }
    }

    /// Behind a backslash in double quotes.
    fn escape(&mut self, here: usize, text: &mut String) -> Read<()> {
        let unknown = "an escape sequence that is not read here";
        let character = match self.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('s') => ' ',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('v') => '\u{b}',
            Some('f') => '\u{c}',
            Some('e') => '\u{1b}',
            // The line goes on.
            Some('\n') => return Ok(()),
            Some(first @ '0'..='7') => {
                let mut digits = first.to_string();
                digits.push_str(&self.digits(8, 2));
                code(&digits, 8).ok_or_else(|| self.refuse(here, unknown))?
            }
            Some('x') => {
                let digits = self.digits(16, 2);
                let code = code(&digits, 16).filter(char::is_ascii);
                code.ok_or_else(|| self.refuse(here, unknown))?
            }
            Some('u') if self.take("{") => {
                let digits = self.digits(16, 6);
                let code = code(&digits, 16).filter(|_| self.take("}"));
                code.ok_or_else(|| self.refuse(here, unknown))?
            }
            Some('u') => {
                let digits = self.digits(16, 4);
                let code = code(&digits, 16).filter(|_| digits.len() == 4);
                code.ok_or_else(|| self.refuse(here, unknown))?
            }
            Some('c' | 'C' | 'M') | None => return Err(self.refuse(here, unknown)),
            Some(other) => other,
        };
        text.push(character);
        Ok(())
    }

    fn digits(&mut self, radix: u32, most: usize) -> String {
        let mut digits = String::new();
        while digits.len() < most {
            match self.peek() {
                Some(digit) if digit.is_digit(radix) => digits.extend(self.next()),
                _ => break,
            }
        }
        digits
    }

    fn number(&mut self) -> String {
        let mut text: String = self.next().into_iter().collect();
        while let Some(character) = self.peek() {
            let is_fraction =
                character == '.' && self.peek_at(1).is_some_and(|next| next.is_ascii_digit());
            if !(character.is_ascii_alphanumeric() || character == '_' || is_fraction) {
                break;
            }
            self.at += 1;
            if character != '_' {
                text.push(character);
            }
        }
        text
    }

    pub(super) fn heredoc(&mut self) -> Read<String> {
        let here = self.at;
        self.at += 2;
        let squiggly = self.peek() == Some('~');
        let indented = squiggly || self.peek() == Some('-');
        self.at += usize::from(indented);
        let quote = self.peek().filter(|quote| matches!(quote, '\'' | '"'));
        self.at += usize::from(quote.is_some());
        let id = self.name().ok_or_else(|| self.not_understood(here))?;
        if let Some(quote) = quote
            && self.next() != Some(quote)
        {
            return Err(self.refuse(here, "the name of this heredoc does not end"));
        }
        // The body begins in the next line, or behind the bodies of this line's other heredocs.
        let mut at = match self.heredocs.last() {
            Some(&end) => end,
            None => self.line_end(self.at) + 1,
        };
        let mut lines = Vec::new();
        loop {
            if at >= self.characters.len() {
                let reason = format!("this heredoc has no closing line `{id}`");
                return Err(self.refuse(here, &reason));
            }
            let end = self.line_end(at);
            let line: String = self
                .characters
                .get(at..end)
                .unwrap_or_default()
                .iter()
                .collect();
            let line = line.trim_end_matches('\r').to_owned();
            at = end + 1;
            let closes = if indented { line.trim_start() } else { &line };
            if closes == id {
                break;
            }
            lines.push(line);
        }
        self.heredocs.push(at);
        if quote != Some('\'') && lines.iter().any(|line| line.contains(['\\', '#'])) {
            let computed = lines.iter().any(|line| {
                line.contains('\\') || ["#{", "#@", "#$"].iter().any(|sign| line.contains(sign))
            });
            if computed {
                let reason = "`#{…}` or a backslash in a heredoc is computed when Ruby runs";
                return Err(self.refuse(here, reason));
            }
        }
        let margin = |line: &String| line.len() - line.trim_start().len();
        let filled = lines.iter().filter(|line| !line.trim().is_empty());
        let common = if squiggly {
            filled.map(margin).min().unwrap_or(0)
        } else {
            0
        };
        let cut = |line: &String| format!("{}\n", line.get(common..).unwrap_or_default());
        Ok(lines.iter().map(cut).collect())
    }

    fn list(&mut self, depth: usize) -> Read<Vec<Value>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks_and_comments(true);
            if self.take("]") {
                return Ok(items);
            }
            items.push(self.value(depth + 1)?);
            self.separator(']')?;
        }
    }

    fn map(&mut self, depth: usize) -> Read<Vec<(String, Value)>> {
        self.at += 1;
        let mut pairs = Vec::new();
        loop {
            self.blanks_and_comments(true);
            if self.take("}") {
                return Ok(pairs);
            }
            let here = self.at;
            let word = self.word_at(self.at);
            let behind = self.at + word.chars().count();
            let is_label = !word.is_empty()
                && self.characters.get(behind) == Some(&':')
                && self.characters.get(behind + 1) != Some(&':');
            let key = if is_label {
                self.at = behind + 1;
                word
            } else {
                let key = match self.value(depth + 1)? {
                    Value::Text(text) | Value::Number(text) => text,
                    _ => return Err(self.refuse(here, "a key that is not plain text")),
                };
                self.blanks_and_comments(true);
                if !self.take("=>") && !self.take(":") {
                    return Err(self.expression());
                }
                key
            };
            self.blanks_and_comments(true);
            pairs.push((key, self.value(depth + 1)?));
            self.separator('}')?;
        }
    }

    fn separator(&mut self, end: char) -> Read<()> {
        self.blanks_and_comments(true);
        if self.take(",") || self.peek() == Some(end) {
            Ok(())
        } else {
            Err(self.expression())
        }
    }

    /// `%w(a b)` is a list of words, `%q(it's)` a string. Brackets inside are not paired.
    fn percent(&mut self) -> Read<Value> {
        let here = self.at;
        let words = self.peek_at(1) == Some('w');
        self.at += 2;
        let close = match self.next() {
            Some('(') => ')',
            Some('[') => ']',
            Some('{') => '}',
            Some('<') => '>',
            Some(other) if other.is_ascii_punctuation() => other,
            _ => return Err(self.not_understood(here)),
        };
        let start = self.at;
        while let Some(character) = self.next() {
            if character == close {
                let inside = self.characters.get(start..self.at - 1).unwrap_or_default();
                let text: String = inside.iter().collect();
                if text.contains(['\\', '(', '[', '{', '<']) {
                    break;
                }
                let list = || {
                    text.split_whitespace()
                        .map(|word| Value::Text(word.to_owned()))
                };
                return Ok(if words {
                    Value::List(list().collect())
                } else {
                    Value::Text(text)
                });
            }
        }
        Err(self.refuse(here, "a `%` literal that does not end or is nested"))
    }
}

fn code(digits: &str, radix: u32) -> Option<char> {
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}
