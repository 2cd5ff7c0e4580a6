//! From a recipe to a token's text.
//!
//! In `header` and `claims`, these tables stand for something TOML cannot say:
//!
//! | table | stands for |
//! |---|---|
//! | `{ absent = true }` | no such member |
//! | `{ now = -62 }` | the time, 62 seconds earlier |
//! | `{ json = "1.9e9" }` | this text, as it is |
//! | `{ hex = "22ff22" }` | these bytes, as they are |
//! | `{ certificate = "registry" }` | a fixture certificate, in base64 |
//! | `{ public_key = "registry" }` | a fixture key as JWK; `kid_of` adds the id of a key |
//!
//! The time of tokens stands still for some seconds and signatures are kept meanwhile, so that a
//! token that is used often is signed once. Nothing that is generated depends on single seconds.

mod members;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use testbed::{Error, Result};
use toml::Value;

use crate::bytes::{Bytes, from_hex};
use crate::case::{Algorithm, Edit, KeyIdForm, Mutation, Secret, Token};
use crate::keys::{Key, Keys};
use members::{Members, access, list, text};

/// Who the tokens are from and for, as GitLab has it.
pub(crate) const ISSUER: &str = "omnibus-gitlab-issuer";
pub(crate) const SERVICE: &str = "container_registry";

/// How long the time of tokens stands still, in seconds.
const EPOCH: i64 = 10;

/// Makes tokens for one registry.
pub(crate) struct Mint {
    keys: Keys,
    form: KeyIdForm,
    kept: Mutex<Kept>,
}

/// Signatures of the present epoch, by key, algorithm and what is signed.
#[derive(Default)]
struct Kept {
    epoch: i64,
    signatures: HashMap<(String, Algorithm, Vec<u8>), Vec<u8>>,
}

impl Mint {
    pub(crate) fn new(keys: Keys, form: KeyIdForm) -> Self {
        Self {
            keys,
            form,
            kept: Mutex::default(),
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The token of a recipe, now.
    pub(crate) fn token(&self, recipe: &Token) -> Result<Vec<u8>> {
        if let Some(text) = &recipe.text {
            return Ok(text.clone().into_bytes());
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
        let draft = Draft {
            mint: self,
            recipe,
            now: seconds - seconds % EPOCH,
        };
        draft.token()
    }

    /// Signs, or remembers having signed.
    fn sign(&self, key: &str, algorithm: Algorithm, message: &[u8], now: i64) -> Result<Vec<u8>> {
        let wanted = (key.to_owned(), algorithm, message.to_vec());
        if let Ok(mut kept) = self.kept.lock() {
            if kept.epoch != now {
                kept.epoch = now;
                kept.signatures.clear();
            }
            if let Some(signature) = kept.signatures.get(&wanted) {
                return Ok(signature.clone());
            }
        }
        let by = match algorithm {
            Algorithm::Rs384 => edgectl::Algorithm::RS384,
            Algorithm::Rs512 => edgectl::Algorithm::RS512,
            Algorithm::Ps256 => edgectl::Algorithm::PS256,
            Algorithm::Ps384 => edgectl::Algorithm::PS384,
            Algorithm::Ps512 => edgectl::Algorithm::PS512,
            Algorithm::Rs256 | Algorithm::Hs256 => edgectl::Algorithm::RS256,
        };
        let signature = self.keys.named(key)?.signing.signature(message, by);
        let signature = signature.map_err(|fault| Error::Other(fault.to_string()))?;
        if let Ok(mut kept) = self.kept.lock() {
            kept.signatures.insert(wanted, signature.clone());
        }
        Ok(signature)
    }
}

struct Draft<'a> {
    mint: &'a Mint,
    recipe: &'a Token,
    now: i64,
}

impl Draft<'_> {
    fn key_name(&self) -> &str {
        self.recipe.key.as_deref().unwrap_or("registry")
    }

    fn key(&self, name: &str) -> Result<&Key> {
        self.mint.keys.named(name)
    }

    fn algorithm(&self) -> Algorithm {
        self.recipe.algorithm.unwrap_or(Algorithm::Rs256)
    }

    fn header(&self) -> Result<Vec<u8>> {
        let kid = &self.recipe.kid;
        let named = self.key(kid.of.as_deref().unwrap_or_else(|| self.key_name()))?;
        let mut id = named.id(kid.form.unwrap_or(self.mint.form)).to_owned();
        if kid.lowercase {
            id.make_ascii_lowercase();
        }
        let mut members = Members::default();
        members.set("alg", text(self.algorithm().name()));
        members.set("typ", text("JWT"));
        members.set("kid", text(&id));
        self.apply(&mut members, &self.recipe.header)?;
        Ok(members.object(None, None))
    }

    fn payload(&self) -> Result<Vec<u8>> {
        let bytes = |part: &Option<Bytes>| part.as_ref().map(Bytes::to_vec).unwrap_or_default();
        let recipe = self.recipe;
        let payload = match &recipe.payload {
            Some(payload) => payload.to_vec(),
            None => self.claims()?,
        };
        let (before, after) = (bytes(&recipe.payload_before), bytes(&recipe.payload_after));
        Ok([before, payload, after].concat())
    }

    fn claims(&self) -> Result<Vec<u8>> {
        let recipe = self.recipe;
        let seconds = |offset: i64| (self.now + offset).to_string().into_bytes();
        let mut members = Members::default();
        let base = ["repository:group/app:pull".to_owned()];
        members.set("access", access(recipe.access.as_deref().unwrap_or(&base)));
        members.set("jti", text("6c8b2a0e-5f0d-4f58-9f6c-0d9a3ae0f0b1"));
        members.set("aud", text(SERVICE));
        members.set("sub", text("somebody"));
        members.set("iss", text(ISSUER));
        members.set("iat", seconds(0));
        members.set("nbf", seconds(-5));
        members.set("exp", seconds(300));
        self.apply(&mut members, &recipe.claims)?;
        if let Some(length) = recipe.filler {
            members.set("filler", text(&"x".repeat(length)));
        }
        for (name, other) in &recipe.rename {
            let member = members.0.iter_mut().find(|(known, _)| known == name);
            if let (Some(member), Some(other)) = (member, other.as_str()) {
                other.clone_into(&mut member.0);
            }
        }
        let (before, after) = (&recipe.claims_before, &recipe.claims_after);
        Ok(members.object(before.as_deref(), after.as_deref()))
    }

    fn apply(&self, members: &mut Members, changes: &toml::Table) -> Result<()> {
        for (name, value) in changes {
            match value {
                Value::Table(table) if table.contains_key("absent") => members.remove(name),
                value => members.set(name, self.json(value)?),
            }
        }
        Ok(())
    }

    /// The JSON text of a value in a recipe.
    fn json(&self, value: &Value) -> Result<Vec<u8>> {
        Ok(match value {
            Value::String(string) => text(string),
            Value::Array(elements) => {
                let elements = elements.iter().map(|element| self.json(element));
                list(&elements.collect::<Result<Vec<_>>>()?)
            }
            Value::Table(table) => match self.special(table)? {
                Some(text) => text,
                None => {
                    let mut members = Members::default();
                    self.apply(&mut members, table)?;
                    members.object(None, None)
                }
            },
            plain => plain.to_string().into_bytes(),
        })
    }

    /// The tables with a meaning of their own.
    fn special(&self, table: &toml::Table) -> Result<Option<Vec<u8>>> {
        let string = |name: &str| table.get(name).and_then(Value::as_str);
        if let Some(offset) = table.get("now").and_then(Value::as_integer) {
            return Ok(Some((self.now + offset).to_string().into_bytes()));
        }
        if let Some(json) = string("json") {
            return Ok(Some(json.as_bytes().to_vec()));
        }
        if let Some(hex) = string("hex") {
            return Ok(Some(from_hex(hex)));
        }
        if let Some(name) = string("certificate") {
            return Ok(Some(text(&self.mint.keys.x5c(name)?)));
        }
        let Some(name) = string("public_key") else {
            return Ok(None);
        };
        let members = self.key(name)?.jwk_members();
        let kid = match string("kid_of") {
            Some(name) => format!(r#","kid":"{}""#, self.key(name)?.id(self.mint.form)),
            None => String::new(),
        };
        Ok(Some(format!("{{{members}{kid}}}").into_bytes()))
    }

    /// Signs and writes the parts, with the recipe's mutation and edits.
    fn token(&self) -> Result<Vec<u8>> {
        use Mutation as M;
        let mutation = self.recipe.mutation;
        let has_bits = |part| self.recipe.edits.contains(&Edit::TrailingBits(part));
        let part = |index: usize, json: Vec<u8>, padded: bool| match (padded, has_bits(index)) {
            (true, _) => pad(BASE64URL.encode(with_a_rest(json))),
            (false, true) => with_trailing_bits(BASE64URL.encode(with_a_rest(json))),
            (false, false) => BASE64URL.encode(json),
        };
        let header = part(0, self.header()?, mutation == Some(M::HeaderPadded));
        let mut payload = part(1, self.payload()?, mutation == Some(M::PayloadPadded));
        let mut bytes = self.sign(format!("{header}.{payload}").as_bytes())?;
        match mutation {
            Some(M::SignatureFlipped) => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 0x80),
            Some(M::SignatureTruncated) => drop(bytes.pop()),
            Some(M::SignatureExtended) => bytes.push(0),
            Some(M::SignatureEmpty) => bytes.clear(),
            _ => {}
        }
        let mut signature = BASE64URL.encode(&bytes);
        match mutation {
            Some(M::SignaturePadded) => signature = pad(signature),
            Some(M::SignatureTrailingBits) => signature = with_trailing_bits(signature),
            Some(M::SignatureStandardAlphabet) => {
                signature = signature.replace('-', "+").replace('_', "/");
            }
            Some(M::PayloadFlipped) => {
                // Deep inside: one letter of the base64 becomes its neighbour.
                let middle = payload.len() / 2;
                let is_a = payload.as_bytes().get(middle) == Some(&b'A');
                payload.replace_range(middle..=middle, if is_a { "B" } else { "A" });
            }
            _ => {}
        }
        if has_bits(2) {
            signature = with_trailing_bits(signature);
        }
        let token = match mutation {
            Some(M::TwoParts) => format!("{header}.{payload}"),
            Some(M::FourParts) => format!("{header}.{payload}.{signature}.{signature}"),
            Some(M::FiveParts) => format!("{header}.{payload}.{signature}.{signature}.{signature}"),
            Some(M::LeadingDot) => format!(".{header}.{payload}.{signature}"),
            Some(M::JsonSerialization) => format!(
                r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#
            ),
            _ => format!("{header}.{payload}.{signature}"),
        };
        let mut token = token.into_bytes();
        for edit in &self.recipe.edits {
            edit.apply(&mut token);
        }
        Ok(token)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let name = self.key_name();
        if let Some(salt) = self.recipe.salt {
            return self.key(name)?.sign_pss(self.algorithm(), message, salt);
        }
        if self.algorithm() != Algorithm::Hs256 {
            return self.mint.sign(name, self.algorithm(), message, self.now);
        }
        let secret = match &self.recipe.secret {
            Some(Secret::CertificatePem) => self.mint.keys.certificate(name)?.as_bytes(),
            Some(Secret::Text(text)) => text.as_bytes(),
            Some(Secret::PublicKeyPem) | None => self.key(name)?.id(self.mint.form).as_bytes(),
        };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message);
        Ok(tag.as_ref().to_vec())
    }
}

impl Edit {
    fn apply(self, text: &mut Vec<u8>) {
        let place = |fraction: u16, length: usize| length * usize::from(fraction) / 0x1_0000;
        match self {
            Self::Replace(at, byte) => {
                let at = place(at, text.len());
                text.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
            }
            Self::Insert(at, byte) => text.insert(place(at, text.len()), byte),
            Self::Remove(at) if !text.is_empty() => {
                text.remove(place(at, text.len()));
            }
            Self::Remove(_) | Self::TrailingBits(_) => {}
        }
    }
}

/// The same JSON object with blanks behind its brace, so that its base64 does not come out even.
fn with_a_rest(mut json: Vec<u8>) -> Vec<u8> {
    while json.len().is_multiple_of(3) {
        json.insert(json.len().min(1), b' ');
    }
    json
}

fn pad(mut part: String) -> String {
    while !part.len().is_multiple_of(4) {
        part.push('=');
    }
    part
}

/// Sets the lowest bit of the last character, where the decoded bytes do not use it.
fn with_trailing_bits(mut part: String) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if !part.len().is_multiple_of(4)
        && let Some(last) = part.pop().and_then(|last| ALPHABET.find(last))
    {
        part.extend(ALPHABET.chars().nth(last | 1));
    }
    part
}
