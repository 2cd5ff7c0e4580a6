//! Signatures that verifiers have been wrong about: the vectors of Project Wycheproof
//! (<https://github.com/C2SP/wycheproof>).
//!
//! What is valid is accepted, everything else refused, what the project calls acceptable too: those
//! signatures lack the NULL of the hash's parameters, and RFC 8017 section 8.2.2 compares the
//! whole block with the one encoding there is. ECDSA signatures are those that have r and s side by
//! side, as JOSE does (IEEE P1363).

use libtest_mimic::{Failed, Trial};
use registry_token_filter::keys::public_key::PublicKey;
use registry_token_filter::keys::signature::{
    Algorithm, Portable, SignatureVerifier, VerifyingKey,
};
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName as Ecdsa, TestSet as EcdsaSet};
use wycheproof::eddsa::{TestName as EdDsa, TestSet as EdDsaSet};
use wycheproof::rsa_pkcs1_verify::{TestName as Pkcs1, TestSet as Pkcs1Set};
use wycheproof::rsa_pss_verify::{TestName as Pss, TestSet as PssSet};

use crate::all_of;

/// RSASSA-PKCS1-v1_5, for the hashes a token may use, with keys of every size there is.
const PKCS1: [(Pkcs1, Algorithm); 12] = [
    (Pkcs1::Rsa2048Sha256, Algorithm::Rs256),
    (Pkcs1::Rsa2048Sha384, Algorithm::Rs384),
    (Pkcs1::Rsa2048Sha512, Algorithm::Rs512),
    (Pkcs1::Rsa3072Sha256, Algorithm::Rs256),
    (Pkcs1::Rsa3072Sha384, Algorithm::Rs384),
    (Pkcs1::Rsa3072Sha512, Algorithm::Rs512),
    (Pkcs1::Rsa4096Sha256, Algorithm::Rs256),
    (Pkcs1::Rsa4096Sha384, Algorithm::Rs384),
    (Pkcs1::Rsa4096Sha512, Algorithm::Rs512),
    (Pkcs1::Rsa8192Sha256, Algorithm::Rs256),
    (Pkcs1::Rsa8192Sha384, Algorithm::Rs384),
    (Pkcs1::Rsa8192Sha512, Algorithm::Rs512),
];

/// RSASSA-PSS, and whether the salt is as long as the hash: where it is not, what is valid is no
/// signature of a token (RFC 7518 section 3.5).
const PSS: [(Pss, Algorithm, bool); 8] = [
    (Pss::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::Ps256, true),
    (Pss::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::Ps384, true),
    (Pss::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::Ps256, true),
    (Pss::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::Ps256, true),
    (Pss::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::Ps384, true),
    (Pss::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::Ps512, true),
    (Pss::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::Ps256, false),
    (Pss::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::Ps512, false),
];

/// ECDSA: each curve with the hash that RFC 7518 section 3.4 gives it.
const ECDSA: [(Ecdsa, Algorithm); 3] = [
    (Ecdsa::EcdsaSecp256r1Sha256P1363, Algorithm::Es256),
    (Ecdsa::EcdsaSecp384r1Sha384P1363, Algorithm::Es384),
    (Ecdsa::EcdsaSecp521r1Sha512P1363, Algorithm::Es512),
];

pub(crate) fn trials() -> Vec<Trial> {
    let pkcs1 = PKCS1.map(|(name, algorithm)| {
        Trial::test(format!("{name:?}"), move || judge_pkcs1(name, algorithm))
    });
    let pss = PSS.map(|(name, algorithm, is_fit)| {
        Trial::test(format!("{name:?}"), move || {
            judge_pss(name, algorithm, is_fit)
        })
    });
    let ecdsa = ECDSA.map(|(name, algorithm)| {
        Trial::test(format!("{name:?}"), move || judge_ecdsa(name, algorithm))
    });
    let eddsa = Trial::test("Ed25519", judge_eddsa);
    pkcs1
        .into_iter()
        .chain(pss)
        .chain(ecdsa)
        .chain([eddsa])
        .map(|trial| trial.with_kind("wycheproof"))
        .collect()
}

fn judge_pkcs1(name: Pkcs1, algorithm: Algorithm) -> Result<(), Failed> {
    let mut faults = Vec::new();
    for group in Pkcs1Set::load(name)?.test_groups {
        let key = VerifyingKey::rsa(&group.key.n, &group.key.e).ok_or("no key")?;
        for test in group.tests {
            let verdict = Portable.verify(&key, algorithm, &test.msg, &test.sig);
            if verdict != (test.result == TestResult::Valid) {
                faults.push(fault(test.tc_id, test.result, &test.comment));
            }
        }
    }
    all_of(faults)
}

fn judge_pss(name: Pss, algorithm: Algorithm, is_fit: bool) -> Result<(), Failed> {
    let mut faults = Vec::new();
    for group in PssSet::load(name)?.test_groups {
        let key = VerifyingKey::rsa(&group.key.n, &group.key.e).ok_or("no key")?;
        // Where it does not fit, an invalid signature may just be one whose salt does.
        let judged = |result| is_fit || result == TestResult::Valid;
        for test in group.tests.into_iter().filter(|test| judged(test.result)) {
            let verdict = Portable.verify(&key, algorithm, &test.msg, &test.sig);
            if verdict != (is_fit && test.result == TestResult::Valid) {
                faults.push(fault(test.tc_id, test.result, &test.comment));
            }
        }
    }
    all_of(faults)
}

fn judge_ecdsa(name: Ecdsa, algorithm: Algorithm) -> Result<(), Failed> {
    let mut faults = Vec::new();
    for group in EcdsaSet::load(name)?.test_groups {
        let key = key(&group.der)?;
        for test in group.tests {
            let verdict = Portable.verify(&key, algorithm, &test.msg, &test.sig);
            if verdict != (test.result == TestResult::Valid) {
                faults.push(fault(test.tc_id, test.result, &test.comment));
            }
        }
    }
    all_of(faults)
}

fn judge_eddsa() -> Result<(), Failed> {
    let mut faults = Vec::new();
    for group in EdDsaSet::load(EdDsa::Ed25519)?.test_groups {
        let key = key(&group.der)?;
        for test in group.tests {
            let verdict = Portable.verify(&key, Algorithm::EdDsa, &test.msg, &test.sig);
            if verdict != (test.result == TestResult::Valid) {
                faults.push(fault(test.tc_id, test.result, &test.comment));
            }
        }
    }
    all_of(faults)
}

/// The key of a group, read as from a certificate.
fn key(spki: &[u8]) -> Result<VerifyingKey, Failed> {
    let key = PublicKey::from_der(spki).map_err(|error| error.to_string())?;
    VerifyingKey::new(&key).ok_or_else(|| Failed::from("no key"))
}

fn fault(number: usize, result: TestResult, comment: &str) -> String {
    format!("{number} is {result:?}: {comment}")
}
