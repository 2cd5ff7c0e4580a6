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

mod cursor;
mod value;

use super::place::Position;

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
}

#[cfg(test)]
mod tests;
