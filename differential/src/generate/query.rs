//! Queries, most of all the ways to write `from`.

use super::path;
use crate::dice::Dice;

/// A query with its question mark, or nothing.
pub(super) fn random(dice: &mut Dice) -> String {
    if dice.percent(60) {
        return String::new();
    }
    let pieces = dice.number(..4);
    let mut query = String::from("?");
    for index in 0..pieces {
        if index > 0 {
            query.push_str(dice.weighted(&[(20, "&"), (1, ";"), (1, "&&"), (1, "%26"), (1, "?")]));
        }
        query.push_str(&piece(dice));
    }
    query
}

fn piece(dice: &mut Dice) -> String {
    match dice.number(..10) {
        0..6 => format!("{}{}", key(dice), value(dice)),
        6 => {
            let digest = dice.pick(&[0, 1]);
            let digests = path::digests();
            format!("mount={}", digests.get(digest).map_or("", String::as_str))
        }
        _ => dice
            .weighted(&[
                (2, "n=10"),
                (1, "last=a"),
                (1, "mount=sha256:aa"),
                (1, "digest=sha256:abc"),
                (1, "_state=x"),
                (1, "=from"),
                (1, "%zz=1"),
                (1, "%zz"),
                (1, "a;b"),
                (1, "a=%"),
                (1, "access_token=x"),
                (1, "%"),
                (1, ""),
                (1, "x=\"<>\\^`{|}"),
            ])
            .to_owned(),
    }
}

fn key(dice: &mut Dice) -> &'static str {
    dice.weighted(&[
        (20, "from="),
        (3, "%66rom="),
        (2, "f%72%6Fm="),
        (2, "FROM="),
        (1, "From="),
        (2, "from"),
        (1, "from%3D"),
        (1, "+from="),
        (1, "from+="),
        (1, "from%00="),
        (1, "from[]="),
        (1, "from=="),
        (1, "%66%zzrom="),
        (1, "xfrom="),
        (1, "fr\u{f6}m="),
    ])
}

fn value(dice: &mut Dice) -> &'static str {
    dice.weighted(&[
        (16, "group/secret"),
        (4, "group%2Fsecret"),
        (6, "group/app"),
        (3, ""),
        (3, "x/y"),
        (1, "x+y"),
        (1, "x%20y"),
        (1, "Group/Secret"),
        (1, "group/secret/"),
        (1, "../secret"),
        (1, "%zz"),
        (1, "%"),
        (1, "a;b"),
        (1, "a%3Bb"),
        (1, "a%22b%5C"),
        (1, "a%0D%0Ab"),
        (1, "a%00b"),
        (1, "%FF"),
        (1, "%C3%BC"),
        (1, "%E2%80%8B%C2%A0%E2%80%A8"),
        (1, "%F4%8F%BF%BF%EF%BF%BD"),
        (1, "%ED%A0%80"),
        (1, "a%3Cb%3E%26"),
        (1, "a%7f%1b%08"),
        (1, "repository:x:pull,push"),
        (1, "a:pull%20registry:catalog"),
        (1, "a=b"),
        (1, "a%26from=b"),
        (1, "\u{fc}"),
        (1, "a?b#c"),
    ])
}
