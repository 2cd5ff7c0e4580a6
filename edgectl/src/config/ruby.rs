//! The Ruby that `gitlab.rb` files are written in: a list of settings. No Ruby is run.
//!
//! ```text
//! file       = { statement ( NEWLINE | ";" ) }
//! statement  = NAME ( value | "(" value ")" )                 external_url 'https://…'
//!            | NAME { "[" ( string | symbol ) "]" } "=" value registry['enable'] = true
//! value      = string { string } | heredoc | NUMBER | "true" | "false" | "nil" | symbol
//!            | "[" [ value { "," value } [ "," ] ] "]"
//!            | "{" [ pair { "," pair } [ "," ] ] "}"
//!            | "%w" DELIMITED | "%q" DELIMITED
//! pair       = value "=>" value | NAME ":" value | string ":" value
//! string     = "'" … "'" | '"' … '"'                          escapes as in Ruby
//! heredoc    = "<<" [ "~" | "-" ] ( ID | "'" ID "'" | '"' ID '"' ), its lines, ID
//! symbol     = ":" NAME | ":" string
//! comment    = "#" … end of line | "=begin" … "=end"; "__END__" ends the file
//! ```
//!
//! Whatever else Ruby allows (interpolation, method calls, operators, conditions, loops) has a value
//! only when it runs. Such a statement is kept with its place and its reason, and the reader goes on
//! after it: whoever needs the setting says so, nobody guesses. A setting inside `if … end`, or with
//! `if` behind it, is one of those.

use super::place::Position;

/// Arrays in hashes in arrays, beyond which no configuration goes.
const MAX_DEPTH: usize = 64;

/// A setting, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// `registry`, `external_url`.
    pub name: String,
    /// What stands in brackets behind it: `['token_realm']`.
    pub keys: Vec<String>,
    /// Where the statement begins.
    pub position: Position,
    /// Its value, or why it has none that can be read.
    pub value: Result<Value, Unreadable>,
}

/// A value that stands in the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `nil`.
    Nil,
    /// `true`, `false`.
    Truth(bool),
    /// A number, as it is written.
    Number(String),
    /// A string, symbol or heredoc.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// A hash; keys that are not text are written as they stand.
    Map(Vec<(String, Value)>),
}

/// What cannot be read without running Ruby.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {reason}")]
pub struct Unreadable {
    /// Where.
    pub position: Position,
    /// Why.
    pub reason: String,
}

/// What stands in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct File {
    /// The settings.
    pub settings: Vec<Setting>,
    /// Statements that are no setting.
    pub unread: Vec<Unreadable>,
}

/// Reads a file. There is no failure: what cannot be read is told in its place.
#[must_use]
pub fn read(text: &str) -> File {
    let mut reader = Reader {
        characters: text.chars().collect(),
        at: 0,
        heredocs: Vec::new(),
        blocks: Vec::new(),
        file: File::default(),
    };
    reader.file();
    reader.file
}

struct Reader {
    characters: Vec<char>,
    at: usize,
    /// Where the bodies of heredocs that were read in this line end.
    heredocs: Vec<usize>,
    /// What `end` closes.
    blocks: Vec<&'static str>,
    file: File,
}

type Read<T> = Result<T, Unreadable>;

impl Reader {
    fn file(&mut self) {
        loop {
            self.blanks_and_comments(true);
            if self.peek().is_none() || self.is_at_line("__END__") {
                return;
            }
            let start = self.at;
            if self.block_word() {
                continue;
            }
            if let Err(unreadable) = self.statement() {
                self.file.unread.push(unreadable);
                self.at = start;
                self.heredocs.clear();
                self.skip_statement();
            }
        }
    }

    /// Words that begin or end a block, of which no condition is looked at.
    fn block_word(&mut self) -> bool {
        const OPEN: [&str; 10] = [
            "if", "unless", "case", "while", "until", "for", "begin", "def", "class", "module",
        ];
        const MIDDLE: [&str; 6] = ["else", "elsif", "when", "rescue", "ensure", "in"];
        let word = self.word_at(self.at);
        let here = self.at;
        if word == "end" || word == "}" {
            self.at += word.len();
            self.blocks.pop();
            self.skip_line();
            return true;
        }
        if MIDDLE.contains(&word.as_str()) {
            self.skip_line();
            return true;
        }
        let Some(open) = OPEN.iter().copied().find(|open| *open == word) else {
            return false;
        };
        self.blocks.push(open);
        self.file.unread.push(Unreadable {
            position: self.position(here),
            reason: format!("`{open}` decides when it runs, so what it sets is not known"),
        });
        self.skip_line();
        true
    }

    fn statement(&mut self) -> Read<()> {
        let here = self.at;
        let name = self.name().ok_or_else(|| self.not_understood(here))?;
        let mut keys = Vec::new();
        while self.take("[") {
            self.blanks_and_comments(false);
            let Value::Text(key) = self.value(0)? else {
                return Err(self.refuse(here, "the name of this setting is not plain text"));
            };
            keys.push(key);
            self.blanks_and_comments(false);
            if !self.take("]") {
                return Err(self.refuse(here, "the name of this setting is an expression"));
            }
        }
        self.blanks_and_comments(false);
        let assigns = self.peek() == Some('=') && !matches!(self.peek_at(1), Some('=' | '~' | '>'));
        let is_call = keys.is_empty() && matches!(self.peek(), Some('\'' | '"' | '(' | '<' | '%'));
        let is_operator = ["||=", "&&=", "+=", "<<"]
            .into_iter()
            .find(|operator| !keys.is_empty() && self.looks_at(operator));
        if let Some(operator) = is_operator {
            let reason = format!("`{operator}` depends on what was there before");
            let value = Err(self.refuse(here, &reason));
            self.push(name, keys, here, value);
            self.skip_statement();
            return Ok(());
        }
        if !assigns && !is_call {
            return Err(self.not_understood(here));
        }
        if assigns && keys.is_empty() {
            return Err(self.refuse(here, "a variable; only settings are read"));
        }
        let (before, heredocs) = (self.at, self.heredocs.len());
        let value = if assigns {
            self.at += 1;
            self.blanks_and_comments(true);
            self.whole_value()
        } else if self.take("(") {
            self.blanks_and_comments(true);
            self.value(0).and_then(|value| {
                self.blanks_and_comments(true);
                if self.take(")") {
                    self.statement_end().map(|()| value)
                } else {
                    Err(self.expression())
                }
            })
        } else {
            self.whole_value()
        };
        let failed = value.is_err();
        self.push(name, keys, here, value);
        if failed {
            self.heredocs.truncate(heredocs);
            self.at = before;
            self.skip_statement();
        }
        Ok(())
    }

    fn push(&mut self, name: String, keys: Vec<String>, here: usize, value: Read<Value>) {
        let position = self.position(here);
        let value = match self.blocks.last() {
            Some(block) => value.and(Err(Unreadable {
                position,
                reason: format!("it stands inside `{block} … end`, which may or may not run"),
            })),
            None => value,
        };
        self.file.settings.push(Setting {
            name,
            keys,
            position,
            value,
        });
    }

    fn whole_value(&mut self) -> Read<Value> {
        let value = self.value(0)?;
        self.statement_end().map(|()| value)
    }

    fn statement_end(&mut self) -> Read<()> {
        self.blanks_and_comments(false);
        match self.peek() {
            None | Some('\n' | ';') => Ok(()),
            _ => Err(self.expression()),
        }
    }

    /// What goes on behind a value.
    fn expression(&self) -> Unreadable {
        let word = self.word_at(self.at);
        let reason = match word.as_str() {
            "if" | "unless" | "while" | "until" | "rescue" | "and" | "or" => {
                format!("`{word}` behind it decides whether it is set")
            }
            _ => format!(
                "`{}` goes on with an expression; only plain values are read",
                self.rest_of_line()
            ),
        };
        self.refuse(self.at, &reason)
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
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

    fn heredoc(&mut self) -> Read<String> {
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

    fn not_understood(&self, here: usize) -> Unreadable {
        let line = self.rest_of_line();
        self.refuse(
            here,
            &format!("`{line}` is not a plain setting or value; Ruby is not run here"),
        )
    }

    fn refuse(&self, here: usize, reason: &str) -> Unreadable {
        Unreadable {
            position: self.position(here),
            reason: reason.to_owned(),
        }
    }

    // Movement.

    fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn looks_at(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(ahead, character)| self.peek_at(ahead) == Some(character))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.looks_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn word_at(&self, at: usize) -> String {
        let rest = self.characters.get(at..).unwrap_or_default();
        let is_word = |character: &&char| character.is_alphanumeric() || **character == '_';
        rest.iter().take_while(is_word).collect()
    }

    fn name(&mut self) -> Option<String> {
        let word = self.word_at(self.at);
        let begins = word.chars().next()?;
        (begins.is_alphabetic() || begins == '_').then(|| {
            self.at += word.chars().count();
            word
        })
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = self.characters.get(at..).unwrap_or_default();
        let length = rest.iter().position(|character| *character == '\n');
        at + length.unwrap_or(rest.len())
    }

    /// Over a line feed, the bodies of the heredocs that began before it are passed as well.
    fn line_feed(&mut self) {
        self.at = self.heredocs.last().copied().unwrap_or(self.at + 1);
        self.heredocs.clear();
    }

    fn blanks_and_comments(&mut self, over_lines: bool) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some(';') if over_lines => self.at += 1,
                Some('\n') if over_lines => {
                    self.line_feed();
                    if self.is_at_line("=begin") {
                        while self.peek().is_some() && !self.is_at_line("=end") {
                            self.skip_line();
                            self.at += 1;
                        }
                        self.skip_line();
                    }
                }
                Some('#') => self.skip_line(),
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        self.at = self.line_end(self.at);
    }

    /// To the end of a statement that is not understood: of its line, or of the line in which its
    /// brackets, strings and heredocs end.
    fn skip_statement(&mut self) {
        let mut brackets = 0_usize;
        let mut previous = ' ';
        while let Some(character) = self.peek() {
            match character {
                '\n' if brackets == 0 => return,
                '\n' => {
                    self.line_feed();
                    continue;
                }
                '\'' | '"' => self.skip_quoted(character),
                '#' if previous.is_whitespace() => {
                    self.skip_line();
                    continue;
                }
                '<' if self.peek_at(1) == Some('<') && previous != '<' => {
                    let before = self.at;
                    if self.heredoc().is_err() {
                        self.at = before + 2;
                    }
                    continue;
                }
                '(' | '[' | '{' => brackets += 1,
                ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                'd' if previous.is_whitespace() && self.word_at(self.at) == "do" => {
                    self.blocks.push("do");
                }
                _ => {}
            }
            previous = character;
            self.at += 1;
        }
    }

    /// To the last character of a quoted text, whatever is in it.
    fn skip_quoted(&mut self, quote: char) {
        let rest = self.characters.get(self.at + 1..).unwrap_or_default();
        let mut escaped = false;
        let end = rest.iter().position(|character| {
            let ends = !escaped && *character == quote;
            escaped = !escaped && *character == '\\';
            ends
        });
        self.at += end.map_or(0, |length| length + 1);
    }

    fn is_at_line(&self, word: &str) -> bool {
        let begins = self.at == 0 || self.characters.get(self.at - 1) == Some(&'\n');
        begins && self.looks_at(word)
    }

    /// Enough of the line to recognise it, and nothing that may be a secret: a quoted text is cut.
    fn rest_of_line(&self) -> String {
        const SHOWN: usize = 40;
        let end = self.line_end(self.at);
        let line = self.characters.get(self.at..end).unwrap_or_default();
        let shown = line.iter().take_while(|c| !matches!(c, '\'' | '"'));
        let shown: String = shown.take(SHOWN).collect();
        let cut = shown.chars().count() < line.len();
        format!("{}{}", shown.trim_end(), if cut { "…" } else { "" })
    }

    fn position(&self, at: usize) -> Position {
        let before = self.characters.get(..at).unwrap_or(&self.characters);
        let line_start = before
            .iter()
            .rposition(|c| *c == '\n')
            .map_or(0, |at| at + 1);
        Position {
            line: before.iter().filter(|c| **c == '\n').count() + 1,
            column: before.len() - line_start + 1,
        }
    }
}

fn code(digits: &str, radix: u32) -> Option<char> {
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}

#[cfg(test)]
mod tests;
