//! What can be wrong with a token's header: keys, algorithms and parameters.

use toml::{Table, Value};

use super::json::{absent, json, odd_value, set, table};
use crate::dice::Dice;
use corpus::key::Key;
use corpus::profile::KeyIdForm;
use corpus::token::{Algorithm, Secret, Token};

/// The fixture keys: in the bundle, but for strangers, and but for Ed25519 where no registry takes it.
const KEYS: [&str; 10] = [
    "registry",
    "second",
    "gitlab",
    "stranger",
    "p256",
    "p384",
    "p521",
    "p256-stranger",
    "ed25519",
    "ed25519-stranger",
];

/// Those on curves.
const CURVES: [&str; 4] = ["p256", "p384", "p521", "ed25519"];

/// The fixture certificates.
const CERTIFICATES: [&str; 8] = [
    "registry", "second", "gitlab", "stranger", "expired", "p256", "p521", "ed25519",
];

/// Signs by a key on a curve.
pub(super) fn curve(token: &mut Token, dice: &mut Dice) {
    token.key = Some(dice.pick(&CURVES).to_owned());
}

/// Sees to it that the key of a token can sign with its algorithm: any of ECDSA's by any of its keys.
pub(crate) fn settle(token: &mut Token) {
    use Algorithm as A;
    let own = Key::named(token.key.as_deref().unwrap_or("registry")).algorithm();
    let is_ecdsa = |algorithm| matches!(algorithm, A::Es256 | A::Es384 | A::Es512);
    let is_possible = match token.algorithm {
        None | Some(A::Hs256) => true,
        Some(algorithm) if own == A::EdDsa || algorithm == A::EdDsa => algorithm == own,
        Some(algorithm) => is_ecdsa(algorithm) == is_ecdsa(own),
    };
    if !is_possible {
        token.algorithm = None;
        token.salt = None;
    }
}

pub(super) fn key(token: &mut Token, dice: &mut Dice) {
    match dice.number(..6) {
        0 | 1 => token.key = Some(dice.pick(&KEYS).to_owned()),
        2 => token.kid.of = Some(dice.pick(&KEYS).to_owned()),
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

pub(super) fn algorithm(token: &mut Token, dice: &mut Dice) {
    use Algorithm as A;
    match dice.number(..9) {
        0 => token.algorithm = Some(A::Rs384),
        1 => token.algorithm = Some(A::Rs512),
        8 => {
            token.algorithm = Some(match dice.number(..3) {
                0 => A::Es256,
                1 => A::Es384,
                _ => A::Es512,
            });
        }
        2 => {
            token.algorithm = Some(A::Ps256);
            token.salt = dice
                .percent(50)
                .then(|| dice.pick(&[0, 1, 20, 32, 64, 222]));
        }
        3 => {
            token.algorithm = Some(if dice.percent(50) { A::Ps384 } else { A::Ps512 });
            // What another hash leaves room for may be too long for this one.
            token.salt = None;
        }
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

pub(super) fn parameter(token: &mut Token, dice: &mut Dice) {
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
    let one = dice.pick(&CERTIFICATES);
    let other = dice.pick(&CERTIFICATES);
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
    let one = dice.pick(&KEYS);
    let other = dice.pick(&KEYS);
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
