//! Tokens: one that fits the request, and what can be wrong with it.

mod claims;
mod header;
mod json;

pub(crate) use header::settle;

use toml::Value;

use super::Path;
use crate::case::Edit;
use crate::dice::Dice;
use corpus::token::{Mutation, Token};

/// A token for a request: what it grants mostly covers the request, and mostly nothing is wrong
/// with it.
pub(super) fn fitting(
    method: &str,
    path: &Path,
    query: &str,
    dice: &mut Dice,
) -> (Token, Vec<Edit>) {
    let mut token = Token {
        access: Some(access(method, path, query, dice)),
        ..Token::default()
    };
    let mut edits = Vec::new();
    if dice.percent(15) {
        header::curve(&mut token, dice);
    }
    if dice.percent(45) {
        for _ in 0..dice.pick(&[1, 1, 1, 2, 3]) {
            damage(&mut token, &mut edits, dice);
        }
    }
    (token, edits)
}

fn access(method: &str, path: &Path, query: &str, dice: &mut Dice) -> Vec<String> {
    let mut access = Vec::new();
    if path.is_catalog {
        access.push(
            dice.weighted(&[
                (6, "registry:catalog:*"),
                (1, "registry:catalog:pull"),
                (1, "repository:catalog:*"),
            ])
            .to_owned(),
        );
    }
    if let Some(name) = &path.repository {
        let needed = match method {
            "GET" | "HEAD" => "pull",
            "POST" | "PUT" | "PATCH" => "pull,push",
            "DELETE" => "delete",
            _ => "none",
        };
        let actions = match dice.number(..16) {
            0..9 => needed,
            9 | 10 => "*",
            11 => "pull",
            12 => "push",
            13 => "pull,push,delete",
            14 => "Pull,PULL",
            _ => "",
        };
        let kind = dice.weighted(&[
            (30, "repository"),
            (1, "Repository"),
            (1, "repository(plugin)"),
            (1, "registry"),
        ]);
        let near = match dice.number(..24) {
            0 => name.to_lowercase(),
            1 => format!("{name}/"),
            2 => "*".to_owned(),
            3 => name.split('/').next().unwrap_or_default().to_owned(),
            4 => format!("{}/*", name.split('/').next().unwrap_or_default()),
            _ => name.clone(),
        };
        if actions == "pull,push" && dice.percent(20) {
            access.push(format!("{kind}:{near}:pull"));
            access.push(format!("{kind}:{near}:push"));
        } else {
            access.push(format!("{kind}:{near}:{actions}"));
        }
    }
    if query.contains("from") && dice.percent(65) {
        let source = dice.weighted(&[
            (6, "group/secret"),
            (2, "group/app"),
            (2, "x/y"),
            (1, "x y"),
        ]);
        let actions = dice.weighted(&[(6, "pull"), (1, "push"), (1, "*"), (1, "")]);
        access.push(format!("repository:{source}:{actions}"));
    }
    if dice.percent(4) {
        access.clear();
    }
    access
}

/// Spoils, or merely changes, one thing of a token.
pub(super) fn damage(token: &mut Token, edits: &mut Vec<Edit>, dice: &mut Dice) {
    match dice.number(..24) {
        0..2 => {
            let index = dice.number(..Mutation::ALL.len());
            token.mutation = Mutation::ALL.get(index).copied();
        }
        2..4 => edits.push(edit(dice)),
        4..6 => header::key(token, dice),
        6..8 => header::algorithm(token, dice),
        8..11 => header::parameter(token, dice),
        11..14 => claims::time(token, dice),
        14..18 => claims::claim(token, dice),
        18..20 => claims::access(token, dice),
        20..22 => claims::name(token, dice),
        22 => claims::payload(token, dice),
        _ => {
            // Nothing is wrong: the other half of what is damaged.
            token.claims.insert(
                "jti".to_owned(),
                Value::from(i64::from(dice.fraction()).to_string()),
            );
        }
    }
    header::settle(token);
}

fn edit(dice: &mut Dice) -> Edit {
    const LETTERS: &[u8] = b"AQgw09_-+/=.e~";
    let at = dice.fraction();
    let letter = dice.pick(LETTERS);
    match dice.number(..4) {
        0 | 1 => Edit::Replace(at, letter),
        2 => Edit::Insert(at, letter),
        _ => Edit::Remove(at),
    }
}
