//! Signatures on curves spoilt at random: our verdict is that of another library, AWS-LC, and so is
//! what a host would make of the form in which it is handed an ECDSA signature.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, ED25519,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
    VerificationAlgorithm,
};
use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use registry_token_filter::keys::public_key::{Curve, PublicKey};
use registry_token_filter::keys::signature::{
    Algorithm, Portable, SignatureVerifier, VerifyingKey, ecdsa_der,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

/// Signatures for each key.
const CASES: u32 = 200;

/// What is done to a signature.
#[derive(Clone, Debug)]
enum Spoil {
    Nothing,
    Flip(Index, u8),
    Cut(Index),
    ByteBefore(u8),
    ByteAfter(u8),
    /// The second half first.
    Swap,
    /// One of the halves all of one byte: zero is no number of a signature, 255s are too large.
    Half(bool, u8),
    Bytes(Vec<u8>),
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;
type Named = (&'static str, fn() -> Signer);

/// A way to sign, and the other library's ways to judge.
struct Signer {
    sign: Sign,
    public: Vec<u8>,
    algorithm: Algorithm,
    fixed: &'static dyn VerificationAlgorithm,
    /// With the curve, where a host can verify.
    der: Option<(Curve, &'static dyn VerificationAlgorithm)>,
}

macro_rules! fixture {
    ($file:literal) => {
        include_str!(concat!("../../fixtures/keys/", $file))
    };
}

pub(crate) fn trials() -> Vec<Trial> {
    let signers: [Named; 4] = [
        ("P-256", || {
            ecdsa(
                fixture!("p256.key"),
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                Algorithm::Es256,
                &ECDSA_P256_SHA256_FIXED,
                (Curve::P256, &ECDSA_P256_SHA256_ASN1),
            )
        }),
        ("P-384", || {
            ecdsa(
                fixture!("p384.key"),
                &ECDSA_P384_SHA384_FIXED_SIGNING,
                Algorithm::Es384,
                &ECDSA_P384_SHA384_FIXED,
                (Curve::P384, &ECDSA_P384_SHA384_ASN1),
            )
        }),
        ("P-521", || {
            ecdsa(
                fixture!("p521.key"),
                &ECDSA_P521_SHA512_FIXED_SIGNING,
                Algorithm::Es512,
                &ECDSA_P521_SHA512_FIXED,
                (Curve::P521, &ECDSA_P521_SHA512_ASN1),
            )
        }),
        ("Ed25519", eddsa),
    ];
    signers
        .into_iter()
        .map(|(name, signer)| {
            let name = format!("spoilt signatures get one verdict from both libraries [{name}]");
            Trial::test(name, move || verdicts_agree(&signer())).with_kind("property")
        })
        .collect()
}

fn pkcs8(pem: &str) -> PrivatePkcs8KeyDer<'static> {
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn ecdsa(
    pem: &str,
    signing: &'static EcdsaSigningAlgorithm,
    algorithm: Algorithm,
    fixed: &'static dyn VerificationAlgorithm,
    der: (Curve, &'static dyn VerificationAlgorithm),
) -> Signer {
    let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8(pem).secret_pkcs8_der()).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let sign = move |message: &[u8]| {
        let signature = pair.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    };
    Signer {
        sign: Box::new(sign),
        public,
        algorithm,
        fixed,
        der: Some(der),
    }
}

fn eddsa() -> Signer {
    let pem = fixture!("ed25519.key");
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8(pem).secret_pkcs8_der()).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    Signer {
        sign: Box::new(move |message| pair.sign(message).as_ref().to_vec()),
        public,
        algorithm: Algorithm::EdDsa,
        fixed: &ED25519,
        der: None,
    }
}

impl Signer {
    /// The key as the filter reads it: the point's two coordinates, or its encoding.
    fn verifying_key(&self) -> Result<VerifyingKey, Failed> {
        let key = match self.der {
            Some((curve, _)) => {
                // SEC 1 section 2.3.3: 4, and the coordinates.
                let (x, y) = self.public[1..].split_at(curve.bytes());
                PublicKey::ec(curve, x, y)
            }
            None => PublicKey::ed25519(&self.public),
        };
        let key = key.map_err(|error| error.to_string())?;
        VerifyingKey::new(&key).ok_or_else(|| Failed::from("no key"))
    }
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        2 => Just(Spoil::Nothing),
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        1 => any::<Index>().prop_map(Spoil::Cut),
        1 => any::<u8>().prop_map(Spoil::ByteBefore),
        1 => any::<u8>().prop_map(Spoil::ByteAfter),
        1 => Just(Spoil::Swap),
        2 => (any::<bool>(), prop_oneof![Just(0), Just(0xff)])
            .prop_map(|(first, byte)| Spoil::Half(first, byte)),
        1 => proptest::collection::vec(any::<u8>(), 0..200).prop_map(Spoil::Bytes),
    ]
}

impl Spoil {
    fn apply(self, signature: &[u8]) -> Vec<u8> {
        let mut spoilt = signature.to_vec();
        let half = signature.len() / 2;
        match self {
            Self::Nothing => {}
            Self::Flip(at, bit) => spoilt[at.index(signature.len())] ^= 1 << bit,
            Self::Cut(at) => spoilt.truncate(at.index(signature.len())),
            Self::ByteBefore(byte) => spoilt.insert(0, byte),
            Self::ByteAfter(byte) => spoilt.push(byte),
            Self::Swap => spoilt.rotate_left(half),
            Self::Half(true, byte) => spoilt[..half].fill(byte),
            Self::Half(false, byte) => spoilt[half..].fill(byte),
            Self::Bytes(bytes) => spoilt = bytes,
        }
        spoilt
    }
}

fn verdicts_agree(signer: &Signer) -> Result<(), Failed> {
    let ours = signer.verifying_key()?;
    let parsed = |algorithm| ParsedPublicKey::new(algorithm, &signer.public).unwrap();
    let theirs = parsed(signer.fixed);
    let by_host = signer.der.map(|(curve, asn1)| (curve, parsed(asn1)));
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    });
    let message = proptest::collection::vec(any::<u8>(), 0..100);
    let result = runner.run(&(message, spoil()), |(message, spoil)| {
        let is_whole = matches!(spoil, Spoil::Nothing);
        let signature = spoil.apply(&(signer.sign)(&message));
        let verdict = Portable.verify(&ours, signer.algorithm, &message, &signature);
        prop_assert_eq!(verdict, theirs.verify_sig(&message, &signature).is_ok());
        prop_assert_eq!(verdict, is_whole);
        if let Some((curve, by_host)) = &by_host {
            let der = ecdsa_der(*curve, &signature);
            let verified = der.is_some_and(|der| by_host.verify_sig(&message, &der).is_ok());
            prop_assert_eq!(verdict, verified);
        }
        // Nor is it one by another algorithm.
        for other in Algorithm::ALL {
            let is_own = other == signer.algorithm;
            prop_assert!(is_own || !Portable.verify(&ours, other, &message, &signature));
        }
        Ok(())
    });
    result?;
    Ok(())
}
