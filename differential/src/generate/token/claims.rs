//! What can be wrong with a token's claims, and with the JSON they stand in.

use super::json::{absent, json, odd_json, odd_value, set, table};
use crate::dice::Dice;
use corpus::bytes::Bytes;
use corpus::token::Token;

pub(super) fn time(token: &mut Token, dice: &mut Dice) {
    let name = dice.pick(&["exp", "exp", "nbf", "nbf", "iat"]);
    let value = if dice.percent(50) {
        // Never near a limit: the clock goes on between two requests.
        let offset = dice.pick(&[
            -100_000_000,
            -3600,
            -100,
            -90,
            -30,
            0,
            30,
            100,
            3600,
            100_000_000,
        ]);
        table("now", offset.into())
    } else {
        json(dice.pick(&[
            "0",
            "-0",
            "-1",
            "1",
            "null",
            "true",
            "\"4102444800\"",
            "4102444800",
            "4102444800.0",
            "4102444800.5",
            "4.1024448e9",
            "4102444800e0",
            "41024448E2",
            "9000000000000000000",
            "9223371974719179007",
            "9223371974719179008",
            "9223371974719178947",
            "9223371974719178948",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "1e19",
            "1e999",
            "-1e999",
            "1e-999",
            "[]",
            "{}",
            "[4102444800]",
            "\"\"",
            "1.0",
            "00",
            "1.",
        ]))
    };
    set(&mut token.claims, name, value);
}

pub(super) fn claim(token: &mut Token, dice: &mut Dice) {
    let name = dice.pick(&[
        "iss",
        "iss",
        "aud",
        "aud",
        "aud",
        "sub",
        "jti",
        "user",
        "auth_type",
        "x",
        "access",
    ]);
    let value = match dice.number(..6) {
        0 => absent(),
        1 if name == "aud" => json(dice.pick(&[
            "[\"container_registry\"]",
            "[\"x\",\"container_registry\"]",
            "[\"container_registry\",1]",
            "[\"container_registry\",null]",
            "[null]",
            "[[\"container_registry\"]]",
            "[]",
            "[\"\"]",
            "\"container_registry\\u0000\"",
            "\"container\\u005fregistry\"",
            "\"CONTAINER_REGISTRY\"",
        ])),
        1 if name == "iss" => json(dice.pick(&[
            "\"omnibus-gitlab-issuer \"",
            "\"Omnibus-gitlab-issuer\"",
            "\"omnibus\\u002dgitlab-issuer\"",
            "[\"omnibus-gitlab-issuer\"]",
            "\"\"",
            "\"omnibus-gitlab-issuer\\u0000\"",
        ])),
        _ => odd_value(dice),
    };
    set(&mut token.claims, name, value);
}

pub(super) fn access(token: &mut Token, dice: &mut Dice) {
    const APP: &str = r#""type":"repository","name":"group/app""#;
    let value = match dice.number(..4) {
        0 => dice
            .pick(&[
                "null", "[]", "{}", "\"\"", "1", "[null]", "[[]]", "[1]", "[\"x\"]", "[{}]", "true",
            ])
            .to_owned(),
        1 => {
            let actions = dice.pick(&[
                "null",
                "\"pull\"",
                "[null]",
                "[\"pull\",null]",
                "[1]",
                "{}",
                "[[\"pull\"]]",
                "[\"pul\\u006c\"]",
                "[\"pull\",\"pull\",\"push\",\"delete\"]",
                "[\"*\"]",
                "[\"\"]",
            ]);
            format!("[{{{APP},\"actions\":{actions}}}]")
        }
        2 => {
            let extra = dice.pick(&[
                "\"class\":\"x\"",
                "\"class\":1",
                "\"class\":null",
                "\"meta\":\"x\"",
                "\"meta\":{}",
                "\"meta\":{\"project_path\":1}",
                "\"x\":1e999",
                "\"x\":\"\\ud800\"",
                "\"Type\":\"x\"",
                "\"NAME\":\"group/secret\"",
                "\"ACTION\\u017f\":[]",
                "\"actions\":[]",
                "\"type\":null",
                "\"name\":null",
                "\"name\":1",
                "\"type\":\"registry\"",
            ]);
            format!("[{{{APP},\"actions\":[\"*\"],{extra}}}]")
        }
        _ => {
            let other = dice.pick(&[
                "{\"type\":\"repository\"}",
                "{\"name\":\"group/app\"}",
                "null",
                "{}",
                "[]",
                "1",
                "[\"repository\",null,\"group/app\",[\"pull\"]]",
            ]);
            format!("[{{{APP},\"actions\":[\"*\"]}},{other}]")
        }
    };
    set(&mut token.claims, "access", json(&value));
}

/// Names twice, or in another case.
pub(super) fn name(token: &mut Token, dice: &mut Dice) {
    let claim = dice.pick(&["iss", "aud", "exp", "nbf", "sub", "access", "jti", "iat"]);
    match dice.number(..4) {
        0 => {
            let other = match dice.number(..4) {
                0 => claim.to_uppercase(),
                1 => claim.replace('s', "\u{17f}"),
                2 => format!("{claim} "),
                _ => claim.chars().rev().collect(),
            };
            token.rename.insert(claim.to_owned(), other.into());
        }
        1 | 2 => {
            let value = dice.pick(&[
                "\"x\"",
                "null",
                "1",
                "[]",
                "4102444800",
                "\"container_registry\"",
                "\"omnibus-gitlab-issuer\"",
                "[{\"type\":\"repository\",\"name\":\"group/secret\",\"actions\":[\"*\"]}]",
            ]);
            let written = if dice.percent(70) {
                claim.to_owned()
            } else {
                claim.to_uppercase()
            };
            let member = format!("\"{written}\":{value}");
            if dice.percent(50) {
                token.claims_before = Some(member);
            } else {
                token.claims_after = Some(member);
            }
        }
        _ => token.claims_before = Some(format!("\"x\":{}", odd_json(dice))),
    }
}

pub(super) fn payload(token: &mut Token, dice: &mut Dice) {
    let text = |text: &str| Some(Bytes::from(text));
    let hex = |hex: &str| {
        Some(Bytes::Hex {
            hex: hex.to_owned(),
        })
    };
    match dice.number(..10) {
        0 => {
            token.payload = text(dice.pick(&[
                "null",
                "[]",
                "{}",
                "",
                "1",
                "\"x\"",
                "{",
                "[{}]",
                "nul",
                "{\"iss\"}",
            ]))
        }
        1 => {
            token.payload_before =
                text(dice.pick(&[" ", "\n", "\t", "\u{feff}", "x", "[", "null", "\u{a0}"]))
        }
        2 => {
            token.payload_after =
                text(dice.pick(&[" ", "\n", "\t \r\n", "x", "{}", ",", "null", "\u{a0}"]))
        }
        3 => token.payload_after = hex("00"),
        4 => token.filler = Some(dice.pick(&[10, 1000, 20_000, 60_000])),
        5 => set(&mut token.claims, "sub", table("hex", "22ff22".into())),
        6 => set(
            &mut token.claims,
            "x",
            table("hex", "22ed a0 80 22".replace(' ', "").into()),
        ),
        7 => set(
            &mut token.claims,
            "iss",
            table("hex", "226f6d6e69627573ff22".into()),
        ),
        8 => set(&mut token.header, "typ", table("hex", "22ff22".into())),
        _ => set(&mut token.header, "kid", table("hex", "22ff22".into())),
    }
}
