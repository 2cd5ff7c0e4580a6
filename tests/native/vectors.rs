//! Published vectors: RFC 7515, RFC 7638, and libtrust.

use base64ct::{Base64UrlUnpadded, Encoding};
use libtest_mimic::{Failed, Trial};
use registry_token_filter::keys::public_key::PublicKey;
use registry_token_filter::keys::signature::{
    Algorithm, Portable, SignatureVerifier, VerifyingKey,
};

use corpus::key::{Public, libtrust_id};

pub(crate) fn trials() -> Vec<Trial> {
    type Vector = fn() -> Result<(), Failed>;
    let published: [(&str, Vector); 2] = [
        ("RFC 7515 appendix A.2: a JWS using RS256", rfc7515_a2),
        ("RFC 7638 section 3.1: the ids of a key", rfc7638_3_1),
    ];
    let trial = |(name, vector): (&str, Vector)| Trial::test(name, vector).with_kind("vector");
    published.map(trial).into()
}

/// <https://www.rfc-editor.org/rfc/rfc7515#appendix-A.2>
fn rfc7515_a2() -> Result<(), Failed> {
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4q\
        PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LO\
        L-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw\
        Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh\
        0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHI\
        m4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK\
        5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7n\
        oOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let key = VerifyingKey::rsa(&decode(MODULUS), &decode("AQAB")).ok_or("no key")?;
    let mut signature = decode(SIGNATURE);
    let verdict = |algorithm, signed: &str, signature: &[u8]| {
        Portable.verify(&key, algorithm, signed.as_bytes(), signature)
    };
    assert!(verdict(Algorithm::Rs256, SIGNED, &signature));
    assert!(!verdict(Algorithm::Rs384, SIGNED, &signature));
    assert!(!verdict(Algorithm::Rs256, &SIGNED[1..], &signature));
    signature[100] ^= 1;
    assert!(!verdict(Algorithm::Rs256, SIGNED, &signature));
    Ok(())
}

/// <https://www.rfc-editor.org/rfc/rfc7638#section-3.1>, and the same key's id by libtrust. They
/// judge the ids that tests make by themselves as well.
fn rfc7638_3_1() -> Result<(), Failed> {
    const MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7a\
        PFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4Qy\
        Q5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrd\
        kt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const LIBTRUST: &str = "VUZD:EDHW:YWLN:RBFQ:KOA3:UVZ2:XKG5:2V2J:WTPI:6SRD:U6PZ:VCO5";
    const THUMBPRINT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    let (modulus, exponent) = (decode(MODULUS), decode("AQAB"));
    let own = Public::Rsa {
        n: modulus.clone(),
        e: exponent.clone(),
    };
    let key = PublicKey::rsa(&modulus, &exponent).map_err(|error| error.to_string())?;
    assert_eq!(key.rfc7638(), THUMBPRINT);
    assert_eq!(own.thumbprint(), THUMBPRINT);
    assert_eq!(key.libtrust(), LIBTRUST);
    assert_eq!(libtrust_id(&own.spki()), LIBTRUST);
    Ok(())
}

fn decode(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).expect("base64url")
}
