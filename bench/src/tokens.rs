//! Keys and tokens as GitLab makes them.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use edgectl::{Access, Account, Claims, KeyPair, Meta, Parties, Validity};
use serde_json::{Value, json};
use x509_parser::pem::parse_x509_pem;
use x509_parser::public_key::PublicKey;

/// Longer than any run takes: no token expires under load.
const LIFETIME_MINUTES: i64 = 24 * 60;

/// Days that a certificate lasts.
const DAYS: u32 = 30;

/// The repository that requests ask for unless a series says otherwise.
pub const REPOSITORY: &str = "group/subgroup/project/app";

/// What stands in a token in place of a number that makes every request's token another one
/// (`wrk.lua`). Inside the signature, so that such a token is well formed and never valid.
pub const NUMBER: &str = "@@@@@@@@";

/// A key that tokens are signed with.
#[derive(Debug)]
pub struct Signer {
    pair: KeyPair,
    /// GitLab's token within the token. One for all of a signer's tokens: it halves the time that
    /// minting takes, and no chain under measurement looks into it.
    nested: Option<String>,
}

impl Signer {
    /// A new key of 2048 or 4096 bits.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn generate(bits: u32) -> Result<Self> {
        let pair = KeyPair::generate(bits, DAYS)?;
        let sample = Claims::for_account(
            &pair.key,
            &Parties::default(),
            &Account::named("alice"),
            Vec::new(),
            Validity::minutes(LIFETIME_MINUTES),
        )?;
        Ok(Self {
            pair,
            nested: sample.user,
        })
    }

    /// The certificate that makes the key trusted, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.pair.certificate_pem
    }

    /// A token as `/jwt/auth` answers a signed-in user, for these grants. No two are equal.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn token(&self, access: Vec<Access>) -> Result<String> {
        let account = Account::named("alice");
        let validity = Validity::minutes(LIFETIME_MINUTES);
        let claims = Claims {
            auth_type: Some(Some(account.auth_type)),
            user: self.nested.clone(),
            sub: Some(account.username),
            ..Claims::background(&Parties::default(), access, validity)
        };
        Ok(self.pair.key.sign(&claims)?)
    }

    /// Tokens for [`REPOSITORY`], made on all cores.
    ///
    /// # Errors
    /// As [`Signer::token`].
    pub fn tokens(&self, count: usize) -> Result<Vec<String>> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let shares = (0..workers).map(|worker| (count + worker) / workers);
        std::thread::scope(|scope| {
            let running: Vec<_> = shares
                .map(|share| {
                    scope.spawn(move || {
                        (0..share)
                            .map(|_| self.token(vec![pull(REPOSITORY)]))
                            .collect::<Result<Vec<_>>>()
                    })
                })
                .collect();
            let mut tokens = Vec::with_capacity(count);
            for thread in running {
                match thread.join() {
                    Ok(share) => tokens.extend(share?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(tokens)
        })
    }

    /// A well-formed token whose signature does not hold; each request sends another.
    ///
    /// # Errors
    /// As [`Signer::token`].
    pub fn forged(&self) -> Result<String> {
        let token = self.token(vec![pull(REPOSITORY)])?;
        let dot = token.rfind('.').context("a token has three parts")?;
        let place = dot + 17..dot + 17 + NUMBER.len();
        let mut forged = token;
        forged.replace_range(place, NUMBER);
        Ok(forged)
    }

    /// The public key as a JWK (RFC 7517), which is what `jwt_authn` takes.
    ///
    /// # Errors
    /// When the certificate cannot be read back.
    pub fn jwk(&self) -> Result<Value> {
        let (_, pem) = parse_x509_pem(self.certificate().as_bytes())?;
        let certificate = pem.parse_x509()?;
        let PublicKey::RSA(rsa) = certificate.public_key().parsed()? else {
            anyhow::bail!("the certificate's key is not RSA");
        };
        let number = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            BASE64URL.encode(bytes.get(zeros..).unwrap_or_default())
        };
        Ok(json!({
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.pair.key.key_id(),
            "n": number(rsa.modulus),
            "e": number(rsa.exponent),
        }))
    }
}

/// The right to pull from a repository, with GitLab's `meta`.
#[must_use]
pub fn pull(repository: &str) -> Access {
    Access::repository(repository, ["pull"]).with_meta(Some(Meta::of_project(repository)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(token: &str) -> Vec<Vec<u8>> {
        token
            .split('.')
            .map(|part| BASE64URL.decode(part).unwrap())
            .collect()
    }

    #[test]
    fn tokens_are_distinct_and_name_the_key_of_the_jwk() {
        let signer = Signer::generate(2048).unwrap();
        let tokens = signer.tokens(5).unwrap();
        let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
        assert_eq!(distinct.len(), 5);
        let header: Value = serde_json::from_slice(&parts(&tokens[0])[0]).unwrap();
        let jwk = signer.jwk().unwrap();
        assert_eq!(header["kid"], jwk["kid"]);
        let modulus = BASE64URL.decode(jwk["n"].as_str().unwrap()).unwrap();
        assert_eq!(modulus.len(), 256);
    }

    #[test]
    fn a_forged_token_stays_well_formed_whatever_the_number() {
        let signer = Signer::generate(2048).unwrap();
        let forged = signer.forged().unwrap();
        assert_eq!(forged.matches(NUMBER).count(), 1);
        for number in [0_u32, 1, 0xffff_ffff] {
            let sent = forged.replace(NUMBER, &format!("{number:08x}"));
            assert_eq!(parts(&sent)[2].len(), 256);
        }
    }
}
