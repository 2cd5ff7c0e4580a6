//! Tokens for many cases: signed fast, and each no more often than needed.
//!
//! The time of tokens stands still for some seconds and signatures are kept meanwhile, so that a
//! token that is used often is signed once. Nothing that is generated depends on single seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use corpus::Setting;
use corpus::key::Key;
use corpus::mint::{Signer, mint_with};
use corpus::profile::{Configuration, Profile};
use corpus::token::Algorithm;
use edgectl::SigningKey;
use testbed::{Error, Result};

use crate::case::Case;
use crate::files;

/// How long the time of tokens stands still, in seconds.
const EPOCH: i64 = 10;

/// Makes tokens for one registry.
pub(crate) struct Mint {
    profile: Profile,
    configuration: Configuration,
    /// The fixture keys for a library that signs RSA many times faster than the corpus's own.
    fast: HashMap<&'static str, SigningKey>,
    kept: Mutex<Kept>,
}

/// Signatures of the present epoch, by key, algorithm and what is signed.
#[derive(Default)]
struct Kept {
    epoch: i64,
    signatures: HashMap<(&'static str, &'static str, Vec<u8>), Vec<u8>>,
}

impl Mint {
    pub(crate) fn new(setting: &Setting<'_>) -> Result<Self> {
        let folder = testbed::artifact::root().join("tests/fixtures/keys");
        let mut fast = HashMap::new();
        for name in Key::names() {
            let file = folder.join(format!("{name}.key"));
            // What that library does not sign with, the corpus does.
            if let Ok(key) = SigningKey::from_pem(&files::read(&file)?) {
                fast.insert(name, key);
            }
        }
        if fast.is_empty() {
            return Err(Error::Other("no fixture key signs".to_owned()));
        }
        // Each kind of key that the registry takes.
        let curves: &[&str] = match setting.profile.name.as_str() {
            "distribution-3" => &["p256", "p384", "p521", "ed25519"],
            _ => &["p256", "p384", "p521"],
        };
        Ok(Self {
            profile: setting.profile.clone(),
            configuration: setting.configuration.clone().trusting(curves),
            fast,
            kept: Mutex::default(),
        })
    }

    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The token of a case, now.
    pub(crate) fn token(&self, case: &Case) -> Option<Vec<u8>> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
        let now = seconds - seconds % EPOCH;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.epoch != now {
            kept.epoch = now;
            kept.signatures.clear();
        }
        drop(kept);
        let recipe = case.token.as_ref()?;
        let mut token = mint_with(self, recipe, &self.profile, &self.configuration, now);
        for edit in &case.edits {
            edit.apply(&mut token);
        }
        Some(token)
    }

    fn sign_fast(&self, key: &Key, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let by = match algorithm {
            Algorithm::Rs256 => edgectl::Algorithm::RS256,
            Algorithm::Rs384 => edgectl::Algorithm::RS384,
            Algorithm::Rs512 => edgectl::Algorithm::RS512,
            Algorithm::Ps256 => edgectl::Algorithm::PS256,
            Algorithm::Ps384 => edgectl::Algorithm::PS384,
            Algorithm::Ps512 => edgectl::Algorithm::PS512,
            _ => return None,
        };
        self.fast.get(key.name())?.signature(message, by).ok()
    }
}

impl Signer for Mint {
    fn sign(
        &self,
        key: &Key,
        algorithm: Algorithm,
        message: &[u8],
        salt: Option<usize>,
        secret: &[u8],
    ) -> Vec<u8> {
        if salt.is_some() || !secret.is_empty() {
            return key.sign(algorithm, message, salt, secret);
        }
        let wanted = (key.name(), algorithm.name(), message.to_vec());
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signature) = kept.signatures.get(&wanted) {
            return signature.clone();
        }
        drop(kept);
        let signature = self
            .sign_fast(key, algorithm, message)
            .unwrap_or_else(|| key.sign(algorithm, message, salt, secret));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.signatures.insert(wanted, signature.clone());
        signature
    }
}
