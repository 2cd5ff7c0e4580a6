//! Moving through the text: blanks and comments, words, what is skipped.

use super::Reader;
use crate::config::place::Position;

impl Reader {
    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    pub(super) fn looks_at(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(ahead, character)| self.peek_at(ahead) == Some(character))
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.looks_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    pub(super) fn word_at(&self, at: usize) -> String {
        let rest = self.characters.get(at..).unwrap_or_default();
        let is_word = |character: &&char| character.is_alphanumeric() || **character == '_';
        rest.iter().take_while(is_word).collect()
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let word = self.word_at(self.at);
        let begins = word.chars().next()?;
        (begins.is_alphabetic() || begins == '_').then(|| {
            self.at += word.chars().count();
            word
        })
    }

    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.characters.get(at..).unwrap_or_default();
        let length = rest.iter().position(|character| *character == '\n');
        at + length.unwrap_or(rest.len())
    }

    /// Over a line feed, the bodies of the heredocs that began before it are passed as well.
    fn line_feed(&mut self) {
        self.at = self.heredocs.last().copied().unwrap_or(self.at + 1);
        self.heredocs.clear();
    }

    pub(super) fn blanks_and_comments(&mut self, over_lines: bool) {
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

    pub(super) fn skip_line(&mut self) {
        self.at = self.line_end(self.at);
    }

    /// To the end of a statement that is not understood: of its line, or of the line in which its
    /// brackets, strings and heredocs end.
    pub(super) fn skip_statement(&mut self) {
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

    pub(super) fn is_at_line(&self, word: &str) -> bool {
        let begins = self.at == 0 || self.characters.get(self.at - 1) == Some(&'\n');
        begins && self.looks_at(word)
    }

    /// Enough of the line to recognise it, and nothing that may be a secret: a quoted text is cut.
    pub(super) fn rest_of_line(&self) -> String {
        const SHOWN: usize = 40;
        let end = self.line_end(self.at);
        let line = self.characters.get(self.at..end).unwrap_or_default();
        // Nor is a long run of letters and digits shown, which may be part of a key.
        let run = self.word_at(self.at).chars().count();
        let most = if run > SHOWN / 2 { 0 } else { SHOWN };
        let shown = line.iter().take_while(|c| !matches!(c, '\'' | '"'));
        let shown: String = shown.take(most).collect();
        let cut = shown.chars().count() < line.len();
        format!("{}{}", shown.trim_end(), if cut { "…" } else { "" })
    }

    pub(super) fn position(&self, at: usize) -> Position {
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
