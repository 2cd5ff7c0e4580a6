//! Signatures spoilt at random: our verdict is that of another library, AWS-LC.
//!
//! Published vectors say what verifiers were wrong about; this looks for what nobody thought of.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding,
    RsaParameters, RsaPublicKeyComponents,
};
use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use registry_token_filter::keys::signature::{
    Algorithm, Portable, SignatureVerifier, VerifyingKey,
};
use rustls_pki_types::PrivatePkcs1KeyDer;
use rustls_pki_types::pem::PemObject as _;

mod curves;

/// Signatures for each key.
const CASES: u32 = 200;

type Hash = (Algorithm, &'static dyn RsaEncoding, &'static RsaParameters);

const HASHES: [Hash; 3] = [
    (
        Algorithm::Rs256,
        &RSA_PKCS1_SHA256,
        &RSA_PKCS1_2048_8192_SHA256,
    ),
    (
        Algorithm::Rs384,
        &RSA_PKCS1_SHA384,
        &RSA_PKCS1_2048_8192_SHA384,
    ),
    (
        Algorithm::Rs512,
        &RSA_PKCS1_SHA512,
        &RSA_PKCS1_2048_8192_SHA512,
    ),
];

/// What is done to a signature.
#[derive(Clone, Debug)]
enum Spoil {
    Nothing,
    Flip(Index, u8),
    Cut(Index),
    /// The same number in more bytes.
    ZeroBefore,
    ByteAfter(u8),
    /// The signature plus the modulus: the same to arithmetic, and out of range.
    AddModulus,
    /// A block of one byte: 0 and 1 are their own powers.
    Constant(u8),
    Bytes(Vec<u8>),
}

pub(crate) fn trials() -> Vec<Trial> {
    [
        ("2048", include_str!("../fixtures/keys/registry.key")),
        ("3072", include_str!("../fixtures/keys/second.key")),
        ("4096", include_str!("../fixtures/keys/gitlab.key")),
    ]
    .into_iter()
    .map(|(bits, pem)| {
        let name = format!("spoilt signatures get one verdict from both libraries [{bits}]");
        Trial::test(name, move || verdicts_agree(pem)).with_kind("property")
    })
    .chain(curves::trials())
    .collect()
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        2 => Just(Spoil::Nothing),
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        1 => any::<Index>().prop_map(Spoil::Cut),
        1 => Just(Spoil::ZeroBefore),
        1 => any::<u8>().prop_map(Spoil::ByteAfter),
        2 => Just(Spoil::AddModulus),
        1 => any::<u8>().prop_map(Spoil::Constant),
        1 => proptest::collection::vec(any::<u8>(), 0..600).prop_map(Spoil::Bytes),
    ]
}

impl Spoil {
    fn apply(self, signature: &[u8], modulus: &[u8]) -> Vec<u8> {
        let mut spoilt = signature.to_vec();
        match self {
            Self::Nothing => {}
            Self::Flip(at, bit) => spoilt[at.index(signature.len())] ^= 1 << bit,
            Self::Cut(at) => spoilt.truncate(at.index(signature.len())),
            Self::ZeroBefore => spoilt.insert(0, 0),
            Self::ByteAfter(byte) => spoilt.push(byte),
            Self::AddModulus => {
                let mut carry = 0;
                for (byte, &of_modulus) in spoilt.iter_mut().zip(modulus).rev() {
                    let sum = u16::from(*byte) + u16::from(of_modulus) + carry;
                    (*byte, carry) = (sum as u8, sum >> 8);
                }
                if carry > 0 {
                    spoilt.insert(0, 1);
                }
            }
            Self::Constant(byte) => {
                spoilt.fill(0);
                *spoilt.last_mut().unwrap() = byte;
            }
            Self::Bytes(bytes) => spoilt = bytes,
        }
        spoilt
    }
}

fn verdicts_agree(pem: &str) -> Result<(), Failed> {
    let der = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = KeyPair::from_der(der.secret_pkcs1_der()).unwrap();
    let public = pair.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero();
    let exponent = public.exponent().big_endian_without_leading_zero();
    let ours = VerifyingKey::rsa(modulus, exponent).ok_or("no key")?;
    let theirs = RsaPublicKeyComponents {
        n: modulus,
        e: exponent,
    };
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    });
    let message = proptest::collection::vec(any::<u8>(), 0..100);
    let case = (0..HASHES.len(), 0..HASHES.len(), message, spoil());
    let random = SystemRandom::new();
    let result = runner.run(&case, |(signed_as, judged_as, message, spoil)| {
        let mut signature = vec![0; modulus.len()];
        pair.sign(HASHES[signed_as].1, &random, &message, &mut signature)
            .unwrap();
        let is_whole = matches!(spoil, Spoil::Nothing);
        let signature = spoil.apply(&signature, modulus);
        let (algorithm, _, parameters) = HASHES[judged_as];
        let verdict = Portable.verify(&ours, algorithm, &message, &signature);
        let other = theirs.verify(parameters, &message, &signature).is_ok();
        prop_assert_eq!(verdict, other);
        prop_assert_eq!(verdict, is_whole && signed_as == judged_as);
        Ok(())
    });
    result?;
    Ok(())
}
