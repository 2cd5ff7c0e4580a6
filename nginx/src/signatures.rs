//! Signatures by a native library.

use std::collections::HashMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, VerificationAlgorithm,
};
use registry_token_filter::Config;
use registry_token_filter::keys::signature::{
    Algorithm, Portable, SignatureVerifier, VerifyingKey,
};

/// Verifies with AWS-LC, which has read each trusted key before the first request.
#[derive(Debug)]
pub(crate) struct NativeSignatures {
    /// By SubjectPublicKeyInfo, for each algorithm it may be used with.
    keys: HashMap<Vec<u8>, Vec<(Algorithm, ParsedPublicKey)>>,
}

impl NativeSignatures {
    /// For the keys that a configuration trusts.
    pub(crate) fn new(config: &Config) -> Self {
        let keys = config.verifier().keys.iter().map(|key| {
            let spki = key.verifying_key.spki();
            let parsed = ALGORITHMS.iter().filter_map(|&(algorithm, native)| {
                let key = ParsedPublicKey::new(native, spki).ok()?;
                Some((algorithm, key))
            });
            (spki.to_vec(), parsed.collect())
        });
        Self {
            keys: keys.collect(),
        }
    }
}

impl SignatureVerifier for NativeSignatures {
    fn verify(
        &self,
        key: &VerifyingKey,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let parsed = self.keys.get(key.spki()).and_then(|parsed| {
            let mut parsed = parsed.iter();
            parsed.find(|(known, _)| *known == algorithm)
        });
        match parsed {
            Some((_, parsed)) => parsed.verify_sig(message, signature).is_ok(),
            // A key that AWS-LC does not take, or an algorithm that is not the key's.
            None => Portable.verify(key, algorithm, message, signature),
        }
    }
}

/// RFC 7518 section 3 and RFC 8037 in AWS-LC's words. A salt of PSS is as long as the hash.
const ALGORITHMS: [(Algorithm, &dyn VerificationAlgorithm); 10] = [
    (Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::Rs384, &RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::Rs512, &RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256),
    (Algorithm::Ps384, &RSA_PSS_2048_8192_SHA384),
    (Algorithm::Ps512, &RSA_PSS_2048_8192_SHA512),
    (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED),
    (Algorithm::Es384, &ECDSA_P384_SHA384_FIXED),
    (Algorithm::Es512, &ECDSA_P521_SHA512_FIXED),
    (Algorithm::EdDsa, &ED25519),
];
