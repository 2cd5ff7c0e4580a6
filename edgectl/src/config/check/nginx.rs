//! NGINX with the filter's module: `nginx.conf`, or what it includes.
//!
//! ```text
//! file      = { directive }
//! directive = WORD { WORD } ( ";" | "{" { directive } "}" )
//! WORD      = characters without blanks, or a text in ' or " with backslash escapes
//! comment   = "#" … end of line
//! ```
//!
//! `include` is not followed: files are given one by one.

use super::finding::{self, Place, Rule};
use super::{Checker, plugin::Plugin};
use crate::config::place::Position;

/// Deeper than any file is nested.
const MAX_DEPTH: usize = 32;

/// A directive and what is in its braces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Directive {
    words: Vec<String>,
    position: Position,
    block: Vec<Directive>,
}

/// Whether a text is meant for NGINX.
pub(super) fn is_one(text: &str) -> bool {
    let starts = |line: &str| {
        [
            "server {",
            "http {",
            "location ",
            "registry_token_filter o",
            "registry_token_filter_config ",
            "proxy_pass ",
        ]
        .iter()
        .any(|start| line.starts_with(start))
    };
    text.lines().map(str::trim_start).any(starts) && !text.trim_start().starts_with('{')
}

impl Checker<'_> {
    pub(super) fn nginx(&mut self) {
        let directives = match parse(self.text) {
            Ok(directives) => directives,
            Err((position, fault)) => {
                let remedy = "Correct it; `nginx -t` says more.";
                self.nginx_find(finding::NOT_READABLE, position, fault, remedy);
                return;
            }
        };
        let mut scopes = Vec::new();
        collect(&directives, &[], &mut scopes);
        let on = |scope: &Scope<'_>| scope.value("registry_token_filter") == Some("on");
        if !scopes.iter().any(on) {
            let first = scopes
                .iter()
                .find(|scope| scope.own("proxy_pass").is_some());
            let position = first.map_or(Position { line: 1, column: 1 }, |scope| scope.position);
            self.nginx_find(
                finding::FILTER_MISSING,
                position,
                "no location has `registry_token_filter on`: everyone is let through",
                "Write `registry_token_filter on;` where requests go to the registry.",
            );
            return;
        }
        self.carries += 1;
        for scope in &scopes {
            if let Some(directive) = scope.own("registry_token_filter_config")
                && let Some(json) = directive.words.get(1).filter(|word| word.starts_with('{'))
            {
                let place = self.nginx_place(directive.position);
                self.plugin(&Plugin {
                    place,
                    json,
                    node: None,
                    start: None,
                    tls: None,
                    hosts: Vec::new(),
                });
            }
            if scope.own("proxy_pass").is_some() && scope.covers_registry() {
                self.location(scope);
            }
        }
    }

    fn location(&mut self, scope: &Scope<'_>) {
        let at = |name: &str| {
            scope
                .find(name)
                .map_or(scope.position, |found| found.position)
        };
        if scope.value("registry_token_filter") != Some("on") {
            self.nginx_find(
                finding::FILTER_DISABLED,
                at("registry_token_filter"),
                "this location, which covers /v2/, does not have the filter on: it is open to everyone",
                "Write `registry_token_filter on;`; only the one exact path of the realm may go without.",
            );
        }
        if let Some(directive) = scope.own("proxy_pass") {
            let target = directive
                .words
                .get(1)
                .map(String::as_str)
                .unwrap_or_default();
            let behind = target.split_once("://").map_or(target, |(_, rest)| rest);
            if behind.contains('/') {
                self.nginx_find(
                    finding::REWRITE,
                    directive.position,
                    "with a URI part NGINX sends its own reading of the path: what is served is not \
                     what was authorized",
                    "Write `proxy_pass` with scheme and host alone, without a slash behind.",
                );
            }
        }
        for (name, rule, message, remedy) in [
            (
                "rewrite",
                finding::REWRITE,
                "the path is changed: what is served is not what was authorized",
                "Take the rewrite out; registry paths need none.",
            ),
            (
                "return",
                finding::ANSWERED_BEFORE,
                "`return` answers before the filter decides",
                "Take it out of this location.",
            ),
        ] {
            if let Some(directive) = scope.find(name) {
                self.nginx_find(rule, directive.position, message, remedy);
            }
        }
        if scope.value("satisfy") == Some("any") {
            self.nginx_find(
                finding::ANSWERED_BEFORE,
                at("satisfy"),
                "with `satisfy any` another access rule lets a request through that the filter \
                 refuses",
                "Write `satisfy all`, which is the default.",
            );
        }
        if scope.value("client_max_body_size") != Some("0") {
            self.nginx_find(
                finding::BODY_LIMIT,
                at("client_max_body_size"),
                "layers above this size (1 MiB, if nothing is said) are refused with 413",
                "Write `client_max_body_size 0;`.",
            );
        }
        if scope.value("proxy_request_buffering") != Some("off") {
            self.nginx_find(
                finding::REQUEST_BUFFERING,
                at("proxy_request_buffering"),
                "every layer is written to this machine's disk before the registry sees it",
                "Write `proxy_request_buffering off;`.",
            );
        }
    }

    fn nginx_place(&self, position: Position) -> Place {
        Place {
            file: self.file.to_owned(),
            position: Some(position),
            path: String::new(),
        }
    }

    fn nginx_find(
        &mut self,
        rule: Rule,
        position: Position,
        message: impl Into<String>,
        remedy: &str,
    ) {
        let finding = rule.at(self.nginx_place(position), message, remedy);
        self.findings.push(finding);
    }
}

/// A block with those around it, innermost last.
struct Scope<'a> {
    words: &'a [String],
    position: Position,
    levels: Vec<&'a [Directive]>,
}

impl<'a> Scope<'a> {
    /// A directive of the block itself.
    fn own(&self, name: &str) -> Option<&'a Directive> {
        named(self.levels.last()?, name)
    }

    /// A directive of the block or, inherited, of the nearest around it.
    fn find(&self, name: &str) -> Option<&'a Directive> {
        self.levels
            .iter()
            .rev()
            .find_map(|level| named(level, name))
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.find(name)?.words.get(1).map(String::as_str)
    }

    /// Whether requests to the registry's API may come here; what cannot be told is taken to.
    fn covers_registry(&self) -> bool {
        match self.words {
            [kind, modifier, path, ..] if kind == "location" && modifier == "=" => {
                path.starts_with("/v2")
            }
            [kind, modifier, path, ..] if kind == "location" && modifier == "^~" => {
                "/v2/".starts_with(path.as_str()) || path.starts_with("/v2")
            }
            [kind, path] if kind == "location" && path.starts_with('/') => {
                "/v2/".starts_with(path.as_str()) || path.starts_with("/v2")
            }
            _ => true,
        }
    }
}

fn named<'a>(level: &'a [Directive], name: &str) -> Option<&'a Directive> {
    let is_named =
        |directive: &&Directive| directive.words.first().is_some_and(|word| word == name);
    level.iter().find(is_named)
}

fn collect<'a>(level: &'a [Directive], around: &[&'a [Directive]], into: &mut Vec<Scope<'a>>) {
    let mut levels = around.to_vec();
    levels.push(level);
    for directive in level.iter().filter(|directive| !directive.block.is_empty()) {
        let mut own = levels.clone();
        own.push(&directive.block);
        into.push(Scope {
            words: &directive.words,
            position: directive.position,
            levels: own,
        });
        collect(&directive.block, &levels, into);
    }
}

type Fault = (Position, String);

fn parse(text: &str) -> Result<Vec<Directive>, Fault> {
    let mut open: Vec<(Vec<String>, Position, Vec<Directive>)> = Vec::new();
    let mut level = Vec::new();
    let mut words: Vec<(String, Position)> = Vec::new();
    let mut position = Position { line: 1, column: 1 };
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let here = position;
        advance(&mut position, character);
        match character {
            '#' => {
                while characters.peek().is_some_and(|next| *next != '\n') {
                    characters.next();
                }
            }
            ';' | '{' => {
                let at = words.first().map_or(here, |(_, at)| *at);
                let taken: Vec<String> = words.drain(..).map(|(word, _)| word).collect();
                if taken.is_empty() {
                    return Err((here, format!("a directive is missing before `{character}`")));
                }
                if character == ';' {
                    level.push(Directive {
                        words: taken,
                        position: at,
                        block: Vec::new(),
                    });
                } else if open.len() < MAX_DEPTH {
                    open.push((taken, at, std::mem::take(&mut level)));
                } else {
                    return Err((here, "nested too deeply".to_owned()));
                }
            }
            '}' => {
                let Some((taken, at, outer)) = open.pop().filter(|_| words.is_empty()) else {
                    return Err((
                        here,
                        "this brace closes nothing, or a `;` is missing".to_owned(),
                    ));
                };
                let block = std::mem::replace(&mut level, outer);
                level.push(Directive {
                    words: taken,
                    position: at,
                    block,
                });
            }
            blank if blank.is_whitespace() => {}
            first => {
                let quote = Some(first).filter(|first| matches!(first, '\'' | '"'));
                let mut word: String = quote.map_or_else(|| first.to_string(), |_| String::new());
                let mut closed = quote.is_none();
                while let Some(&next) = characters.peek() {
                    let ends = match quote {
                        Some(quote) => next == quote,
                        None => next.is_whitespace() || matches!(next, ';' | '{'),
                    };
                    if ends && quote.is_none() && !(next == '{' && word.ends_with('$')) {
                        break;
                    }
                    characters.next();
                    advance(&mut position, next);
                    if ends && quote.is_some() {
                        closed = true;
                        break;
                    }
                    if next == '\\'
                        && let Some(escaped) = characters.next()
                    {
                        advance(&mut position, escaped);
                        word.push(escaped);
                    } else {
                        word.push(next);
                    }
                }
                if !closed {
                    return Err((here, "this text does not end".to_owned()));
                }
                words.push((word, here));
            }
        }
    }
    match (open.pop(), words.first()) {
        (Some((_, at, _)), _) => Err((at, "this block does not end".to_owned())),
        (None, Some((_, at))) => Err((*at, "a `;` is missing behind this directive".to_owned())),
        (None, None) => Ok(level),
    }
}

fn advance(position: &mut Position, character: char) {
    if character == '\n' {
        position.line += 1;
        position.column = 1;
    } else {
        position.column += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_those_of_nginx() {
        let text = "a b 'c d' \"e\\\"f\"; # x ; {\nserver { listen 443 ssl;\n  location ~ ^/v2 { set $x ${y}z; } }\n";
        let found = parse(text).unwrap();
        assert_eq!(found[0].words, ["a", "b", "c d", "e\"f"]);
        assert_eq!(found[1].block[0].words, ["listen", "443", "ssl"]);
        let location = &found[1].block[1];
        assert_eq!(location.position, Position { line: 3, column: 3 });
        assert_eq!(location.block[0].words, ["set", "$x", "${y}z"]);
    }

    #[test]
    fn faults_have_a_place() {
        for (text, line) in [
            ("a b", 1),
            ("a {\n b;", 1),
            ("a;\n}", 2),
            ("a {\n b }", 2),
            ("\n;", 2),
            ("a 'b", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().0.line, line, "{text}");
        }
        assert!(parse(&"a {".repeat(1000)).is_err());
    }
}
