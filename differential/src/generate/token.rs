//! Tokens: one that fits the request, and what can be wrong with it.

use toml::{Table, Value};

use super::Path;
use crate::bytes::Bytes;
use crate::case::{Algorithm, Edit, KeyIdForm, Mutation, Secret, Token};
use crate::dice::Dice;
use crate::keys;

/// A token for a request: what it grants mostly covers the request, and mostly nothing is wrong
/// with it.
pub(super) fn fitting(method: &str, path: &Path, query: &str, dice: &mut Dice) -> Token {
    let mut token = Token {
        access: Some(access(method, path, query, dice)),
        ..Token::default()
    };
    if dice.percent(45) {
        for _ in 0..dice.pick(&[1, 1, 1, 2, 3]) {
            damage(&mut token, dice);
        }
    }
    token
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
pub(super) fn damage(token: &mut Token, dice: &mut Dice) {
    match dice.number(..24) {
        0..2 => {
            token.mutation = Some(
                dice.pick(&Mutation::ALL.map(|(mutation, _)| Picked(mutation)))
                    .0,
            )
        }
        2..4 => edit(token, dice),
        4..6 => key(token, dice),
        6..8 => algorithm(token, dice),
        8..11 => header(token, dice),
        11..14 => time(token, dice),
        14..18 => claim(token, dice),
        18..20 => access_claim(token, dice),
        20..22 => name(token, dice),
        22 => payload(token, dice),
        _ => {
            // Nothing is wrong: the other half of what is damaged.
            token.claims.insert(
                "jti".to_owned(),
                Value::from(i64::from(dice.fraction()).to_string()),
            );
        }
    }
}

/// [`Dice::pick`] wants a default.
#[derive(Clone, Copy)]
struct Picked(Mutation);

impl Default for Picked {
    fn default() -> Self {
        Self(Mutation::SignatureFlipped)
    }
}

fn edit(token: &mut Token, dice: &mut Dice) {
    const LETTERS: &[u8] = b"AQgw09_-+/=.e~";
    let at = dice.fraction();
    let letter = dice.pick(LETTERS);
    token.edits.push(match dice.number(..6) {
        0 | 1 => Edit::Replace(at, letter),
        2 => Edit::Insert(at, letter),
        3 => Edit::Remove(at),
        _ => Edit::TrailingBits(dice.number(..3)),
    });
}

fn key(token: &mut Token, dice: &mut Dice) {
    match dice.number(..6) {
        0 | 1 => token.key = Some(dice.pick(&keys::ALL).to_owned()),
        2 => token.kid.of = Some(dice.pick(&keys::ALL).to_owned()),
        3 => {
            let is_libtrust = dice.percent(50);
            token.kid.form = Some(if is_libtrust {
                KeyIdForm::Libtrust
            } else {
                KeyIdForm::Rfc7638
            });
        }
        4 => token.kid.lowercase = true,
        _ => set(&mut token.header, "kid", odd_value(dice)),
    }
}

fn algorithm(token: &mut Token, dice: &mut Dice) {
    use Algorithm as A;
    match dice.number(..8) {
        0 => token.algorithm = Some(A::Rs384),
        1 => token.algorithm = Some(A::Rs512),
        2 => {
            token.algorithm = Some(A::Ps256);
            token.salt = dice.percent(50).then(|| dice.pick(&[0, 1, 20, 32, 64, 222]));
        }
        3 => token.algorithm = Some(if dice.percent(50) { A::Ps384 } else { A::Ps512 }),
        4 => {
            token.algorithm = Some(A::Hs256);
            token.secret = Some(match dice.number(..3) {
                0 => Secret::CertificatePem,
                1 => Secret::PublicKeyPem,
                _ => Secret::Text("secret".to_owned()),
            });
        }
        5 => set(&mut token.header, "alg", odd_value(dice)),
        _ => {
            let name = dice.pick(&[
                "none", "None", "NONE", "rs256", "RS256 ", "RS384", "RS512", "PS256", "PS384",
                "PS512", "HS256", "HS384", "ES256", "ES384", "ES512", "EdDSA", "ES256K", "RS1",
                "RSA-OAEP", "",
            ]);
            set(&mut token.header, "alg", Value::from(name));
        }
    }
}

fn header(token: &mut Token, dice: &mut Dice) {
    let header = &mut token.header;
    match dice.number(..14) {
        0 => set(header, "typ", odd_value(dice)),
        1 => set(
            header,
            "cty",
            dice.pick(&["JWT", "jwt", "application/json", "json", "x", ""])
                .into(),
        ),
        2 => set(
            header,
            "crit",
            json(dice.pick(&[
                "[]",
                "[\"b64\"]",
                "[\"x\"]",
                "[\"exp\"]",
                "null",
                "\"b64\"",
                "[1]",
                "[\"b64\",\"b64\"]",
            ])),
        ),
        3 => set(
            header,
            "b64",
            json(dice.pick(&["true", "false", "null", "\"false\"", "0"])),
        ),
        4 => {
            set(header, "b64", json(dice.pick(&["true", "false"])));
            set(header, "crit", json("[\"b64\"]"));
        }
        5 | 6 => certificate(header, dice),
        7 | 8 => public_key(header, dice),
        9 => set(
            header,
            dice.pick(&[
                "zip", "nonce", "jku", "x5u", "x5t", "x5t#S256", "epk", "enc", "kty", "url",
            ]),
            odd_value(dice),
        ),
        10 => {
            // A member twice.
            let name = dice.pick(&["alg", "kid", "typ", "x"]);
            let again = dice.pick(&["\"RS256\"", "\"x\"", "1", "null"]);
            set(header, "y", json(&format!("1,\"{name}\":{again}")));
        }
        11 => set(
            header,
            dice.pick(&[
                "ALG",
                "Kid",
                "TYP",
                "\u{212a}id",
                "X5C",
                "Jwk",
                "CRIT",
                "B64",
                "Cty",
            ]),
            odd_value(dice),
        ),
        12 => set(header, "x", odd_value(dice)),
        _ => set(header, dice.pick(&["alg", "kid", "typ"]), absent()),
    }
}

fn certificate(header: &mut Table, dice: &mut Dice) {
    let certificate = |name: &str| table("certificate", name.into());
    let one = dice.pick(&keys::CERTIFICATES);
    let other = dice.pick(&keys::CERTIFICATES);
    let value = match dice.number(..10) {
        0..4 => Value::Array(vec![certificate(one)]),
        4 | 5 => Value::Array(vec![certificate(one), certificate(other)]),
        6 => Value::Array(vec![]),
        7 => certificate(one),
        8 => json(dice.pick(&[
            "null",
            "[\"AAAA\"]",
            "[\"\"]",
            "[null]",
            "[1]",
            "{}",
            "[\"!\"]",
        ])),
        _ => Value::Array(vec![Value::from(" "), certificate(one)]),
    };
    set(header, "x5c", value);
}

fn public_key(header: &mut Table, dice: &mut Dice) {
    let one = dice.pick(&keys::ALL);
    let other = dice.pick(&keys::ALL);
    let mut key = Table::new();
    key.insert("public_key".to_owned(), one.into());
    let value = match dice.number(..10) {
        0..3 => Value::Table(key),
        3..7 => {
            let of = if dice.percent(70) { one } else { other };
            key.insert("kid_of".to_owned(), of.into());
            Value::Table(key)
        }
        7 => json(dice.pick(&["null", "{}", "[]", "\"x\"", "1"])),
        8 => json(dice.pick(&[
            "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
            "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}",
            "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
            "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
            "{\"kty\":\"rsa\"}",
            "{\"kty\":null}",
            "{\"KTY\":\"RSA\"}",
        ])),
        _ => {
            key.insert("use".to_owned(), "sig".into());
            Value::Table(key)
        }
    };
    set(header, "jwk", value);
}

fn time(token: &mut Token, dice: &mut Dice) {
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
        table("now", Value::Integer(offset))
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

fn claim(token: &mut Token, dice: &mut Dice) {
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

fn access_claim(token: &mut Token, dice: &mut Dice) {
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
fn name(token: &mut Token, dice: &mut Dice) {
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

fn payload(token: &mut Token, dice: &mut Dice) {
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
        4 => token.filler = Some(dice.pick(&[10, 1000, 20_000])),
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

fn odd_value(dice: &mut Dice) -> Value {
    Value::Table(Table::from_iter([(
        "json".to_owned(),
        odd_json(dice).into(),
    )]))
}

/// JSON of any kind, and some that is none.
fn odd_json(dice: &mut Dice) -> String {
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

fn set(members: &mut Table, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

fn table(name: &str, value: Value) -> Value {
    Value::Table(Table::from_iter([(name.to_owned(), value)]))
}

fn json(text: &str) -> Value {
    table("json", text.into())
}

fn absent() -> Value {
    table("absent", Value::Boolean(true))
}
