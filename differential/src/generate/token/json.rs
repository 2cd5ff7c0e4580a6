//! Members as they stand in a recipe, and JSON of every kind.

use toml::{Table, Value};

use crate::dice::Dice;

pub(super) fn odd_value(dice: &mut Dice) -> Value {
    Value::Table(Table::from_iter([(
        "json".to_owned(),
        odd_json(dice).into(),
    )]))
}

/// JSON of any kind, and some that is none.
pub(super) fn odd_json(dice: &mut Dice) -> String {
    if dice.percent(6) {
        let depth = dice.pick(&[100, 125, 126, 127, 128, 129, 200, 1000, 9990, 10001]);
        return "[".repeat(depth) + &"]".repeat(depth);
    }
    dice.pick(&[
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "1",
        "1.5",
        "1e3",
        "1E+2",
        "1e999",
        "-1e400",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "NaN",
        "\"\"",
        "\"x\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\x\"",
        "'x'",
        "\"a\tb\"",
        "\"\u{7f}\"",
        "\"\u{fc}\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[1,]",
        "{\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"A\":2}",
        "{\"iss\":1,\"iss\":2}",
        "{\"\\ud800\":1}",
        "{\"\":null}",
        "[1e999]",
        "123456789012345678901234567890",
        "\"omnibus-gitlab-issuer\"",
        "\"container_registry\"",
        "tru",
        "undefined",
    ])
    .to_owned()
}

pub(super) fn set(members: &mut Table, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

pub(super) fn table(name: &str, value: Value) -> Value {
    Value::Table(Table::from_iter([(name.to_owned(), value)]))
}

pub(super) fn json(text: &str) -> Value {
    table("json", text.into())
}

pub(super) fn absent() -> Value {
    table("absent", Value::Boolean(true))
}
